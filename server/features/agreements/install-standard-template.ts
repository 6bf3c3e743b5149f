import { and, isNotNull, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { agreementTemplate } from '#db/schema/index.ts';
import { translate } from '#messages/translate.ts';
import { newId } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

/** The text that a new template begins with, for the operator to make his own. */
export function starterText(locale: string): { body: string; dataProcessingTerms: string } {
  // The catalogue's texts go through ICU, in which braces are arguments: placeholders stand there as [[school]].
  const text = (key: string) => translate(locale, `agreements.starter.${key}`).replaceAll(/\[\[(\w+)\]\]/g, '{{$1}}');
  return { body: text('body'), dataProcessingTerms: text('dataProcessingTerms') };
}

/** At the first start: the operator has a standard agreement to begin with, unless he has one. */
export const installStandardTemplate = defineVerb({
  name: 'agreements.install-standard-template',
  kind: 'command',
  access: [{ system: true }],
  input: z.object({}),
  unaudited: 'does nothing where a standard agreement exists',
  run: async ({ ctx, tx, audit }) => {
    const there = await tx.query.agreementTemplate.findFirst({
      where: and(isNull(agreementTemplate.agentId), isNotNull(agreementTemplate.standardSince)),
    });
    if (there !== undefined) return { templateId: there.id };
    const id = newId();
    const now = ctx.clock.now();
    await tx.insert(agreementTemplate).values({
      id,
      agentId: null,
      name: translate('en', 'agreements.starter.name'),
      locale: 'en',
      version: 1,
      ...starterText('en'),
      standardSince: now,
      createdAt: now,
    });
    audit({
      action: 'agreements.template-saved',
      subjectKind: 'agreement-template',
      subjectId: id,
      details: { standard: true },
    });
    return { templateId: id };
  },
});
