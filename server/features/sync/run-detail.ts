import { and, asc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { setAsideRecord, syncRun } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { getRunInSchool, heldOf } from './load-run.ts';
import { viewOf } from './run-view.ts';

/** Records set aside that one page lists; the counts by reason cover all. */
const listed = 200;

/** One run: progress, deviations of the provider, records set aside by reason, and why it is held. */
export const runDetail = defineVerb({
  name: 'sync.run-detail',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, syncRunId: idSchema }),
  run: async ({ ctx, input, tx }) => {
    const row = await getRunInSchool(tx, input.schoolId, input.syncRunId);
    const ofRun = and(eq(setAsideRecord.schoolId, input.schoolId), eq(setAsideRecord.syncRunId, row.id));
    const reasons = await tx
      .select({
        collection: setAsideRecord.collection,
        field: setAsideRecord.field,
        reason: setAsideRecord.reason,
        count: sql<number>`count(*)::int`,
      })
      .from(setAsideRecord)
      .where(ofRun)
      .groupBy(setAsideRecord.collection, setAsideRecord.field, setAsideRecord.reason)
      .orderBy(setAsideRecord.collection, setAsideRecord.reason);
    const records = await tx
      .select({
        collection: setAsideRecord.collection,
        sourceId: setAsideRecord.sourceId,
        field: setAsideRecord.field,
        reason: setAsideRecord.reason,
      })
      .from(setAsideRecord)
      .where(ofRun)
      .orderBy(asc(setAsideRecord.id))
      .limit(listed);
    const [newest] = await tx
      .select({ id: syncRun.id })
      .from(syncRun)
      .where(and(eq(syncRun.schoolId, input.schoolId), eq(syncRun.systemId, row.systemId)))
      .orderBy(sql`${syncRun.id} desc`)
      .limit(1);
    return {
      run: viewOf(row, ctx.clock.now()),
      scopes: row.scopes,
      isNewest: newest?.id === row.id,
      /** Deviations of the provider that were read nevertheless, with the number of pages on which each was seen. */
      deviations: Object.entries(row.deviations)
        .map(([key, pages]) => ({ key, pages }))
        .sort((a, b) => b.pages - a.pages || (a.key < b.key ? -1 : 1)),
      setAside: { reasons, records },
      held: heldOf(row),
      decidedAt: row.decidedAt,
    };
  },
});
