import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { and, asc, eq, gt } from 'drizzle-orm';
import { rosterPerson, rosterUpload, rosterUploadChunk, syncRun } from '#db/schema/index.ts';
import { type StagedTable, stagedColumns } from '#server/connectors/staged-columns.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { open, type SealedPlace } from '#server/kernel/sealed.ts';
import { createIdSet, type IdSet } from '#server/protocols/oneroster-csv/id-set.ts';
import { type OneRosterPackage, openPackage, type ReadFacts } from '#server/protocols/oneroster-csv/open-package.ts';
import {
  collectionsKept,
  enrolmentRolesKept,
  personRolesKept,
  type RosterCollection,
  tablesKept,
} from './collections.ts';
import { noteProgress } from './progress.ts';
import { type HeldRun, prolong, prolongByDriver } from './run-lease.ts';
import { findSame } from './same-package.ts';
import { copyPage, readFetches, type SetAsideRow } from './staging.ts';

/** The one place where a chunk of a package is good. */
export const chunkPlace = (schoolId: string, uploadId: string, number: number): SealedPlace => ({
  table: 'roster_upload_chunk',
  column: 'sealed',
  schoolId,
  rowId: `${uploadId}/${number}`,
  origin: null,
});

/** In this order: what is pointed at before what points. Roles are read before the people whom they tell. */
const inOrder = ['sites', 'terms', 'subjects', 'groups', 'roles', 'people', 'enrolments', 'demographics'] as const;

/**
 * Reads the package that a run was given and stages what the grants need of it; every other column, row and member is left in the zip. A
 * table that is staged whole already, by an attempt that was cut off, is not read again; nothing is, where the roster was made of just this
 * (server/roster/same-package.ts). As the sync role.
 * @throws CrosswalkError `package-…` and `csv-…` where it cannot be read, `not-found` where it is gone
 */
