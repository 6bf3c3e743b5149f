import type { TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { testNow } from '#server/testing/actors.ts';

/** A system of a school, put there behind the features' backs. */
export async function makeSystem(database: TestDatabase, schoolId: string, kind: 'sis' | 'lms', name: string) {
  const id = newId();
  await database.admin`
    insert into system (id, school_id, kind, connector, name, settings, origins)
    values (${id}, ${schoolId}, ${kind}, ${kind === 'sis' ? 'oneroster' : 'canvas'}, ${name}, '{}', '{}')`;
  return id;
}

/** A received record: the columns that every one of them has, and its own. */
export function received<More extends object>(schoolId: string, systemId: string, sourceId: string, more: More) {
  return {
    id: newId(),
    school_id: schoolId,
    system_id: systemId,
    source_id: sourceId,
    content_hash: 1,
    first_seen_at: testNow,
    last_seen_at: null,
    missed_fetches: 0,
    gone_at: null,
    ...more,
  };
}

/** Puts rows into a table; what a row does not say is the column's default. */
export async function put(database: TestDatabase, table: string, rows: readonly object[]): Promise<void> {
  for (const row of rows) await database.admin`insert into ${database.admin(table)} ${database.admin(row)}`;
}
