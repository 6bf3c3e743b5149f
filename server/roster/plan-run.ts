import { createHash } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { anyRow } from './any-row.ts';
import { isRosterCollection, type RosterCollection, type TableName } from './collections.ts';
import type { PlanCounts, Weighed } from './guard.ts';
import { type RosterTable, rosterTables } from './roster-tables.ts';
import type { HeldRun } from './run-lease.ts';
import { staged } from './staging.ts';

/** Complete fetches in a row from which a record must be absent. */
const fetchesUntilGone = 2;
/** What `content_hash` is where the content was kept under other grants or by an older version: a change of it says nothing. */
export const unknownHash = 0;

export interface TablePlan {
  readonly table: TableName;
  /** Nothing of this table rested here: everything is added, and the change log gets one baseline entry. */
  readonly isFirst: boolean;
  readonly counts: ReadonlyMap<RosterCollection, PlanCounts>;
  readonly weighed: readonly Weighed[];
  /** Names exactly which records would change, come and go. */
  readonly fingerprint: string;
}

export interface PlanOf {
  readonly table: TableName;
  /** Absence means something. */
  readonly complete: boolean;
  /** Source ids of the terms that are over. */
  readonly ended: readonly string[];
  /** Source ids of the terms that begin later. */
  readonly upcoming: readonly string[];
  /** Takes out of the plan what it may not write, before it is weighed. */
  readonly prove: () => Promise<void>;
}

/**
 * SQL in which `$ended` stands for the source ids of the terms that are over, and `$system` for the system: neither depends on the row, so
 * that what is looked up by them is looked up once.
 */
export function withEnded(text: string, ended: readonly string[], { systemId }: Pick<HeldRun, 'systemId'>): SQL {
  const list = sql`array(select jsonb_array_elements_text(${JSON.stringify(ended)}::jsonb))`;
  return sql.join(
    text.split('$ended').map((part) =>
      sql.join(
        part.split('$system').map((piece) => sql.raw(piece)),
        sql`${systemId}::uuid`,
      ),
    ),
    list,
  );
}

/** The column as it rests and as it is staged, for comparing and showing. */
const columnsOf = (table: RosterTable) =>
  Object.entries(table.columns).map(([name, { from, now }]) => ({
    name,
    staged: from,
    resting: now ?? `r.${name}`,
  }));

const countRows = z.array(z.object({ collection: z.string(), kind: z.string(), n: z.coerce.number() }));
const sums = z.array(z.object({ collection: z.string(), n: z.coerce.number() }));
const marks = z.array(z.object({ kind: z.string(), n: z.coerce.number(), mark: z.string().nullable() }));
const weighedRows = z.array(
  z.object({
    collection: z.string(),
    site: z.string().nullable(),
    upcoming: z.boolean(),
    kind: z.string(),
    n: z.coerce.number(),
    fields: z.record(z.string(), z.coerce.number()).nullable(),
  }),
);
const knownRows = z.array(
  z.object({ collection: z.string(), site: z.string().nullable(), upcoming: z.boolean(), n: z.coerce.number() }),
);

const inRoster = (run: HeldRun) => sql`r.school_id = ${run.schoolId}::uuid and r.system_id = ${run.systemId}::uuid`;

/**
 * Compares a staged table with the roster by one join over content hashes, and notes what is not equal: added, changed, returned (gone
 * before, here again, the same id), missing (absent for the first time: stays), gone (absent from two complete fetches in a row, or the
 * source's own word), seen (missed before, here again), reused (the id now names another person). Missing is not gone (DESIGN.md §5).
 */