export async function stagePackage(ctx: Context, run: HeldRun, uploadId: string): Promise<void> {
  const inSchool = ctx.database.withSchool;
  const scopes = await inSchool(run.schoolId, async (tx) => {
    await prolong(tx, run, ctx.clock.now(), { phase: 'fetch' });
    const [row] = await tx.select({ scopes: syncRun.scopes }).from(syncRun).where(eq(syncRun.id, run.syncRunId));
    return row?.scopes ?? [];
  });
  const folder = await mkdtemp(join(tmpdir(), 'crosswalk-package-'));
  try {
    const path = join(folder, 'package.zip');
    await spool(ctx, run, uploadId, path);
    await using pack = await openPackage(path);
    const contents = await pack.mark();
    const same = await inSchool(run.schoolId, async (tx) => {
      await tx
        .update(rosterUpload)
        .set({ contents })
        .where(and(eq(rosterUpload.id, uploadId), eq(rosterUpload.schoolId, run.schoolId)));
      return findSame(tx, run, ctx.clock.now());
    });
    // What the roster was made of already need not be read once more (`applyRun` ends the run).
    if (same === null) await stageOpened(ctx, run, pack, scopes);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function stageOpened(
  ctx: Context,
  run: HeldRun,
  pack: OneRosterPackage,
  scopes: readonly string[],
): Promise<void> {
  const inSchool = ctx.database.withSchool;
  const done = new Set(
    (await inSchool(run.schoolId, (tx) => readFetches(tx, run))).map(({ collection }) => collection),
  );
  const kept = collectionsKept(scopes);
  const tables = new Set<StagedTable>(tablesKept(kept));
  // Courses and classes tell the streams, whatever else of them may be kept.
  if (kept.has('streams')) for (const table of ['subjects', 'groups'] as const) tables.add(table);
  if (tables.has('people')) tables.add('roles');
  const isDelta = pack.files.some(
    (file) => file.mode === 'delta' && (file.table === 'people' || file.table === 'roles'),
  );
  const known = isDelta && tables.has('people') ? await knownPeople(ctx, run) : undefined;
  // Roles go with the people whom they tell, unless there is more to find out of them.
  let roles: ReadFacts | null = null;
  for (const table of inOrder) {
    if (!tables.has(table)) continue;
    if (table === 'roles' && !done.has('people')) {
      await noteProgress(ctx, run, { phase: 'fetch', collection: table, done: 0, total: null });
      roles = await pack.gatherRoles(personRolesKept(kept));
    }
    if (done.has(table)) continue;
    await noteProgress(ctx, run, { phase: 'fetch', collection: table, done: 0, total: null });
    const withRoles = table === 'people' && roles !== null;
    const read = table === 'roles' && roles !== null ? roles : readTable(pack, table, kept, known, withRoles);
    const columns = withRoles ? [...stagedColumns.people, 'roles'] : stagedColumns[table];
    const told = () => ('facts' in read ? read.facts() : read);
    await copyPage(ctx.database, run, {
      rows: 'facts' in read ? [{ table, columns, lines: blocks(read) }] : [],
      aside: () => setAside(pack, table, told()),
      repeats: () => told().repeats,
      facts: () => {
        const facts = told();
        return {
          collection: table,
          number: 0,
          rows: facts.rows,
          setAside: facts.setAside,
          total: null,
          cursor: null,
          ended: facts.complete && facts.mode === 'bulk' ? 'said' : 'doubtful',
          deviations: [
            ...new Set(
              [...facts.deviations, ...(table === 'sites' ? pack.deviations : [])].map(({ key }) => `csv.${key}`),
            ),
          ],
        };
      },
      prove: (tx) => prolongByDriver(tx, run, ctx.clock.now()),
    });
    const facts = told();
    await inSchool(run.schoolId, (tx) =>
      prolong(tx, run, ctx.clock.now(), {
        progressOf: { collection: table, counts: { fetched: facts.rows, total: null, setAside: facts.setAside } },
      }),
    );
  }
}

async function* blocks(read: AsyncIterable<{ readonly copy: Buffer }>): AsyncGenerator<Uint8Array> {
  for await (const { copy } of read) yield copy;
}

function readTable(
  pack: OneRosterPackage,
  table: (typeof inOrder)[number],
  kept: ReadonlySet<RosterCollection>,
  known: IdSet | undefined,
  withRoles: boolean,
) {
  const withStreams = (columns: readonly string[]) =>
    kept.has('streams') ? columns : columns.filter((column) => !column.startsWith('stream_'));
  const people = personRolesKept(kept);
  const ofPeople = { roles: people, ...(known === undefined ? {} : { known }) };
  switch (table) {
    case 'people':
      return pack.read('people', {
        ...ofPeople,
        withRoles,
        columns: withStreams(stagedColumns.people).filter(
          (column) => column !== 'agent_source_ids' || kept.has('guardians'),
        ),
      });
    case 'roles':
      return pack.read('roles', { roles: people });
    case 'enrolments':
      return pack.read('enrolments', {
        roles: enrolmentRolesKept(kept),
      });
    case 'demographics':
      return pack.read('demographics', ofPeople);
    default:
      return pack.read(table, { columns: withStreams(stagedColumns[table]) });
  }
}

/** Lines that could not be read, and what stands against the file as a whole. */
function setAside(pack: OneRosterPackage, table: StagedTable, facts: ReadFacts): SetAsideRow[] {
  const ofFile = pack.problems.filter(
    ({ file }) => file === facts.file || (table === 'sites' && !pack.files.some((known) => known.name === file)),
  );
  return [
    ...ofFile.map(({ code, file, line, column }) => ({ sourceId: null, file, line, field: column, reason: code })),
    ...facts.lines.map(({ file, line, column, reason }) => ({ sourceId: null, file, line, field: column, reason })),
  ];
}

async function knownPeople(ctx: Context, run: HeldRun): Promise<IdSet> {
  const ids = createIdSet();
  let after: string | null = null;
  for (;;) {
    const rows: { sourceId: string }[] = await ctx.database.withSchool(run.schoolId, (tx) =>
      tx
        .select({ sourceId: rosterPerson.sourceId })
        .from(rosterPerson)
        .where(
          and(
            eq(rosterPerson.schoolId, run.schoolId),
            eq(rosterPerson.systemId, run.systemId),
            after === null ? undefined : gt(rosterPerson.sourceId, after),
          ),
        )
        .orderBy(asc(rosterPerson.sourceId))
        .limit(20_000),
    );
    for (const { sourceId } of rows) ids.addText(sourceId);
    after = rows.at(-1)?.sourceId ?? null;
    if (rows.length < 20_000) return ids;
  }
}

/** Writes an upload's chunks, opened, to a file, and proves that all of it is there. */
async function spool(ctx: Context, run: HeldRun, uploadId: string, path: string): Promise<void> {
  const { schoolId } = run;
  const [upload] = await ctx.database.withSchool(schoolId, (tx) =>
    tx
      .select()
      .from(rosterUpload)
      .where(and(eq(rosterUpload.id, uploadId), eq(rosterUpload.schoolId, schoolId))),
  );
  if (upload === undefined || upload.state === 'dropped') {
    throw new CrosswalkError('not-found', { details: { problem: 'package-gone' } });
  }
  const hash = createHash('sha256');
  let bytes = 0;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let number = 0; ; number++) {
      const [row] = await ctx.database.withSchool(schoolId, (tx) =>
        tx
          .select({ sealed: rosterUploadChunk.sealed })
          .from(rosterUploadChunk)
          .where(
            and(
              eq(rosterUploadChunk.schoolId, schoolId),
              eq(rosterUploadChunk.uploadId, uploadId),
              eq(rosterUploadChunk.number, number),
            ),
          ),
      );
      if (row === undefined) return;
      const sealed: unknown = JSON.parse(row.sealed.toString('utf8'));
      const plain = open(ctx.keyring, sealed, chunkPlace(schoolId, uploadId, number));
      hash.update(plain);
      bytes += plain.length;
      yield plain;
    }
  }
  await pipeline(Readable.from(chunks()), createWriteStream(path, { mode: 0o600 }));
  if (bytes !== upload.bytes || hash.digest('hex') !== upload.sha256) {
    throw new CrosswalkError('package-cut-short', { details: { file: upload.fileName } });
  }
}
