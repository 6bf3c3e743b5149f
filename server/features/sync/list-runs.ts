import { and, desc, eq, lt } from 'drizzle-orm';
import { z } from 'zod';
import { syncRun } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { readLive, viewOf } from './run-view.ts';

const pageSize = 50;

/** Runs of the school or of one system, newest first. `before` is the id of the last one of the page before. */
export const listRuns = defineVerb({
  name: 'sync.list-runs',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, systemId: idSchema.optional(), before: idSchema.optional() }),
  run: async ({ ctx, input, tx }) => {
    const { schoolId, systemId, before } = input;
    const rows = await tx
      .select()
      .from(syncRun)
      .where(
        and(
          eq(syncRun.schoolId, schoolId),
          systemId === undefined ? undefined : eq(syncRun.systemId, systemId),
          // Ids are UUIDv7: their order is that of their making.
          before === undefined ? undefined : lt(syncRun.id, before),
        ),
      )
      .orderBy(desc(syncRun.id))
      .limit(pageSize + 1);
    const shown = rows.slice(0, pageSize);
    const live = await readLive(tx, schoolId, shown);
    const runs = shown.map((row) => viewOf(row, ctx.clock.now(), live.get(row.id)));
    return { runs, next: rows.length > pageSize ? (runs.at(-1)?.syncRunId ?? null) : null };
  },
});
