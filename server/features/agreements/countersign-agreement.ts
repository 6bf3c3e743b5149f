import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { agreement } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf, personOf } from './agreement-row.ts';
import { hashOfText } from './agreement-text.ts';
import { agentMayCountersign } from './ask-for-countersignature.ts';
import { othersInForce, putInForce } from './put-in-force.ts';
import { schoolInScope } from './school-facts.ts';
import { textHashSchema } from './sign-agreement.ts';
import { nextState } from './state-machine.ts';

/**
 * Countersigned by the operator, or by an agent administrator whose organisation has the operator's mandate, an agreement
 * is in force at once. A renewal that begins after the present one's last day waits for that day. The school must be
 * trusted: a signature of somebody who is not yet proved to be the school binds nobody.
 */
export const countersignAgreement = defineVerb({
  name: 'agreements.countersign',
  kind: 'command',
  access: [{ operator: true }, { agent: ['agent-administrator'], serves: 'prospect' }],
  input: z.object({
    schoolId: idSchema,
    agreementId: idSchema,
    agentId: idSchema.optional(),
    textHash: textHashSchema,
  }),
  run: async ({ input, party, ...work }) => {
    const { ctx, tx, audit, emit } = work;
    const school = await schoolInScope(tx, input.schoolId, { lock: true });
    const key = { schoolId: input.schoolId, agreementId: input.agreementId };
    const asAgent = party.as === 'agent' && party.agentId !== null ? { agentId: party.agentId } : {};
    const row = await agreementInSchool(tx, { ...key, ...asAgent }, { lock: true });
    nextState(factsOf(row), 'countersign');
    if (party.as === 'agent' && !(await agentMayCountersign(tx, row.agentId))) {
      throw new CrosswalkError('countersign-not-mandated');
    }
    if (school.trust !== 'trusted') throw new CrosswalkError('school-not-trusted');
    const unchanged = input.textHash === row.textHash && hashOfText(row) === row.textHash;
    if (!unchanged || row.signedHash !== row.textHash) throw new CrosswalkError('changed-meanwhile');
    if (row.termEnd < localDate(ctx.clock.now(), school.timeZone)) throw new CrosswalkError('agreement-term-over');
    const predecessor = (await othersInForce(tx, row)).find((other) => other.agentId === row.agentId);
    if (predecessor !== undefined && row.termStart <= (predecessor.endsOn ?? predecessor.termEnd)) {
      throw new CrosswalkError('agreement-overlaps', {
        details: { endsOn: predecessor.endsOn ?? predecessor.termEnd },
      });
    }
    const { userId, name } = personOf(ctx.actor);
    const signature = { countersignedBy: userId, countersignedName: name, countersignedAt: ctx.clock.now() };
    await tx.update(agreement).set(signature).where(eq(agreement.id, row.id));
    audit({
      action: 'agreements.countersigned',
      subjectKind: 'agreement',
      subjectId: row.id,
      details: { textHash: input.textHash, by: party.as === 'agent' ? 'agent' : 'operator' },
    });
    if (predecessor === undefined) await putInForce(work, { ...row, ...signature }, school.name);
    await emit('agreement/changed', key);
    return { state: predecessor === undefined ? ('in-force' as const) : ('signed' as const) };
  },
});
