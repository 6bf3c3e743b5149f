import { desc, eq } from 'drizzle-orm';
import { z } from 'zod';
import { recovery } from '#db/schema/people.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

/** The namings of a new administrator of a school, the newest first: under way, stopped, done. */
export const listRecoveries = defineVerb({
  name: 'people.list-recoveries',
  kind: 'query',
  access: [{ school: schoolRoles }, { operator: true }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, tx, input }) => {
    const rows = await tx.query.recovery.findMany({
      where: eq(recovery.schoolId, input.schoolId),
      orderBy: desc(recovery.startedAt),
      limit: 50,
    });
    const now = ctx.clock.now();
    return rows.map((row) => ({
      id: row.id,
      newAdministratorName: row.newAdministratorName,
      newAdministratorEmail: row.newAdministratorEmail,
      reason: row.reason,
      startedAt: row.startedAt,
      notBefore: row.notBefore,
      stoppedAt: row.stoppedAt,
      completedAt: row.completedAt,
      state:
        row.stoppedAt !== null
          ? ('stopped' as const)
          : row.completedAt !== null
            ? ('completed' as const)
            : row.notBefore <= now
              ? ('ready' as const)
              : ('waiting' as const),
    }));
  },
});
