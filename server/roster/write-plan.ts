import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { idsInOrder } from '#server/kernel/ids.ts';
import { anyRow } from './any-row.ts';
import type { TableName } from './collections.ts';
import type { TablePlan } from './plan-run.ts';
import { rosterTables } from './roster-tables.ts';
import type { HeldRun } from './run-lease.ts';
import { staged } from './staging.ts';

/** Whether all of a plan is written, or only what comes and comes back. */
export type ApplyAs = 'all' | 'additions';

const counted = z.array(z.object({ n: z.coerce.number() }));

/** Columns by which rows are joined and chosen, besides those that every table has. */
const joined = new Set([
  'kind',
  'group_id',
  'person_id',
  'role',
  'site_source_id',
  'subject_source_id',
  'primary_site_source_id',
]);

/** How an id that a row refers to is found: by the source's id, among those who are here and not gone. */
async function references(
  tx: Tx,
  run: HeldRun,
  table: TableName,
): Promise<{ readonly joins: SQL; readonly id: Readonly<Record<string, string>> }> {
  const refers = Object.entries(rosterTables[table].columns).flatMap(([name, { refersTo, from }]) =>
    refersTo === undefined ? [] : [{ name, refersTo, from }],
  );
  const here = sql`school_id = ${run.schoolId}::uuid and system_id = ${run.systemId}::uuid`;
  const people = async () => {
    // A union has no statistics, so that the planner would hash the other side, which is the larger by far.
    if (!(await anyRow(tx, sql`select 1 from roster_person_alias where ${here}`)))
      return sql`select source_id, id from roster_person where ${here} and gone_at is null`;
    return sql`
      select source_id, id from roster_person where ${here} and gone_at is null
         and source_id not in (select source_id from roster_person_alias where system_id = ${run.systemId}::uuid)
      union all
      select source_id, person_id from roster_person_alias where ${here}`;
  };
  const joins: SQL[] = [];
  for (const { refersTo, from } of refers) {
    joins.push(
      refersTo === 'group'
        ? sql`join (select source_id, id from roster_group where ${here} and gone_at is null) to_group on to_group.source_id = ${sql.raw(from)}`
        : sql`join (${await people()}) to_person on to_person.source_id = ${sql.raw(from)}`,
    );
  }
  return {
    joins: joins.length === 0 ? sql`` : sql.join(joins, sql` `),
    id: Object.fromEntries(refers.map(({ name, refersTo }) => [name, `to_${refersTo}.id`])),
  };
}

/**
 * Writes one table's plan into the roster and its change log, in the caller's transaction: by sets, whatever the size. Rows that have not
 * changed are not written.
 */
