import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { agreementMove, organisation } from '#db/schema/index.ts';
import { refuseUnreviewedAgent } from '#server/features/schools/refuse-unreviewed-agent.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf, personOf } from './agreement-row.ts';
import { reasonSchema } from './decline-agreement.ts';
import { mailTo, schoolsUrl, signatoriesOf } from './mail-about-agreement.ts';
import { othersInForce } from './put-in-force.ts';
import { schoolInScope } from './school-facts.ts';
import { nextState } from './state-machine.ts';

/** The operator proposes that an agreement in force moves to another agent; nothing moves without the school's consent. */
export const proposeMove = defineVerb({
  name: 'agreements.propose-move',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({ schoolId: idSchema, agreementId: idSchema, toAgentId: idSchema, reason: reasonSchema }),
  run: async ({ input, party: _party, ...work }) => {
    const { ctx, tx, audit } = work;
    const school = await schoolInScope(tx, input.schoolId, { lock: true });
    const row = await agreementInSchool(
      tx,
      { schoolId: input.schoolId, agreementId: input.agreementId },
      { lock: true },
    );
    nextState(factsOf(row), 'move');
    const to = await refuseUnreviewedAgent(tx, input.toAgentId);
    if (to.id === row.agentId) throw new CrosswalkError('invalid-input', { details: { fields: ['toAgentId'] } });
    if ((await othersInForce(tx, row)).some((other) => other.agentId === to.id)) {
      throw new CrosswalkError('agreement-overlaps');
    }
    const open = await tx.query.agreementMove.findFirst({
      columns: { id: true },
      where: and(eq(agreementMove.agreementId, row.id), isNull(agreementMove.answer)),
    });
    if (open !== undefined) throw new CrosswalkError('duplicate', { details: { moveId: open.id } });
    const from =
      row.agentId === null
        ? undefined
        : await tx.query.organisation.findFirst({ where: eq(organisation.id, row.agentId) });
    const id = newId();
    await tx.insert(agreementMove).values({
      id,
      schoolId: input.schoolId,
      agreementId: row.id,
      fromAgentId: row.agentId,
      toAgentId: to.id,
      reason: input.reason,
      proposedBy: personOf(ctx.actor).userId,
      proposedAt: ctx.clock.now(),
    });
    await mailTo(work, await signatoriesOf(tx, input.schoolId), {
      template: 'agreement-move-proposed',
      schoolId: input.schoolId,
      parameters: {
        organisation: school.name,
        from: from?.name ?? '–',
        to: to.name,
        reason: input.reason,
        url: schoolsUrl(work, row),
      },
    });
    audit({
      action: 'agreements.move-proposed',
      subjectKind: 'agreement',
      subjectId: row.id,
      details: { toAgentId: to.id, moveId: id },
    });
    return { moveId: id };
  },
});