export async function planTable(
  tx: Tx,
  run: HeldRun,
  { table, complete, ended, upcoming, prove }: PlanOf,
): Promise<TablePlan> {
  const of = rosterTables[table];
  const rows = staged(run, table);
  const plan = staged(run, 'plan');
  const roster = sql.raw(of.table);
  const isFirst = !(await anyRow(tx, sql`select 1 from ${roster} r where ${inRoster(run)}`));
  if (isFirst) {
    const added = sums.parse(
      await tx.execute(sql`
        select ${sql.raw(of.collection.staged)} as collection, count(*) as n from ${rows} s
         where s.status is distinct from 'tobedeleted' group by 1`),
    );
    const counts = new Map<RosterCollection, PlanCounts>();
    for (const { collection, n } of added)
      if (isRosterCollection(collection)) counts.set(collection, { ...nothing, added: n });
    return {
      table,
      isFirst,
      counts,
      weighed: [],
      fingerprint: `${table}:first:${[...counts.values()].map((c) => c.added).join()}`,
    };
  }
  await tx.execute(sql`delete from ${plan} where collection = ${table} and kind <> 'alias'`);
  await tx.execute(sql`
    insert into ${plan} (collection, kind, source_id, id)
    select ${table}, case
        when r.id is null then 'added'
        when s.source_id is null then case when r.missed_fetches + 1 >= ${fetchesUntilGone} then 'gone' else 'missing' end
        when s.status = 'tobedeleted' then 'gone'
        when r.gone_at is not null then 'returned'
        when r.content_hash <> s.hash then 'changed'
        else 'seen' end, coalesce(s.source_id, r.source_id), coalesce(r.id, across.new_id())
      from (select source_id, status, hash from ${rows}) s
      full join (select r.id, r.source_id, r.content_hash, r.gone_at, r.missed_fetches
                   from ${roster} r where ${inRoster(run)}) r on r.source_id = s.source_id
     where (r.id is null and s.status is distinct from 'tobedeleted')
        or (s.source_id is null and ${complete} and r.gone_at is null)
        or (s.source_id is not null and r.id is not null
            and case when s.status = 'tobedeleted' then r.gone_at is null
                     else r.gone_at is not null or r.content_hash <> s.hash or r.missed_fetches > 0 end)`);
  await tx.execute(sql`analyze ${plan}`);
  // What could not be read stays as it was; it is there.
  await tx.execute(sql`
    delete from ${plan} p where p.collection = ${table} and p.kind in ('missing', 'gone')
       and p.source_id in (select a.source_id from ${staged(run, 'aside')} a where a.source_id is not null)
       and not exists (select 1 from ${rows} s where s.source_id = p.source_id)`);
  // What belongs to an ended term is archived: providers stop sending it.
  if (of.archived !== 'false') {
    await tx.execute(sql`
      delete from ${plan} p using ${roster} r
       where p.collection = ${table} and p.kind in ('missing', 'gone') and r.id = p.id and (${withEnded(of.archived, ended, run)})
         and not exists (select 1 from ${rows} s where s.source_id = p.source_id)`);
  }
  await prove();
  await noteDifferences(tx, run, table);
  const counts = await countPlan(tx, run, table);
  return {
    table,
    isFirst,
    counts,
    weighed: await weighPlan(tx, run, table, { ended, upcoming }),
    fingerprint: await markOf(tx, run, table),
  };
}

const nothing: PlanCounts = { added: 0, changed: 0, returned: 0, unchanged: 0, missing: 0, gone: 0, reused: 0 };

