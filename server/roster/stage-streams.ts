import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import type { StreamHint } from '#server/connectors/contract.ts';
import type { StagedTable } from '#server/connectors/staged-columns.ts';
import { betterTelling, type DerivedStream, streamOfHints } from './derive-streams.ts';
import type { PlanCounts } from './guard.ts';
import { rosterTables } from './roster-tables.ts';
import type { HeldRun } from './run-lease.ts';
import { staged } from './staging.ts';

const cell = z.string().nullable();
const hintColumns = ['stream_code', 'stream_name', 'stream_programme', 'stream_level', 'stream_year'] as const;
const combinationRows = z.array(z.object({ told: z.string() }));

/** What one record tells of its stream. */
interface Combination {
  /** As it stands in the statement: the cells, parted by U+001F; a cell that says nothing is U+001E. */
  readonly told: string;
  readonly own: readonly (string | null)[];
  readonly ofSubject: readonly (string | null)[];
  readonly ownGrade: string | null;
  readonly subjectGrade: string | null;
}

function combinationOf(told: string): Combination {
  const cells = told.split('\u001f').map((part) => (part === '\u001e' ? null : part));
  return {
    told,
    own: cells.slice(0, 5),
    ofSubject: cells.slice(5, 10),
    ownGrade: cells[10] ?? null,
    subjectGrade: cells[11] ?? null,
  };
}

/** One text of all that a record and its course tell: quick to compare, and there are few of them. */
const toldBy = (record: string | null, course: string | null) =>
  [
    ...hintColumns.map((column) => (record === null ? 'null' : `${record}.${column}`)),
    ...hintColumns.map((column) => (course === null ? 'null' : `${course}.${column}`)),
    record === null ? 'null' : singleGrade(record),
    course === null ? 'null' : singleGrade(course),
  ]
    .map((cell) => (cell === 'null' ? 'chr(30)' : `coalesce(${cell}, chr(30))`))
    .join(' || chr(31) || ');

/** Only one grade names a year; a choir of all grades is of no stream. */
const singleGrade = (alias: string) =>
  `case when cardinality(staging.list(${alias}.grades)) = 1 then (staging.list(${alias}.grades))[1] end`;

function hint(
  cells: readonly (string | null)[],
  grade: string | null,
  weaker: StreamHint['from'],
  surer: StreamHint['from'],
): StreamHint | null {
  const [code = null, name = null, programme = null, level = null, year = null] = cells;
  const isTold = [code, name, programme, level].some((value) => value !== null) || (year !== null && year !== grade);
  if (!isTold && year === null && grade === null) return null;
  return { code, name, programme, level, year: year ?? grade, from: isTold ? surer : weaker };
}

/**
 * Derives the streams that the staged courses, classes and (where a grant allows people) students tell of, and files each staged group and
 * student under its own. Only the distinct combinations of what is told come into memory, never the records.
 */
export async function stageStreams(tx: Tx, run: HeldRun, tables: readonly StagedTable[]): Promise<DerivedStream[]> {
  const streams = new Map<string, DerivedStream>();
  const note = (stream: DerivedStream | null) => {
    if (stream === null) return null;
    const known = streams.get(stream.sourceId);
    streams.set(stream.sourceId, known === undefined ? stream : betterTelling(known, stream));
    return stream.sourceId;
  };
  /** Files every row of a staged table under the stream of what it tells; `told` is that as SQL, `from` the rows that tell. */
  const file = async (
    table: 'groups' | 'people',
    told: string,
    from: ReturnType<typeof sql>,
    derive: (combination: Combination) => DerivedStream | null,
  ) => {
    const combinations = combinationRows.parse(
      await tx.execute(sql`select distinct ${sql.raw(told)} as told from ${from}`),
    );
    const pairs = combinations.flatMap((row) => {
      const stream = note(derive(combinationOf(row.told)));
      return stream === null ? [] : [{ told: row.told, stream }];
    });
    if (pairs.length === 0) return;
    // `grades` is named so that the generated hash is computed: PostgreSQL 18 reads its expression anew for each row of an update that does not touch it.
    await tx.execute(sql`
      update ${staged(run, table)} g set stream_source_id = m.stream, grades = g.grades
        from (select s.ctid as at, ${sql.raw(told)} as told from ${from}) t
        join jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb) as m(told text, stream text) on m.told = t.told
       where g.ctid = t.at`);
  };
  const hasSubjects = tables.includes('subjects');
  if (tables.includes('groups')) {
    const course = hasSubjects
      ? sql`left join ${staged(run, 'subjects')} c on c.source_id = s.subject_source_id`
      : sql``;
    await file(
      'groups',
      toldBy('s', hasSubjects ? 'c' : null),
      sql`${staged(run, 'groups')} s ${course} where s.status is distinct from 'tobedeleted'`,
      ({ own, ofSubject, ownGrade, subjectGrade }) =>
        streamOfHints(
          hint(own, ownGrade, 'class-grades', 'metadata'),
          hint(ofSubject, subjectGrade, 'course-grades', 'metadata'),
        ),
    );
  }
  if (hasSubjects) {
    const rows = combinationRows.parse(
      await tx.execute(sql`
        select distinct ${sql.raw(toldBy(null, 's'))} as told from ${staged(run, 'subjects')} s where s.status is distinct from 'tobedeleted'`),
    );
    for (const { told } of rows) {
      const { ofSubject, subjectGrade } = combinationOf(told);
      note(streamOfHints(null, hint(ofSubject, subjectGrade, 'course-grades', 'metadata')));
    }
  }
  if (tables.includes('people')) {
    await file(
      'people',
      toldBy('s', null),
      sql`${staged(run, 'people')} s where strpos(chr(31) || coalesce(s.roles, ''), chr(31) || 'student|') > 0
             and (s.stream_code is not null or s.stream_name is not null or s.stream_programme is not null or s.stream_level is not null)`,
      // A grade alone makes no stream of a student: his groups tell it better.
      ({ own, ownGrade }) => streamOfHints(hint(own, ownGrade, 'student-grades', 'student-programme'), null),
    );
  }
  return withChoices(tx, run, streams, tables);
}

