import { and, eq, isNull, lte } from 'drizzle-orm';
import { z } from 'zod';
import { recovery } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { inviteFirstAdministrator } from './invitation-links.ts';
import { organisationName } from './organisation-name.ts';
import { tellEverybodyOf } from './recovery-notice.ts';

/**
 * Invites the new administrator, once the 72 hours are over and nobody objected; everybody is told.
 * @throws CrosswalkError `already-decided` where it was stopped or done; `state-forbids` with `details.notBefore` where
 *   it is too early.
 */
export const completeRecovery = defineVerb({
  name: 'people.complete-recovery',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({ schoolId: idSchema, recoveryId: idSchema }),
  run: async (work) => {
    const { ctx, tx, input } = work;
    const now = ctx.clock.now();
    const [done] = await tx
      .update(recovery)
      .set({ completedAt: now })
      .where(
        and(
          eq(recovery.id, input.recoveryId),
          isNull(recovery.stoppedAt),
          isNull(recovery.completedAt),
          lte(recovery.notBefore, now),
        ),
      )
      .returning();
    if (done === undefined) {
      const there = await tx.query.recovery.findFirst({ where: eq(recovery.id, input.recoveryId) });
      if (there === undefined) throw new CrosswalkError('not-found');
      if (there.stoppedAt !== null || there.completedAt !== null) throw new CrosswalkError('already-decided');
      throw new CrosswalkError('state-forbids', { details: { notBefore: there.notBefore.toISOString() } });
    }
    const { invitationId } = await inviteFirstAdministrator(work, {
      schoolId: input.schoolId,
      email: done.newAdministratorEmail,
      name: done.newAdministratorName,
    });
    const organisation = await organisationName(tx, input.schoolId);
    await tellEverybodyOf(work, input.schoolId, 'recovery-completed', { organisation });
    work.audit({
      action: 'people.recovery-completed',
      subjectKind: 'recovery',
      subjectId: input.recoveryId,
      details: { invitationId },
    });
    return { invitationId };
  },
});