/** Notes, of each record that changes or returns, which fields differ, with their values before and after. */
async function noteDifferences(tx: Tx, run: HeldRun, table: TableName): Promise<void> {
  const of = rosterTables[table];
  const plan = staged(run, 'plan');
  const differing = sql`select 1 from ${plan} where collection = ${table} and kind in ('changed', 'returned')`;
  if (!(await anyRow(tx, differing))) return;
  const columns = columnsOf(of);
  const cases = sql.raw(
    columns.map(({ name }) => `case when o."${name}" is distinct from n."${name}" then '${name}' end`).join(', '),
  );
  const pair = (side: 'o' | 'n') => sql.raw(columns.map(({ name }) => `'${name}', ${side}."${name}"`).join(', '));
  await tx.execute(sql`
    with old as (
      select r.id, ${sql.raw(columns.map(({ name, resting }) => `(${resting}) as "${name}"`).join(', '))}
        from ${plan} p join ${sql.raw(of.table)} r on r.id = p.id
       where p.collection = ${table} and p.kind in ('changed', 'returned')),
    new as (
      select p.id, ${sql.raw(columns.map(({ name, staged: from }) => `(${from}) as "${name}"`).join(', '))}
        from ${plan} p join ${staged(run, table)} s on s.source_id = p.source_id
       where p.collection = ${table} and p.kind in ('changed', 'returned')),
    differing as (
      select o.id, array_remove(array[${cases}], null) as fields, jsonb_build_object(${pair('o')}) as before, jsonb_build_object(${pair('n')}) as after
        from old o join new n on n.id = o.id)
    update ${plan} p
       set fields = d.fields,
           before = (select coalesce(jsonb_object_agg(key, value), '{}'::jsonb) from jsonb_each(d.before) where key = any(d.fields)),
           after = (select coalesce(jsonb_object_agg(key, value), '{}'::jsonb) from jsonb_each(d.after) where key = any(d.fields))
      from differing d where p.collection = ${table} and p.id = d.id and p.kind in ('changed', 'returned')`);
  // The same content told in another form (a CSV file after REST): noted, no change.
  await tx.execute(sql`
    update ${plan} set kind = 'seen' where collection = ${table} and kind = 'changed' and fields = '{}'`);
  if (table !== 'people') return;
  // Another number and another name under the same id: another person, whose data must not run into the first one's.
  await tx.execute(sql`
    update ${plan} set kind = 'reused'
     where collection = 'people' and kind in ('changed', 'returned') and 'given_name' = any(fields) and 'family_name' = any(fields)
       and 'identifier' = any(fields) and before ->> 'identifier' is not null and after ->> 'identifier' is not null`);
}

async function countPlan(tx: Tx, run: HeldRun, table: TableName): Promise<Map<RosterCollection, PlanCounts>> {
  const of = rosterTables[table];
  const plan = staged(run, 'plan');
  const stagedRows = sums.parse(
    await tx.execute(sql`
      select ${sql.raw(of.collection.staged)} as collection, count(*) as n from ${staged(run, table)} s
       where s.status is distinct from 'tobedeleted' group by 1`),
  );
  const planned = countRows.parse(
    await tx.execute(sql`
      select ${sql.raw(of.collection.staged)} as collection, p.kind, count(*) as n
        from ${plan} p join ${staged(run, table)} s on s.source_id = p.source_id
       where p.collection = ${table} and p.kind in ('added', 'changed', 'returned', 'reused') group by 1, 2
      union all
      select ${sql.raw(of.collection.resting)}, p.kind, count(*) from ${plan} p join ${sql.raw(of.table)} r on r.id = p.id
       where p.collection = ${table} and p.kind in ('gone', 'missing') group by 1, 2`),
  );
  const counts = new Map<RosterCollection, PlanCounts>();
  const of1 = (collection: RosterCollection) => counts.get(collection) ?? nothing;
  for (const { collection, n } of stagedRows) {
    if (isRosterCollection(collection)) counts.set(collection, { ...of1(collection), unchanged: n });
  }
  for (const { collection, kind, n } of planned) {
    if (!isRosterCollection(collection)) continue;
    const before = of1(collection);
    const isStaged = kind !== 'gone' && kind !== 'missing';
    counts.set(collection, { ...before, [kind]: n, unchanged: before.unchanged - (isStaged ? n : 0) });
  }
  return counts;
}

