import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { agreement, agreementMove, prospect } from '#db/schema/index.ts';
import { refuseUnreviewedAgent } from '#server/features/schools/refuse-unreviewed-agent.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf, personOf } from './agreement-row.ts';
import { othersInForce } from './put-in-force.ts';
import { schoolInScope } from './school-facts.ts';
import { nextState } from './state-machine.ts';

/**
 * The signatory consents to a move, or refuses it. With his consent, kept with name and time, the agreement is the other
 * agent's; text, dates, state and every connection stay as they are.
 */
export const answerMove = defineLongVerb({
  name: 'agreements.answer-move',
  kind: 'command',
  access: [{ school: ['signatory'] }],
  input: z.object({
    schoolId: idSchema,
    agreementId: idSchema,
    moveId: idSchema,
    answer: z.enum(['consented', 'refused']),
  }),
  run: async ({ ctx, input, transact }) => {
    const key = { schoolId: input.schoolId, agreementId: input.agreementId };
    const move = await transact(async ({ tx }) => {
      await agreementInSchool(tx, key);
      return tx.query.agreementMove.findFirst({
        where: and(eq(agreementMove.id, input.moveId), eq(agreementMove.agreementId, input.agreementId)),
      });
    });
    if (move === undefined) throw new CrosswalkError('not-found');
    // The new agent's own row of the school is written besides, so the transaction is in his scope too.
    return transact(
      async ({ tx, audit, emit }) => {
        const school = await schoolInScope(tx, input.schoolId, { lock: true });
        const row = await agreementInSchool(tx, key, { lock: true });
        const { userId, name } = personOf(ctx.actor);
        const answered = { answer: input.answer, answeredBy: userId, answeredName: name, answeredAt: ctx.clock.now() };
        const [open] = await tx
          .update(agreementMove)
          .set(answered)
          .where(and(eq(agreementMove.id, move.id), isNull(agreementMove.answer)))
          .returning();
        if (open === undefined) throw new CrosswalkError('already-decided');
        if (input.answer === 'consented') {
          nextState(factsOf(row), 'move');
          await refuseUnreviewedAgent(tx, open.toAgentId);
          if (row.agentId !== open.fromAgentId) throw new CrosswalkError('changed-meanwhile');
          if ((await othersInForce(tx, row)).some((other) => other.agentId === open.toAgentId)) {
            throw new CrosswalkError('agreement-overlaps');
          }
          await tx.update(agreement).set({ agentId: open.toAgentId }).where(eq(agreement.id, row.id));
          const { name: schoolName, register, registerNumber, country, timeZone } = school;
          const identity = { name: schoolName, register, registerNumber, country, timeZone };
          await tx
            .insert(prospect)
            .values({
              id: newId(),
              agentId: open.toAgentId,
              schoolId: school.id,
              ...identity,
              sites: [],
              contacts: [],
              createdBy: open.proposedBy,
              createdAt: ctx.clock.now(),
            })
            .onConflictDoUpdate({
              target: [prospect.agentId, prospect.register, prospect.registerNumber],
              set: { archivedAt: null, schoolId: school.id },
            });
        }
        audit({
          action: input.answer === 'consented' ? 'agreements.moved' : 'agreements.move-refused',
          subjectKind: 'agreement',
          subjectId: row.id,
          details: { moveId: open.id, fromAgentId: open.fromAgentId, toAgentId: open.toAgentId },
        });
        await emit('agreement/changed', key);
        return { answer: input.answer };
      },
      { schoolId: input.schoolId, agentId: move.toAgentId },
    );
  },
});
