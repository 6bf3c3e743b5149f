import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { recovery } from '#db/schema/people.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { organisationName } from './organisation-name.ts';
import { tellEverybodyOf } from './recovery-notice.ts';
import { signedInUser } from './signed-in-user.ts';

/** Any member of the school stops the naming of a new administrator; everybody is told. */
export const stopRecovery = defineVerb({
  name: 'people.stop-recovery',
  kind: 'command',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, recoveryId: idSchema }),
  run: async (work) => {
    const { ctx, tx, input } = work;
    const user = signedInUser(ctx);
    const stopped = await tx
      .update(recovery)
      .set({ stoppedAt: ctx.clock.now(), stoppedBy: user.userId })
      .where(and(eq(recovery.id, input.recoveryId), isNull(recovery.stoppedAt), isNull(recovery.completedAt)))
      .returning({ id: recovery.id });
    if (stopped.length === 0) {
      const there = await tx.query.recovery.findFirst({ where: eq(recovery.id, input.recoveryId) });
      throw new CrosswalkError(there === undefined ? 'not-found' : 'already-decided');
    }
    const organisation = await organisationName(tx, input.schoolId);
    await tellEverybodyOf(work, input.schoolId, 'recovery-stopped', { organisation, by: user.name });
    work.audit({ action: 'people.recovery-stopped', subjectKind: 'recovery', subjectId: input.recoveryId });
    return { stopped: true };
  },
});
