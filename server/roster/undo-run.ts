import { and, eq, gt, inArray, ne, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { receipt, rosterFetch, syncRun, syncSettings, systemReplacement } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import { anyRow } from './any-row.ts';
import { isRosterCollection, type TableName, tableNames } from './collections.ts';
import { unknownHash } from './plan-run.ts';
import { rosterTables } from './roster-tables.ts';
import { type HeldRun, proveFence } from './run-lease.ts';
import { dropStaged } from './staging.ts';

/** Days for which a run can be taken back, and for which the values before it are kept. */
export const undoDays = 30;
const undoMs = undoDays * 86_400_000;

/** Why a run cannot be taken back. */
export type UndoRefusal =
  | 'not-applied'
  | 'nothing-changed'
  | 'undone-already'
  | 'too-old'
  | 'later-run-stands'
  | 'purged'
  | 'values-gone';

type Run = typeof syncRun.$inferSelect;

/**
 * Why a run cannot be taken back now; null where it can. Only the newest run that changed anything can be: what an older one wrote is what
 * the newer one began from. A run that changed nothing stands in nobody's way.
 */
export async function whyNotUndo(tx: Tx, row: Run, now: Date): Promise<UndoRefusal | null> {
  const { schoolId, systemId, finishedAt } = row;
  if (row.state !== 'succeeded' || row.kind === 'undo' || finishedAt === null) return 'not-applied';
  if (row.undoneAt !== null) return 'undone-already';
  if (finishedAt.getTime() + undoMs < now.getTime()) return 'too-old';
  if (!(await anyRow(tx, sql`select 1 from roster_change c where c.sync_run_id = ${row.id}::uuid`)))
    return 'nothing-changed';
  const isLater = sql`
    select 1 from ${syncRun} l
     where l.school_id = ${schoolId}::uuid and l.system_id = ${systemId}::uuid and l.state = 'succeeded' and l.kind <> 'undo' and l.undone_at is null
       and l.id <> ${row.id}::uuid and exists (select 1 from roster_change c where c.sync_run_id = l.id)
       and (select max(c.seq) from roster_change c where c.sync_run_id = l.id) > (select max(c.seq) from roster_change c where c.sync_run_id = ${row.id}::uuid)`;
  if (await anyRow(tx, isLater)) return 'later-run-stands';
  // Another system has taken this one's place, and the ids that the run speaks of: the switch is taken back first.
  const isReplaced = sql`
    select 1 from ${systemReplacement} x
     where x.school_id = ${schoolId}::uuid and x.old_system_id = ${systemId}::uuid and x.state in ('switching', 'switched', 'undoing')`;
  if (await anyRow(tx, isReplaced)) return 'later-run-stands';
  const [purged] = await tx
    .select({ id: receipt.id })
    .from(receipt)
    .where(
      and(
        eq(receipt.schoolId, schoolId),
        eq(receipt.subjectId, systemId),
        eq(receipt.kind, 'data-deleted'),
        ne(receipt.reason, 'withheld'),
        gt(receipt.at, finishedAt),
      ),
    )
    .limit(1);
  if (purged !== undefined) return 'purged';
  // Of who was withheld since nothing is left, and nothing comes back.
  const isForgotten = sql`
    select 1 from roster_change c
     where c.sync_run_id = ${row.id}::uuid and c.kind = 'updated' and c.before is null
       and not (c.collection in ('students', 'teachers', 'guardians') and not exists (select 1 from roster_person p where p.id = c.record_id))
       and not (c.collection = 'enrolments' and not exists (select 1 from roster_enrolment e where e.id = c.record_id))
       and not (c.collection = 'demographics' and not exists (select 1 from roster_demographics d where d.id = c.record_id))`;
  return (await anyRow(tx, isForgotten)) ? 'values-gone' : null;
}

/**
 * Asks for a run to be taken back, in the caller's transaction: a run of its own does it. A run that is queued is dropped for it, since what
 * comes next is to be looked at; one that is under way is not disturbed.
 * @throws CrosswalkError `not-found`; `state-forbids` with `problem`: an `UndoRefusal`, `run-under-way`, `undo-under-way`
 */
export async function requestUndo(
  work: Work,
  { schoolId, syncRunId, requestedBy }: { schoolId: string; syncRunId: string; requestedBy: string | null },
): Promise<{ syncRunId: string; systemId: string }> {
  const { tx, ctx } = work;
  const now = ctx.clock.now();
  const [row] = await tx
    .select()
    .from(syncRun)
    .where(and(eq(syncRun.id, syncRunId), eq(syncRun.schoolId, schoolId)));
  if (row === undefined) throw new CrosswalkError('not-found');
  const { systemId } = row;
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${systemId}, 11))`);
  const refused = await whyNotUndo(tx, row, now);
  if (refused !== null) throw new CrosswalkError('state-forbids', { details: { problem: refused } });
  const others = await tx
    .select({ id: syncRun.id, state: syncRun.state, undoOf: syncRun.undoOf, uploadId: syncRun.uploadId })
    .from(syncRun)
    .where(
      and(
        eq(syncRun.schoolId, schoolId),
        eq(syncRun.systemId, systemId),
        or(eq(syncRun.state, 'queued'), and(eq(syncRun.state, 'running'), gt(syncRun.leaseUntil, now))),
      ),
    )
    .for('no key update');
  if (others.some(({ undoOf }) => undoOf !== null)) {
    throw new CrosswalkError('state-forbids', { details: { problem: 'undo-under-way' } });
  }
  // A package that was handed in is not dropped for it.
  if (others.some(({ state, uploadId }) => state === 'running' || uploadId !== null)) {
    throw new CrosswalkError('state-forbids', { details: { problem: 'run-under-way' } });
  }
  if (others.length > 0) {
    const ids = others.map(({ id }) => id);
    await tx.update(syncRun).set({ state: 'discarded', finishedAt: now }).where(inArray(syncRun.id, ids));
    for (const id of ids) await dropStaged(tx, { syncRunId: id });
  }
  const id = newId();
  await tx.insert(syncRun).values({
    id,
    schoolId,
    systemId,
    trigger: 'undo',
    kind: 'undo',
    undoOf: row.id,
    state: 'queued',
    requestedBy,
    createdAt: now,
  });
  await work.emit('sync/requested', { schoolId, systemId, syncRunId: id });
  return { syncRunId: id, systemId };
}

/** A table as an undo sees it. */
interface Undoable {
  readonly table: string;
  readonly columns: readonly string[];
  readonly refersTo: Readonly<Record<string, 'group' | 'person'>>;
  /** The collection that a row counts as. */
  readonly collection: string;
}

const streamColumns = ['name', 'code', 'programme', 'level', 'year', 'derived_from'] as const;

/** Every table, what is pointed at before what points. */
const undoables: readonly Undoable[] = [
  { table: 'roster_stream', columns: streamColumns, refersTo: {}, collection: `'streams'` },
  ...tableNames.map((name: TableName): Undoable => {
    const { table, columns, collection } = rosterTables[name];
    const isFiled = name === 'groups' || name === 'people';
    return {
      table,
      columns: [...Object.keys(columns), ...(isFiled ? ['stream_source_id'] : [])],
      refersTo: Object.fromEntries(
        Object.entries(columns).flatMap(([column, { refersTo }]) =>
          refersTo === undefined ? [] : [[column, refersTo] as const],
        ),
      ),
      collection: collection.resting,
    };
  }),
];

export type Undone =
  | { readonly outcome: 'undone'; readonly records: number }
  | { readonly outcome: 'refused'; readonly problem: UndoRefusal };

const touchedRows = z.array(z.object({ collection: z.string(), kind: z.string(), n: z.coerce.number() }));

/**
 * Takes the run that `run` was made to undo back, in one transaction, as the sync role: what it created is gone again, what it changed has
 * the values from before, what it took for gone is back; ids stay. The change log tells the inverse of each entry. The next run of the system
 * is a full one, and held for review. Doing it again does nothing.
 */
export async function undoRun(ctx: Context, run: HeldRun): Promise<Undone> {
  const now = ctx.clock.now();
  const { schoolId, systemId, syncRunId } = run;
  return ctx.database.withSchool(schoolId, async (tx) => {
    const [own] = await tx
      .select()
      .from(syncRun)
      .where(and(eq(syncRun.id, syncRunId), eq(syncRun.schoolId, schoolId)));
    // An earlier attempt of the same step did it, and its answer was lost in a crash.
    if (own?.state === 'succeeded' && own.fence === run.fence) return { outcome: 'undone', records: 0 };
    await proveFence(tx, run);
    const [row] = await tx
      .select()
      .from(syncRun)
      .where(
        and(eq(syncRun.id, own?.undoOf ?? syncRunId), eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, systemId)),
      )
      .for('no key update');
    if (own === undefined || row === undefined) throw new CrosswalkError('not-found', { details: { syncRunId } });
    const refused = await whyNotUndo(tx, row, now);
    if (refused !== null) {
      await tx
        .update(syncRun)
        .set({
          state: 'failed',
          errorCode: 'state-forbids',
          errorDetails: { problem: refused },
          finishedAt: now,
          leaseUntil: null,
        })
        .where(eq(syncRun.id, syncRunId));
      return { outcome: 'refused', problem: refused };
    }
    await giveIdsBack(tx, run, row.id);
    const progress: Record<string, Record<string, number>> = {};
    let records = 0;
    for (const of of undoables) {
      for (const { collection, kind, n } of await undoTable(tx, run, row.id, of, now)) {
        if (!isRosterCollection(collection)) continue;
        const count = { created: 'gone', deleted: 'returned', updated: 'changed' }[kind];
        if (count === undefined) continue;
        progress[collection] = { ...progress[collection], [count]: n };
        records += n;
      }
    }
    // Who is somebody of his own again is nobody's second id.
    await tx.execute(sql`
      delete from roster_person_alias a using roster_person p
       where a.school_id = ${schoolId}::uuid and a.system_id = ${systemId}::uuid and p.system_id = a.system_id and p.source_id = a.source_id
         and p.gone_at is null`);
    await tx
      .update(rosterFetch)
      .set({ modifiedUntil: null })
      .where(and(eq(rosterFetch.schoolId, schoolId), eq(rosterFetch.systemId, systemId)));
    await tx
      .insert(syncSettings)
      .values({ systemId, schoolId, holdNext: true, updatedAt: now })
      .onConflictDoUpdate({ target: syncSettings.systemId, set: { holdNext: true } });
    await tx.update(syncRun).set({ undoneAt: now }).where(eq(syncRun.id, row.id));
    await tx
      .update(syncRun)
      .set({ state: 'succeeded', phase: 'announce', progress, finishedAt: now, leaseUntil: null })
      .where(eq(syncRun.id, syncRunId));
    return { outcome: 'undone', records };
  });
}

/** An id that the run found to be somebody else's is the first person's again. */
async function giveIdsBack(tx: Tx, run: HeldRun, undone: string): Promise<void> {
  const { schoolId, systemId } = run;
  const parted = sql`
    select r.id, left(r.source_id, -37) as source_id from roster_change c join roster_person r on r.id = c.record_id
     where c.sync_run_id = ${undone}::uuid and c.kind = 'deleted' and r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid
       and r.source_id like '%' || chr(31) || r.id::text`;
  await tx.execute(sql`
    update roster_person r set source_id = r.source_id || chr(31) || r.id::text from (${parted}) p
     where r.system_id = ${systemId}::uuid and r.school_id = ${schoolId}::uuid and r.source_id = p.source_id`);
  await tx.execute(sql`update roster_person r set source_id = p.source_id from (${parted}) p where r.id = p.id`);
}

async function undoTable(tx: Tx, run: HeldRun, undone: string, of: Undoable, now: Date) {
  const { schoolId, systemId, syncRunId } = run;
  const at = sql`${now.toISOString()}::timestamptz`;
  const roster = sql.raw(of.table);
  const collection = sql.raw(of.collection);
  // Source ids where the column holds ours.
  const refers = sql.raw(`'{${Object.keys(of.refersTo).join(',')}}'::text[]`);
  const restored = of.columns.map((name) => {
    const to = of.refersTo[name];
    const value =
      to === undefined
        ? sql.raw(`v."${name}"`)
        : sql`coalesce((select x.id from ${sql.raw(to === 'group' ? 'roster_group' : 'roster_person')} x
                         where x.school_id = ${schoolId}::uuid and x.system_id = ${systemId}::uuid and x.source_id = t.before ->> ${sql.raw(`'${name}'`)}),
                       ${sql.raw(`r."${name}"`)})`;
    return sql`${sql.raw(`"${name}" = case when t.before ? '${name}'`)} then ${value} else ${sql.raw(`r."${name}"`)} end`;
  });
  return touchedRows.parse(
    await tx.execute(sql`
      with entries as materialized (
        select c.record_id as id, c.seq, c.kind, c.fields, c.before, c.after
          from roster_change c join ${roster} r on r.id = c.record_id
         where c.sync_run_id = ${undone}::uuid and c.school_id = ${schoolId}::uuid and r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid
           and c.kind <> 'baseline'
        union all
        select r.id, c.seq, 'created', '{}', null, null
          from roster_change c join ${roster} r on r.first_seen_at = c.at and (${collection}) = c.collection
         where c.sync_run_id = ${undone}::uuid and c.school_id = ${schoolId}::uuid and r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid
           and c.kind = 'baseline' and r.gone_at is null),
      told as materialized (
        select e.id, e.kind, coalesce(b.before, '{}'::jsonb) as before
          from (select id, (array_agg(kind order by seq))[1] as kind from entries group by id) e
          left join (select f.id, jsonb_object_agg(b.key, b.value order by f.seq desc) as before
                       from entries f, jsonb_each(f.before) b group by f.id) b on b.id = e.id),
      undone as (
        update ${roster} r
           set content_hash = ${unknownHash}::bigint, missed_fetches = 0, changed_at = ${at},
               gone_at = case t.kind when 'created' then coalesce(r.gone_at, ${at}) when 'deleted' then null else r.gone_at end,
               last_seen_at = case t.kind when 'created' then coalesce(r.last_seen_at, ${at}) else r.last_seen_at end,
               ${sql.join(restored, sql`, `)}
          from told t, lateral jsonb_populate_record(null::${roster}, t.before - ${refers}) v
         where r.id = t.id
        returning r.id, t.kind, ${collection} as collection),
      logged as (
        insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, fields, before, after, at)
        select ${schoolId}::uuid, ${systemId}::uuid, ${syncRunId}::uuid, u.collection,
               case e.kind when 'created' then 'deleted' when 'deleted' then 'created' else 'updated' end, e.id, e.fields, e.after, e.before, ${at}
          from entries e join undone u on u.id = e.id order by e.seq, e.id)
      select collection, kind, count(*) as n from undone group by 1, 2`),
  );
}
