import { and, eq, gt, isNull, ne, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { appUser, rosterSite, rosterUpload, setAsideRecord, syncRun, system } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { seesPeople } from '#server/features/roster-browser/who-sees-people.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { getRunInSchool, heldOf } from './load-run.ts';
import { countsOf, readLive, viewOf } from './run-view.ts';

/** How long an applied run can be taken back: as long as what was before is kept. */
const undoMs = 30 * 86_400_000;

/**
 * One run in numbers and words: progress, the package that it read, deviations of the provider, records set aside by reason, why it is
 * held and what came of that. Rows, of the diff and of what was set aside, are asked for a page at a time.
 */
export const runDetail = defineVerb({
  name: 'sync.run-detail',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, syncRunId: idSchema }),
  run: async ({ ctx, input, party, tx }) => {
    const { schoolId } = input;
    const now = ctx.clock.now();
    const row = await getRunInSchool(tx, schoolId, input.syncRunId);
    const reasons = await tx
      .select({
        collection: setAsideRecord.collection,
        field: setAsideRecord.field,
        reason: setAsideRecord.reason,
        count: sql<number>`count(*)::int`,
      })
      .from(setAsideRecord)
      .where(and(eq(setAsideRecord.schoolId, schoolId), eq(setAsideRecord.syncRunId, row.id)))
      .groupBy(setAsideRecord.collection, setAsideRecord.field, setAsideRecord.reason)
      .orderBy(sql`count(*) desc`, setAsideRecord.collection, setAsideRecord.reason);
    const [newest] = await tx
      .select({ id: syncRun.id })
      .from(syncRun)
      .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, row.systemId)))
      .orderBy(sql`${syncRun.id} desc`)
      .limit(1);
    const [source] = await tx
      .select({ name: system.name })
      .from(system)
      .where(and(eq(system.schoolId, schoolId), eq(system.id, row.systemId)));
    const [upload] =
      row.uploadId === null
        ? []
        : await tx
            .select({ fileName: rosterUpload.fileName, via: rosterUpload.via, bytes: rosterUpload.bytes })
            .from(rosterUpload)
            .where(and(eq(rosterUpload.schoolId, schoolId), eq(rosterUpload.id, row.uploadId)));
    const [decider] =
      row.decidedBy === null
        ? []
        : await tx.select({ name: appUser.name }).from(appUser).where(eq(appUser.id, row.decidedBy));
    const [undoneBy] = await tx
      .select({ id: syncRun.id })
      .from(syncRun)
      .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.undoOf, row.id)))
      .orderBy(sql`${syncRun.id} desc`)
      .limit(1);
    const held = heldOf(row);
    const sites =
      held === null
        ? []
        : await tx
            .select({ sourceId: rosterSite.sourceId, name: rosterSite.name })
            .from(rosterSite)
            .where(and(eq(rosterSite.schoolId, schoolId), eq(rosterSite.systemId, row.systemId)));
    const siteName = new Map(sites.map((site) => [site.sourceId, site.name]));
    const run = viewOf(row, now, (await readLive(tx, schoolId, [row])).get(row.id));
    return {
      run,
      systemName: source?.name ?? '',
      scopes: row.scopes,
      isNewest: newest?.id === row.id,
      upload: upload ?? null,
      /** Deviations of the provider that were read nevertheless, with the number of pages on which each was seen. */
      deviations: Object.entries(row.deviations)
        .map(([key, pages]) => ({ key, pages }))
        .sort((a, b) => b.pages - a.pages || (a.key < b.key ? -1 : 1)),
      setAside: { reasons, count: reasons.reduce((sum, { count }) => sum + count, 0) },
      held:
        held === null
          ? null
          : {
              ...held,
              reasons: held.reasons.map((reason) => ({
                ...reason,
                siteName: reason.site === null ? null : (siteName.get(reason.site) ?? reason.site),
              })),
            },
      decidedAt: row.decidedAt,
      decidedBy: decider?.name ?? null,
      /** The run that this one took back, and the one that took this one back. */
      undoOf: row.undoOf,
      undoneBy: undoneBy?.id ?? null,
      undoableUntil: await undoableUntil(tx, row, now),
      seesPeople: seesPeople(party),
    };
  },
});

const didChange = (progress: unknown) =>
  countsOf(progress).some(({ added, changed, returned, gone }) =>
    [added, changed, returned, gone].some((count) => count !== null && count > 0),
  );

/**
 * Until when a run may be taken back, as far as its page can tell at once: the newest one that changed something. Whether all that stood
 * before is still kept is looked at when it is asked for.
 */
async function undoableUntil(tx: Tx, row: typeof syncRun.$inferSelect, now: Date): Promise<Date | null> {
  if (row.state !== 'succeeded' || row.kind === 'undo' || row.undoneAt !== null || row.finishedAt === null) return null;
  const until = new Date(row.finishedAt.getTime() + undoMs);
  if (until <= now || !didChange(row.progress)) return null;
  const later = await tx
    .select({ progress: syncRun.progress })
    .from(syncRun)
    .where(
      and(
        eq(syncRun.schoolId, row.schoolId),
        eq(syncRun.systemId, row.systemId),
        eq(syncRun.state, 'succeeded'),
        ne(syncRun.kind, 'undo'),
        isNull(syncRun.undoneAt),
        gt(syncRun.finishedAt, row.finishedAt),
      ),
    );
  return later.some(({ progress }) => didChange(progress)) ? null : until;
}