/** What the guard weighs: per collection, and per collection and site, how many are known and how many of them go or change. */
async function weighPlan(
  tx: Tx,
  run: HeldRun,
  table: TableName,
  { ended, upcoming }: Pick<PlanOf, 'ended' | 'upcoming'>,
): Promise<Weighed[]> {
  const of = rosterTables[table];
  const plan = staged(run, 'plan');
  const site = sql.raw(of.site ?? 'null::text');
  const collection = sql.raw(of.collection.resting);
  const archived = withEnded(of.archived, ended, run);
  // The same question of other terms: does the row belong to none but these?
  const isUpcoming = sql`coalesce((${withEnded(of.archived, upcoming, run)}), false)`;
  const touchedRows = weighedRows.parse(
    await tx.execute(sql`
      with touched as materialized (
        select ${collection} as collection, ${site} as site, ${isUpcoming} as upcoming, p.kind,
               -- A blank that is filled in overwrites nothing: a grant that leaves one more field in fills many at once.
               array(select f from unnest(p.fields) as f where coalesce(p.before -> f, 'null') not in ('null', '[]')) as fields
          from ${plan} p join ${sql.raw(of.table)} r on r.id = p.id
         where p.collection = ${table} and p.kind in ('gone', 'changed', 'reused') and r.gone_at is null
           and r.content_hash <> ${unknownHash}::bigint and not coalesce((${archived}), false))
      , fields as (
        select collection, site, upcoming, kind, jsonb_object_agg(field, n) as fields
          from (select collection, site, upcoming, kind, field, count(*) as n from touched, unnest(fields) as field group by 1, 2, 3, 4, 5) each_field
         group by 1, 2, 3, 4)
      select t.collection, t.site, t.upcoming, t.kind, t.n, f.fields
        from (select collection, site, upcoming, kind, count(*) as n from touched where kind <> 'changed' or fields <> '{}' group by 1, 2, 3, 4) t
        left join fields f on f.collection = t.collection and f.site is not distinct from t.site and f.upcoming = t.upcoming and f.kind = t.kind`),
  );
  if (touchedRows.length === 0) return [];
  const known = knownRows.parse(
    await tx.execute(sql`
      select ${collection} as collection, ${site} as site, ${isUpcoming} as upcoming, count(*) as n
        from ${sql.raw(of.table)} r where ${inRoster(run)} and r.gone_at is null and not coalesce((${archived}), false) group by 1, 2, 3`),
  );
  const parts = new Map<string, { -readonly [K in keyof Weighed]: Weighed[K] }>();
  const partOf = (name: RosterCollection, at: string | null, later: boolean) => {
    const key = JSON.stringify([name, at, later]);
    const part = parts.get(key) ?? {
      collection: name,
      site: at,
      upcoming: later,
      known: 0,
      gone: 0,
      changed: 0,
      fields: {},
    };
    parts.set(key, part);
    return part;
  };
  const both = (name: RosterCollection, at: string | null, later: boolean) =>
    at === null ? [partOf(name, null, later)] : [partOf(name, at, later), partOf(name, null, later)];
  for (const row of known) {
    if (isRosterCollection(row.collection))
      for (const part of both(row.collection, row.site, row.upcoming)) part.known += row.n;
  }
  for (const row of touchedRows) {
    if (!isRosterCollection(row.collection)) continue;
    for (const part of both(row.collection, row.site, row.upcoming)) {
      if (row.kind === 'gone') part.gone += row.n;
      else part.changed += row.n;
      const fields: Record<string, number> = { ...part.fields };
      for (const [field, n] of Object.entries(row.fields ?? {})) {
        if (of.identity.includes(field)) fields[field] = (fields[field] ?? 0) + n;
      }
      part.fields = fields;
    }
  }
  return [...parts.values()];
}

/** A mark over what would be done, whatever the order: two plans have one mark only if they would do the same. */
async function markOf(tx: Tx, run: HeldRun, table: TableName): Promise<string> {
  const rows = marks.parse(
    await tx.execute(sql`
      select p.kind, count(*) as n,
             concat(bit_xor(hashtextextended(p.source_id || coalesce(s.hash::text, ''), 0)), '/', bit_xor(hashtextextended(p.source_id || coalesce(s.hash::text, ''), 1))) as mark
        from ${staged(run, 'plan')} p left join ${staged(run, table)} s on s.source_id = p.source_id
       where p.collection = ${table} and p.kind in ('added', 'changed', 'returned', 'gone', 'reused') group by p.kind order by p.kind`),
  );
  return createHash('sha256')
    .update(JSON.stringify([table, rows]))
    .digest('base64url');
}