const choiceSchema = z.array(
  z.object({
    source_id: z.string(),
    name: cell,
    programme: cell,
    level: cell,
    year: cell,
    merged_into: cell,
  }),
);

/** What the school made of them: other names, merged ones, its own list, groups filed by hand. */
async function withChoices(
  tx: Tx,
  run: HeldRun,
  streams: Map<string, DerivedStream>,
  tables: readonly StagedTable[],
): Promise<DerivedStream[]> {
  const { schoolId, systemId } = run;
  const choices = choiceSchema.parse(
    await tx.execute(sql`
      select source_id, name, programme, level, year, merged_into from stream_choice
       where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid order by source_id`),
  );
  for (const choice of choices) {
    const derived = streams.get(choice.source_id);
    if (derived === undefined && !choice.source_id.startsWith('own:')) continue;
    const base: DerivedStream = derived ?? {
      sourceId: choice.source_id,
      name: choice.name ?? choice.source_id.slice('own:'.length),
      code: null,
      programme: null,
      level: null,
      year: null,
      derivedFrom: 'school-list',
    };
    streams.set(choice.source_id, {
      ...base,
      name: choice.name ?? base.name,
      programme: choice.programme ?? base.programme,
      level: choice.level ?? base.level,
      year: choice.year ?? base.year,
    });
  }
  for (const { source_id: from, merged_into: into } of choices) {
    if (into === null || into === from || !streams.has(into)) continue;
    for (const table of ['groups', 'people'] as const) {
      if (tables.includes(table)) {
        await tx.execute(
          sql`update ${staged(run, table)} set stream_source_id = ${into} where stream_source_id = ${from}`,
        );
      }
    }
    streams.delete(from);
  }
  if (tables.includes('groups')) {
    await tx.execute(sql`
      update ${staged(run, 'groups')} s set stream_source_id = a.stream_source_id from stream_assignment a
       where a.school_id = ${schoolId}::uuid and a.system_id = ${systemId}::uuid and a.group_source_id = s.source_id`);
  }
  return [...streams.values()].sort((a, b) => (a.sourceId < b.sourceId ? -1 : 1));
}

const streamFields = ['name', 'code', 'programme', 'level', 'year', 'derived_from'] as const;
const counted = z.array(z.object({ kind: z.string(), n: z.coerce.number() }));

/** Whether two rows of streams tell something else. A hash alone says nothing where it is not known (an upgrade). */
const differs = (one: SQL, other: SQL): SQL =>
  sql.join(
    streamFields.map((name) => sql`${one}.${sql.raw(name)} is distinct from ${other}.${sql.raw(name)}`),
    sql` or `,
  );

