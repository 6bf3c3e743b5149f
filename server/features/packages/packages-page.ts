import { and, asc, desc, eq, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { appUser, connection, rosterUpload, setAsideRecord, syncRun, watchedFile } from '#db/schema/index.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { credentialsOf, systemInSchool } from '#server/features/connections/load-rows.ts';
import { productOf } from '#server/features/connections/product-of-system.ts';
import { viewOf } from '#server/features/sync/run-view.ts';
import { mayBeAsked } from '#server/features/withheld/withhold.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const mostShown = 30;
const mostProblems = 5;

/** Packages of a system, newest first, with what came of each; and what was seen in its folder. */
export const packagesPage = defineVerb({
  name: 'packages.page',
  kind: 'query',
  access: [{ school: ['school-administrator', 'technical-contact', 'approver', 'signatory'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  async run(call) {
    const { ctx, tx, party, input } = call;
    const { schoolId, systemId } = input;
    const system = await systemInSchool(tx, schoolId, systemId);
    const connector = connectorById(system.connector);
    const hasLimit = !party.memberships.some((held) => held.systemId === null || held.systemId === systemId);
    const mayHandIn =
      !hasLimit &&
      party.memberships.some(({ role }) => role === 'school-administrator' || role === 'technical-contact');
    const [credential] = await credentialsOf(tx, schoolId, systemId);
    return {
      system: { id: system.id, kind: system.kind, name: system.name, product: productOf(system).name },
      source: connector.source,
      /** Null: nobody has said yet how packages come. */
      way: connector.wayOfPackages(system.settings),
      addressConfirmed: system.hostConfirmedAt !== null,
      proved: credential?.state === 'proved',
      granted: await mayBeAsked(call, input),
      mayHandIn,
      /** A connection on whose pages the runs stand. */
      runsAt: await connectionOf(tx, input),
      packages: await packagesOf(tx, input, ctx.clock.now()),
      folder: await tx
        .select({
          name: watchedFile.name,
          bytes: watchedFile.bytes,
          modifiedAt: watchedFile.modifiedAt,
          state: watchedFile.state,
          problem: watchedFile.problem,
          seenAt: watchedFile.seenAt,
        })
        .from(watchedFile)
        .where(and(eq(watchedFile.schoolId, schoolId), eq(watchedFile.systemId, systemId)))
        .orderBy(desc(watchedFile.modifiedAt))
        .limit(mostShown),
    };
  },
});

async function connectionOf(tx: Tx, { schoolId, systemId }: { schoolId: string; systemId: string }) {
  const [row] = await tx
    .select({ id: connection.id })
    .from(connection)
    .where(and(eq(connection.schoolId, schoolId), eq(connection.producerSystemId, systemId)))
    .orderBy(sql`${connection.endedAt} desc nulls first`)
    .limit(1);
  return row?.id ?? null;
}

async function packagesOf(tx: Tx, { schoolId, systemId }: { schoolId: string; systemId: string }, now: Date) {
  const uploads = await tx
    .select({
      uploadId: rosterUpload.id,
      fileName: rosterUpload.fileName,
      via: rosterUpload.via,
      bytes: rosterUpload.bytes,
      state: rosterUpload.state,
      at: rosterUpload.createdAt,
      by: appUser.name,
    })
    .from(rosterUpload)
    .leftJoin(appUser, eq(appUser.id, rosterUpload.uploadedBy))
    .where(and(eq(rosterUpload.schoolId, schoolId), eq(rosterUpload.systemId, systemId)))
    .orderBy(desc(rosterUpload.id))
    .limit(mostShown);
  const runs =
    uploads.length === 0
      ? []
      : await tx
          .select()
          .from(syncRun)
          .where(
            and(
              eq(syncRun.schoolId, schoolId),
              inArray(
                syncRun.uploadId,
                uploads.map(({ uploadId }) => uploadId),
              ),
            ),
          )
          .orderBy(desc(syncRun.id));
  const runIds = runs.map(({ id }) => id);
  const aside = await asideOf(tx, schoolId, runIds);
  return uploads.map((upload) => {
    const run = runs.find(({ uploadId }) => uploadId === upload.uploadId);
    if (run === undefined) return { ...upload, run: null };
    const { total, first } = aside.get(run.id) ?? { total: 0, first: [] };
    return { ...upload, run: { ...viewOf(run, now), setAside: total, problems: first } };
  });
}

/** Per run how many records were set aside, and the first with their places. No id: this page is for who may see no person. */
async function asideOf(tx: Tx, schoolId: string, runIds: readonly string[]) {
  const found = new Map<string, { total: number; first: Aside[] }>();
  if (runIds.length === 0) return found;
  const ofRuns = and(eq(setAsideRecord.schoolId, schoolId), inArray(setAsideRecord.syncRunId, [...runIds]));
  const ranked = tx.$with('ranked').as(
    tx
      .select({
        syncRunId: setAsideRecord.syncRunId,
        id: setAsideRecord.id,
        file: setAsideRecord.file,
        line: setAsideRecord.line,
        column: setAsideRecord.field,
        reason: setAsideRecord.reason,
        total: sql<number>`count(*) over (partition by ${setAsideRecord.syncRunId})::int`.as('total'),
        place:
          sql<number>`row_number() over (partition by ${setAsideRecord.syncRunId} order by ${setAsideRecord.id})::int`.as(
            'place',
          ),
      })
      .from(setAsideRecord)
      .where(ofRuns),
  );
  const rows = await tx
    .with(ranked)
    .select()
    .from(ranked)
    .where(sql`${ranked.place} <= ${mostProblems}`)
    .orderBy(asc(ranked.syncRunId), asc(ranked.place));
  for (const { syncRunId, total, file, line, column, reason } of rows) {
    const entry = found.get(syncRunId) ?? { total, first: [] };
    entry.first.push({ file, line, column, reason });
    found.set(syncRunId, entry);
  }
  return found;
}

interface Aside {
  readonly file: string | null;
  readonly line: number | null;
  readonly column: string | null;
  readonly reason: string;
}