export async function writePlan(tx: Tx, run: HeldRun, plan: TablePlan, as: ApplyAs, now: Date): Promise<void> {
  const { table } = plan;
  const of = rosterTables[table];
  const roster = sql.raw(of.table);
  const rows = staged(run, table);
  const planned = staged(run, 'plan');
  const at = sql`${now.toISOString()}::timestamptz`;
  const { joins, id } = await references(tx, run, table);
  const names = Object.keys(of.columns);
  const list = sql.raw(names.map((name) => `"${name}"`).join(', '));
  const values = sql.raw(names.map((name) => id[name] ?? of.columns[name]?.from ?? 'null').join(', '));

  // Which stream a record belongs to was found when it was staged; of who was here already it is told apart.
  const stream =
    table === 'groups' || table === 'people'
      ? { column: sql`, stream_source_id`, value: sql`, s.stream_source_id` }
      : { column: sql``, value: sql`` };

  if (plan.isFirst) {
    const { high, low } = idsInOrder(now);
    await tx.execute(sql`
      insert into ${roster} (id, school_id, system_id, source_id, content_hash, source_modified_at, first_seen_at, changed_at, ${list}${stream.column})
      select across.nth_id(${high.toString()}::bigint, ${low.toString()}::bigint, row_number() over ()), ${run.schoolId}::uuid, ${run.systemId}::uuid, s.source_id, s.hash,
             staging.moment(s.modified), ${at}, ${at}, ${values}${stream.value}
        from ${rows} s ${joins}
       where s.status is distinct from 'tobedeleted'`);
    if (table === 'people') await writeAliases(tx, run);
    // Until then the planner takes the table for empty, and would join the next run row by row. What statements join and look for; lists of a
    // person take longer to look through than the rest together.
    await tx.execute(
      sql`analyze ${roster} (id, school_id, system_id, source_id, content_hash, gone_at, changed_at${sql.raw(
        names
          .filter((name) => joined.has(name))
          .map((name) => `, "${name}"`)
          .join(''),
      )})`,
    );
    for (const [collection, { added }] of plan.counts) {
      await tx.execute(sql`
        insert into roster_change (school_id, system_id, sync_run_id, collection, kind, records, at)
        values (${run.schoolId}::uuid, ${run.systemId}::uuid, ${run.syncRunId}::uuid, ${collection}, 'baseline', ${added}::int, ${at})`);
    }
    return;
  }

  const isWritten = as === 'all' ? sql`p.kind in ('changed', 'returned')` : sql`p.kind = 'returned'`;
  if (table === 'people' && as === 'all') await partReused(tx, run, at);
  await tx.execute(sql`
    insert into ${roster} (id, school_id, system_id, source_id, content_hash, source_modified_at, first_seen_at, changed_at, ${list}${stream.column})
    select p.id, ${run.schoolId}::uuid, ${run.systemId}::uuid, s.source_id, s.hash, staging.moment(s.modified), ${at}, ${at}, ${values}${stream.value}
      from ${planned} p join ${rows} s on s.source_id = p.source_id ${joins}
     where p.collection = ${table} and p.kind = 'added'`);
  if (table === 'people') await writeAliases(tx, run);
  const set = sql.raw(names.map((name) => `"${name}" = n."${name}"`).join(', '));
  const named = sql.raw(names.map((name) => `${id[name] ?? of.columns[name]?.from ?? 'null'} as "${name}"`).join(', '));
  await tx.execute(sql`
    update ${roster} r
       set content_hash = n.hash, source_modified_at = n.modified_at, missed_fetches = 0, last_seen_at = null, gone_at = null, changed_at = ${at}, ${set}
      from (select p.id, s.hash, staging.moment(s.modified) as modified_at, ${named}
              from ${planned} p join ${rows} s on s.source_id = p.source_id ${joins}
             where p.collection = ${table} and ${isWritten}) n
     where r.id = n.id and r.school_id = ${run.schoolId}::uuid`);
  await tx.execute(sql`
    update ${roster} r set content_hash = s.hash, missed_fetches = 0, last_seen_at = null
      from ${planned} p join ${rows} s on s.source_id = p.source_id
     where p.collection = ${table} and p.kind = 'seen' and r.id = p.id and r.school_id = ${run.schoolId}::uuid`);
  if (as === 'all') {
    const lastSeen = sql`coalesce(r.last_seen_at, (select max(f.seen_at) from roster_fetch f where f.system_id = r.system_id and f.seen_at < ${at}), r.first_seen_at)`;
    await tx.execute(sql`
      update ${roster} r set missed_fetches = r.missed_fetches + 1, last_seen_at = ${lastSeen},
             gone_at = case when p.kind = 'gone' then ${at} else null end, changed_at = case when p.kind = 'gone' then ${at} else r.changed_at end
        from ${planned} p where p.collection = ${table} and p.kind in ('missing', 'gone') and r.id = p.id and r.school_id = ${run.schoolId}::uuid`);
  }
  await logChanges(tx, run, table, as, at);
}

/** An id that the source gave to somebody else: the first person keeps his Crosswalk id and is gone, the other gets one of his own. */
async function partReused(tx: Tx, run: HeldRun, at: SQL): Promise<void> {
  const planned = staged(run, 'plan');
  const [reused] = counted.parse(
    await tx.execute(sql`select count(*) as n from ${planned} where collection = 'people' and kind = 'reused'`),
  );
  if (reused === undefined || reused.n === 0) return;
  await tx.execute(sql`
    with parted as (
      update roster_person r set gone_at = coalesce(r.gone_at, ${at}), changed_at = ${at}, source_id = r.source_id || chr(31) || r.id::text, last_seen_at = coalesce(r.last_seen_at, ${at})
        from ${planned} p where p.collection = 'people' and p.kind = 'reused' and r.id = p.id and r.school_id = ${run.schoolId}::uuid
      returning p.source_id, r.id)
    insert into ${planned} (collection, kind, source_id, id)
    select 'people', 'gone', source_id, id from parted`);
  await tx.execute(sql`
    update ${planned} set kind = 'added', id = across.new_id(), before = null, after = null, fields = null
     where collection = 'people' and kind = 'reused'`);
}

