import { and, desc, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { syncRun, system } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { readLive, viewOf } from './run-view.ts';

/** The last run of each system of the school, live: phase, counts, rate, time left; null where there was none. */
export const syncProgress = defineVerb({
  name: 'sync.sync-progress',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, input, tx }) => {
    const now = ctx.clock.now();
    const systems = await tx
      .select({ id: system.id, name: system.name, kind: system.kind })
      .from(system)
      .where(and(eq(system.schoolId, input.schoolId), isNull(system.removedAt)))
      .orderBy(system.id);
    const runs = await tx
      .selectDistinctOn([syncRun.systemId])
      .from(syncRun)
      .where(eq(syncRun.schoolId, input.schoolId))
      .orderBy(syncRun.systemId, desc(syncRun.createdAt));
    const live = await readLive(tx, input.schoolId, runs);
    const bySystem = new Map(runs.map((run) => [run.systemId, viewOf(run, now, live.get(run.id))]));
    return systems.map((row) => ({
      systemId: row.id,
      name: row.name,
      kind: row.kind,
      run: bySystem.get(row.id) ?? null,
    }));
  },
});
