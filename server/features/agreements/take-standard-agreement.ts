import { and, eq, inArray, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { agreement } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { addDays, localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { personOf } from './agreement-row.ts';
import { hashOfText } from './agreement-text.ts';
import { composeAgreement, marketplaceName, standardTemplate } from './compose-agreement.ts';
import { schoolInScope } from './school-facts.ts';

/** The standard agreement runs to 31 July, as a school year does; from April on, to that of the next year. */
export function standardTermEnd(today: string): string {
  const [year = 0, month = 1] = today.split('-').map(Number);
  return `${month >= 4 ? year + 1 : year}-07-31`;
}

/**
 * A school that came alone takes the operator's standard agreement: it lies ready to be read and signed at once, its text
 * fixed. `duplicate` while another of the operator's own is open or in force.
 */
export const takeStandardAgreement = defineVerb({
  name: 'agreements.take-standard',
  kind: 'command',
  access: [{ school: ['signatory', 'school-administrator'] }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, tx, input, audit, emit }) => {
    const { userId, name } = personOf(ctx.actor);
    const school = await schoolInScope(tx, input.schoolId, { lock: true });
    const open = await tx.query.agreement.findFirst({
      columns: { id: true },
      where: and(
        eq(agreement.schoolId, input.schoolId),
        isNull(agreement.agentId),
        inArray(agreement.state, ['draft', 'sent', 'signed', 'in-force', 'notice-given']),
      ),
    });
    if (open !== undefined) throw new CrosswalkError('duplicate', { details: { agreementId: open.id } });
    const template = await standardTemplate(tx);
    const now = ctx.clock.now();
    const today = localDate(now, school.timeZone);
    const end = standardTermEnd(today);
    const terms = { termStart: today, termEnd: end > today ? end : addDays(today, 365), products: 'all' as const };
    const parts = composeAgreement({
      locale: template.locale,
      template,
      terms: { ...terms, priceNote: '', graceDays: 30 },
      parties: { ...school, school: school.name, agent: null },
      marketplace: await marketplaceName(tx),
      attachment: null,
    });
    const id = newId();
    await tx.insert(agreement).values({
      id,
      schoolId: school.id,
      agentId: null,
      templateId: template.id,
      state: 'sent',
      ...terms,
      products: ['all'],
      graceDays: 30,
      ...parts,
      textHash: hashOfText(parts),
      draftedBy: userId,
      signatoryName: name,
      sentAt: now,
      createdAt: now,
    });
    audit({
      action: 'agreements.standard-taken',
      subjectKind: 'agreement',
      subjectId: id,
      details: { textHash: hashOfText(parts) },
    });
    await emit('agreement/changed', { schoolId: school.id, agreementId: id });
    return { agreementId: id };
  },
});
