import type { TestDatabase } from '#db/testing/test-database.ts';
import { rosterTables } from '../roster-tables.ts';

/** Each table with the columns that hold content, and what a group or a person of it points at. */
const contentOf: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.values(rosterTables).map(({ table, columns }) => [table, Object.keys(columns)])),
  roster_group: [...Object.keys(rosterTables.groups.columns), 'stream_source_id'],
  roster_person: [...Object.keys(rosterTables.people.columns), 'stream_source_id'],
  roster_stream: ['name', 'code', 'programme', 'level', 'year', 'derived_from'],
};

/** Per table: Crosswalk id → the row's source id and content, of who is not gone. */
export type RosterContent = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The roster of a system as a reader would see it, every table, by id. */
export async function rosterContent(database: TestDatabase, systemId: string): Promise<RosterContent> {
  const read: [string, Record<string, unknown>][] = [];
  for (const [table, columns] of Object.entries(contentOf)) {
    const rows = await database.admin.unsafe(
      `select id, source_id, ${columns.map((name) => `"${name}"`).join(', ')} from ${table} where system_id = $1 and gone_at is null order by id`,
      [systemId],
    );
    read.push([table, Object.fromEntries(rows.map(({ id, ...row }) => [String(id), row]))]);
  }
  return Object.fromEntries(read);
}

/** What the change log must tell between two rosters: `table kind id` of each record that came, went or has other content. */
export function differenceOf(before: RosterContent, after: RosterContent): string[] {
  return Object.keys(contentOf)
    .flatMap((table) => {
      const [old, now] = [before[table] ?? {}, after[table] ?? {}];
      return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((id) => {
        if (!(id in old)) return [`${table} created ${id}`];
        if (!(id in now)) return [`${table} deleted ${id}`];
        return JSON.stringify(old[id]) === JSON.stringify(now[id]) ? [] : [`${table} updated ${id}`];
      });
    })
    .sort();
}

const tableOf: Readonly<Record<string, string>> = {
  sites: 'roster_site',
  terms: 'roster_term',
  subjects: 'roster_subject',
  streams: 'roster_stream',
  groups: 'roster_group',
  classes: 'roster_group',
  teachers: 'roster_person',
  students: 'roster_person',
  guardians: 'roster_person',
  enrolments: 'roster_enrolment',
  demographics: 'roster_demographics',
  courses: 'lms_course',
};

/** What the change log tells of a run, in the words of `differenceOf`; entries of one record with one kind count once. */
export async function loggedBy(database: TestDatabase, syncRunId: string): Promise<string[]> {
  const rows = await database.admin<
    { collection: string; kind: string; record_id: string | null }[]
  >`select collection, kind, record_id from roster_change where sync_run_id = ${syncRunId} and kind <> 'baseline'`;
  return [...new Set(rows.map((row) => `${tableOf[row.collection]} ${row.kind} ${row.record_id}`))].sort();
}