async function writeAliases(tx: Tx, run: HeldRun): Promise<void> {
  // Who is told on his own again is nobody's second id.
  await tx.execute(sql`
    delete from roster_person_alias a using ${staged(run, 'people')} s
     where a.school_id = ${run.schoolId}::uuid and a.system_id = ${run.systemId}::uuid and s.source_id = a.source_id and s.status is distinct from 'tobedeleted'`);
  await tx.execute(sql`
    insert into roster_person_alias (school_id, system_id, source_id, person_id)
    select ${run.schoolId}::uuid, ${run.systemId}::uuid, p.source_id, r.id
      from ${staged(run, 'plan')} p join roster_person r on r.system_id = ${run.systemId}::uuid and r.source_id = p.fields[1]
     where p.collection = 'people' and p.kind = 'alias'
    on conflict (system_id, source_id) do update set person_id = excluded.person_id`);
}

/**
 * Enrolments told under a person's or group's source id follow it, where that id now leads to another row (one that returned under a new
 * id, an id that was reused).
 */
export async function followReferences(tx: Tx, run: HeldRun, now: Date): Promise<void> {
  const { joins } = await references(tx, run, 'enrolments');
  await tx.execute(sql`
    with moved as (
      update roster_enrolment e set person_id = to_person.id, group_id = to_group.id, changed_at = ${now.toISOString()}::timestamptz
        from roster_enrolment o, ${staged(run, 'enrolments')} s ${joins}
       where e.school_id = ${run.schoolId}::uuid and e.system_id = ${run.systemId}::uuid and e.source_id = s.source_id and o.id = e.id
         and (e.person_id <> to_person.id or e.group_id <> to_group.id)
      returning e.id, array_remove(array[case when o.person_id <> e.person_id then 'person_id' end, case when o.group_id <> e.group_id then 'group_id' end], null) as fields,
                o.person_id as old_person, o.group_id as old_group, s.person_source_id as new_person, s.group_source_id as new_group)
    insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, fields, before, after, at)
    select ${run.schoolId}::uuid, ${run.systemId}::uuid, ${run.syncRunId}::uuid, 'enrolments', 'updated', m.id, m.fields,
           (select jsonb_object_agg(key, value) from jsonb_each(jsonb_build_object('person_id', split_part(p.source_id, chr(31), 1), 'group_id', g.source_id)) where key = any(m.fields)),
           (select jsonb_object_agg(key, value) from jsonb_each(jsonb_build_object('person_id', m.new_person, 'group_id', m.new_group)) where key = any(m.fields)),
           ${now.toISOString()}::timestamptz
      from moved m left join roster_person p on p.id = m.old_person left join roster_group g on g.id = m.old_group`);
}

async function logChanges(tx: Tx, run: HeldRun, table: TableName, as: ApplyAs, at: SQL): Promise<void> {
  const of = rosterTables[table];
  const kinds = as === 'all' ? sql`('added', 'changed', 'returned', 'gone')` : sql`('added', 'returned')`;
  // What points at somebody who goes in this very run was not written, and nothing is told of it. Joined, since a condition beside another would
  // be looked up for every row anew.
  const refers = Object.values(of.columns).some(({ refersTo }) => refersTo !== undefined);
  const told = refers ? sql`left join ${staged(run, table)} s on s.source_id = p.source_id` : sql``;
  const isWritten = refers
    ? sql`and (p.kind not in ('changed', 'returned') or (s.hash = r.content_hash and r.gone_at is null))`
    : sql``;
  await tx.execute(sql`
    insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, fields, before, after, at)
    select ${run.schoolId}::uuid, ${run.systemId}::uuid, ${run.syncRunId}::uuid, ${sql.raw(of.collection.resting)},
           case p.kind when 'changed' then 'updated' when 'gone' then 'deleted' else 'created' end,
           p.id, coalesce(p.fields, '{}'), p.before, p.after, ${at}
      from ${staged(run, 'plan')} p join ${sql.raw(of.table)} r on r.id = p.id ${told}
     where p.collection = ${table} and p.kind in ${kinds} ${isWritten}
     order by p.kind, p.source_id`);
}