/** Writes the streams, and files groups and students under theirs. There are few: hundreds, whatever the size of the school. */
export async function writeStreams(
  tx: Tx,
  run: HeldRun,
  {
    streams,
    complete,
    tables,
  }: {
    streams: readonly DerivedStream[];
    complete: boolean;
    /** Of which some rested before; what was written for the first time has its stream. */
    tables: readonly StagedTable[];
  },
  now: Date,
): Promise<PlanCounts> {
  const { schoolId, systemId, syncRunId } = run;
  const at = sql`${now.toISOString()}::timestamptz`;
  const rows = streams.map((stream) => ({
    source_id: stream.sourceId,
    name: stream.name,
    code: stream.code,
    programme: stream.programme,
    level: stream.level,
    year: stream.year,
    derived_from: stream.derivedFrom,
  }));
  const told = sql`(select t.*, hashtextextended(concat_ws(chr(31), name, coalesce(code, ''), coalesce(programme, ''), coalesce(level, ''), coalesce(year, ''), derived_from), 0) as hash
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as t(source_id text, name text, code text, programme text, level text, year text, derived_from text))`;
  const outcome = counted.parse(
    await tx.execute(sql`
      with t as materialized ${told},
      known as (select * from roster_stream where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid),
      was_empty as (select not exists (select 1 from known) as first),
      written as (
        insert into roster_stream as r (id, school_id, system_id, source_id, content_hash, first_seen_at, changed_at, name, code, programme, level, year, derived_from)
        select across.new_id(), ${schoolId}::uuid, ${systemId}::uuid, t.source_id, t.hash, ${at}, ${at}, t.name, t.code, t.programme, t.level, t.year, t.derived_from
          from t left join known k on k.source_id = t.source_id
         -- What only some of the courses and classes tell may be less than what all of them told.
         where k.id is null or k.gone_at is not null or k.missed_fetches > 0 or (${complete} and k.content_hash <> t.hash)
        on conflict (school_id, system_id, source_id) do update
          set content_hash = excluded.content_hash, missed_fetches = 0, last_seen_at = null, gone_at = null,
              changed_at = case when r.gone_at is null and not (${differs(sql`r`, sql`excluded`)}) then r.changed_at else excluded.changed_at end, name = excluded.name, code = excluded.code,
              programme = excluded.programme, level = excluded.level, year = excluded.year, derived_from = excluded.derived_from
        returning r.id, r.source_id),
      missed as (
        update roster_stream r set missed_fetches = r.missed_fetches + 1, last_seen_at = coalesce(r.last_seen_at, ${at}),
               gone_at = case when r.missed_fetches >= 1 then ${at} end, changed_at = case when r.missed_fetches >= 1 then ${at} else r.changed_at end
         where ${complete} and r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid and r.gone_at is null
           and r.source_id not in (select source_id from t)
        returning r.id, r.gone_at),
      told_of as (
        select w.id, case when k.id is null then 'added' when k.gone_at is not null then 'returned' when ${differs(sql`k`, sql`t`)} then 'changed' else 'seen' end as kind
          from written w join t on t.source_id = w.source_id left join known k on k.source_id = w.source_id
        union all select id, case when gone_at is null then 'missing' else 'gone' end from missed),
      differing as (
        select w.id, array_remove(array[${sql.raw(streamFields.map((name) => `case when k.${name} is distinct from t.${name} then '${name}' end`).join(', '))}], null) as fields,
               jsonb_build_object(${sql.raw(streamFields.map((name) => `'${name}', k.${name}`).join(', '))}) as before,
               jsonb_build_object(${sql.raw(streamFields.map((name) => `'${name}', t.${name}`).join(', '))}) as after
          from written w join t on t.source_id = w.source_id join known k on k.id = w.id),
      logged as (
        insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, fields, before, after, at)
        select ${schoolId}::uuid, ${systemId}::uuid, ${syncRunId}::uuid, 'streams',
               case kind when 'changed' then 'updated' when 'gone' then 'deleted' else 'created' end, told_of.id, coalesce(d.fields, '{}'),
               (select jsonb_object_agg(key, value) from jsonb_each(d.before) where key = any(d.fields)),
               (select jsonb_object_agg(key, value) from jsonb_each(d.after) where key = any(d.fields)), ${at}
          from told_of cross join was_empty left join differing d on d.id = told_of.id
         where kind in ('added', 'changed', 'returned', 'gone') and not first and not (kind = 'changed' and d.fields = '{}')),
      baseline as (
        insert into roster_change (school_id, system_id, sync_run_id, collection, kind, records, at)
        select ${schoolId}::uuid, ${systemId}::uuid, ${syncRunId}::uuid, 'streams', 'baseline', (select count(*) from t), ${at} from was_empty where first and exists (select 1 from t))
      select kind, count(*) as n from told_of group by kind`),
  );
  const n = (kind: string) => outcome.find((row) => row.kind === kind)?.n ?? 0;
  for (const [table, roster] of [
    ['groups', 'roster_group'],
    ['people', 'roster_person'],
  ] as const) {
    if (!tables.includes(table)) continue;
    // Who comes in this run is filed under a stream from the start; of who was here it is told.
    await tx.execute(sql`
      with filed as (
        update ${sql.raw(roster)} r set stream_source_id = s.stream_source_id, changed_at = ${at}
          from ${staged(run, table)} s, ${sql.raw(roster)} o
         where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid and r.source_id = s.source_id and o.id = r.id
           and s.status is distinct from 'tobedeleted' and r.stream_source_id is distinct from s.stream_source_id
        returning r.id, ${sql.raw(rosterTables[table].collection.resting)} as collection, o.stream_source_id as before, r.stream_source_id as after)
      insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, fields, before, after, at)
      select ${schoolId}::uuid, ${systemId}::uuid, ${syncRunId}::uuid, f.collection, 'updated', f.id, '{stream_source_id}',
             jsonb_build_object('stream_source_id', f.before), jsonb_build_object('stream_source_id', f.after), ${at}
        from filed f where not exists (select 1 from ${staged(run, 'plan')} p where p.id = f.id and p.kind = 'added')
         and not exists (select 1 from roster_change c where c.sync_run_id = ${syncRunId}::uuid and c.kind = 'baseline' and c.collection = f.collection)`);
  }
  const [added, changed, returned] = [n('added'), n('changed'), n('returned')];
  return {
    added,
    changed,
    returned,
    unchanged: rows.length - added - changed - returned,
    missing: n('missing'),
    gone: n('gone'),
    reused: 0,
  };
}
