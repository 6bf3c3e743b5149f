import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { agreementTemplate } from '#db/schema/index.ts';
import { locales } from '#messages/load-messages.ts';
import { lineSchema, textSchema } from '#server/features/schools/school-details.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { refuseUnknownPlaceholders } from './agreement-text.ts';

const templateSchema = z.object({
  name: lineSchema(120).refine((name) => name.length > 0),
  locale: z.enum(locales).default('en'),
  body: textSchema(100_000).refine((text) => text.length > 0),
  dataProcessingTerms: textSchema(100_000).refine((text) => text.length > 0),
});

/**
 * Saves a template, the agent's own or the operator's. A change is a new version: what was drawn up from an older one
 * keeps it. Unknown placeholders are refused by name.
 */
export const saveTemplate = defineVerb({
  name: 'agreements.save-template',
  kind: 'command',
  access: [{ agent: ['agent-administrator'] }, { operator: true }],
  input: templateSchema.extend({
    agentId: idSchema.optional(),
    /** The version that this one replaces. */
    templateId: idSchema.optional(),
    /** The operator's: the one that a school takes when it arrives by itself. */
    standard: z.boolean().default(false),
  }),
  run: async ({ input, party, ...work }) => {
    const agentId = party.as === 'agent' ? party.agentId : null;
    const { templateId, standard, name, locale, body, dataProcessingTerms } = input;
    refuseUnknownPlaceholders(body, dataProcessingTerms);
    const before = templateId === undefined ? undefined : await retire(work, templateId, agentId);
    const now = work.ctx.clock.now();
    const id = newId();
    await work.tx.insert(agreementTemplate).values({
      id,
      agentId,
      name,
      locale,
      body,
      dataProcessingTerms,
      version: (before?.version ?? 0) + 1,
      standardSince: agentId === null && standard ? now : null,
      createdAt: now,
    });
    work.audit({
      action: 'agreements.template-saved',
      subjectKind: 'agreement-template',
      subjectId: id,
      details: { agentId, version: (before?.version ?? 0) + 1, standard: agentId === null && standard },
    });
    return { templateId: id };
  },
});

async function retire(work: Pick<Work, 'ctx' | 'tx'>, templateId: string, agentId: string | null) {
  const [row] = await work.tx
    .update(agreementTemplate)
    .set({ retiredAt: work.ctx.clock.now() })
    .where(
      and(
        eq(agreementTemplate.id, templateId),
        isNull(agreementTemplate.retiredAt),
        agentId === null ? isNull(agreementTemplate.agentId) : eq(agreementTemplate.agentId, agentId),
      ),
    )
    .returning();
  if (row === undefined) throw new CrosswalkError('changed-meanwhile');
  return row;
}

/** Takes a template out of use; agreements drawn up from it stay. */
export const retireTemplate = defineVerb({
  name: 'agreements.retire-template',
  kind: 'command',
  access: [{ agent: ['agent-administrator'] }, { operator: true }],
  input: z.object({ agentId: idSchema.optional(), templateId: idSchema }),
  run: async ({ input, party, ...work }) => {
    const row = await retire(work, input.templateId, party.as === 'agent' ? party.agentId : null);
    work.audit({
      action: 'agreements.template-retired',
      subjectKind: 'agreement-template',
      subjectId: row.id,
      details: { agentId: row.agentId },
    });
    return { retired: true };
  },
});
