import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { agreement } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { addDays, localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf } from './agreement-row.ts';
import { reasonSchema } from './decline-agreement.ts';
import { drawersOf, drawersUrl, mailTo, peopleWithRole, schoolsUrl } from './mail-about-agreement.ts';
import { schoolInScope } from './school-facts.ts';
import { nextState } from './state-machine.ts';

/**
 * Either side gives notice: a last day (today at the earliest, the agreed end at the latest) and a reason. Until that day
 * is over nothing changes.
 */
export const giveNotice = defineVerb({
  name: 'agreements.give-notice',
  kind: 'command',
  access: [{ school: ['signatory'] }, { operator: true }, { agent: ['agent-administrator'], serves: 'prospect' }],
  input: z.object({
    schoolId: idSchema,
    agreementId: idSchema,
    agentId: idSchema.optional(),
    endsOn: z.iso.date(),
    reason: reasonSchema,
  }),
  run: async ({ input, party, ...work }) => {
    const { ctx, tx, audit, emit } = work;
    const key = { schoolId: input.schoolId, agreementId: input.agreementId };
    const asAgent = party.as === 'agent' && party.agentId !== null ? { agentId: party.agentId } : {};
    const school = await schoolInScope(tx, input.schoolId, { lock: true });
    const row = await agreementInSchool(tx, { ...key, ...asAgent }, { lock: true });
    const state = nextState(factsOf(row), 'give-notice');
    const latest = row.endsOn ?? row.termEnd;
    if (input.endsOn < localDate(ctx.clock.now(), school.timeZone) || input.endsOn > latest) {
      throw new CrosswalkError('invalid-input', { details: { fields: ['endsOn'], latest } });
    }
    const noticeBy = party.as === 'school' ? 'school' : party.as === 'agent' ? 'agent' : 'operator';
    await tx
      .update(agreement)
      .set({ state, noticeBy, noticeReason: input.reason, noticeAt: ctx.clock.now(), endsOn: input.endsOn })
      .where(eq(agreement.id, row.id));
    const parameters = {
      organisation: school.name,
      endsOn: input.endsOn,
      graceEndsOn: addDays(input.endsOn, row.graceDays),
      reason: input.reason,
    };
    await mailTo(work, await peopleWithRole(tx, input.schoolId, ['signatory', 'school-administrator']), {
      template: 'agreement-notice',
      schoolId: input.schoolId,
      parameters: { ...parameters, url: schoolsUrl(work, row) },
    });
    await mailTo(work, await drawersOf(tx, row), {
      template: 'agreement-notice',
      schoolId: null,
      parameters: { ...parameters, url: drawersUrl(work, row) },
    });
    audit({
      action: 'agreements.notice-given',
      subjectKind: 'agreement',
      subjectId: row.id,
      details: { by: noticeBy, endsOn: input.endsOn },
    });
    await emit('agreement/changed', key);
    return { state, endsOn: input.endsOn };
  },
});
