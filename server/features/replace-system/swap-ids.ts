import { type SQL, sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import type { LinkedCollection, ReplacementRow } from './load-replacement.ts';
import { allowLongStatements } from './propose-links.ts';
import { retiredId } from './retired-row.ts';

const linkedTables = { people: 'roster_person', groups: 'roster_group' } as const satisfies Record<
  LinkedCollection,
  string
>;
/** What of the replaced system besides is gone with the switch. */
const unlinkedTables = ['roster_site', 'roster_term', 'roster_subject', 'roster_stream'] as const;

/** The confirmed links: of each the old row's id, the new row's, and the one that the old row retires to. */
const pairsOf = ({ schoolId, id }: ReplacementRow) => sql`
  (select collection, old_id, new_id, ${retiredId(id, sql`old_id`)} as retired_id from replacement_link
    where school_id = ${schoolId}::uuid and replacement_id = ${id}::uuid and confirmed and not rejected)`;

const ids = (column: 'old_id' | 'new_id' | 'retired_id') => sql.raw(`l.${column}`);

/** Gives people and groups of a system other ids: those that are `from` in a pair become what is `to` in it. */
async function renumber(
  tx: Tx,
  replacement: ReplacementRow,
  systemId: string,
  from: 'old_id' | 'new_id' | 'retired_id',
  to: 'old_id' | 'new_id' | 'retired_id',
): Promise<void> {
  const { schoolId } = replacement;
  const pairs = pairsOf(replacement);
  const of = (alias: string) =>
    sql`${sql.raw(alias)}.school_id = ${schoolId}::uuid and ${sql.raw(alias)}.system_id = ${systemId}::uuid`;
  for (const [collection, table] of Object.entries(linkedTables)) {
    await tx.execute(sql`
      update ${sql.raw(table)} r set id = ${ids(to)}, changed_at = now() from ${pairs} l
       where ${of('r')} and l.collection = ${collection} and r.id = ${ids(from)}`);
  }
}

/** What refers to people and groups of a system follows them. */
async function renumberReferences(
  tx: Tx,
  replacement: ReplacementRow,
  systemId: string,
  from: 'old_id' | 'new_id',
  to: 'old_id' | 'new_id',
): Promise<void> {
  const { schoolId } = replacement;
  const pairs = pairsOf(replacement);
  const of = (alias: string) =>
    sql`${sql.raw(alias)}.school_id = ${schoolId}::uuid and ${sql.raw(alias)}.system_id = ${systemId}::uuid`;
  for (const table of ['roster_person_alias', 'roster_demographics']) {
    await tx.execute(sql`
      update ${sql.raw(table)} r set person_id = ${ids(to)} from ${pairs} l
       where ${of('r')} and l.collection = 'people' and r.person_id = ${ids(from)}`);
  }
  await tx.execute(sql`
    update roster_enrolment r set person_id = coalesce(x.person_id, r.person_id), group_id = coalesce(x.group_id, r.group_id), changed_at = now()
      from (select e.id, p.${sql.raw(to)} as person_id, g.${sql.raw(to)} as group_id from roster_enrolment e
              left join ${pairs} p on p.collection = 'people' and p.${sql.raw(from)} = e.person_id
              left join ${pairs} g on g.collection = 'groups' and g.${sql.raw(from)} = e.group_id
             where ${of('e')} and (p.old_id is not null or g.old_id is not null)) x
     where ${of('r')} and r.id = x.id`);
}

/** The change log of a system, and with it what an undo of a run goes back to, speaks of its rows by the ids that they have. */
async function renumberChanges(
  tx: Tx,
  replacement: ReplacementRow,
  systemId: string,
  from: 'old_id' | 'new_id',
  to: 'old_id' | 'new_id',
): Promise<void> {
  const { schoolId } = replacement;
  const pairs = pairsOf(replacement);
  await tx.execute(sql`
    update roster_change c set record_id = ${ids(to)} from ${pairs} l
     where c.school_id = ${schoolId}::uuid and c.system_id = ${systemId}::uuid and c.record_id = ${ids(from)}`);
}

const logged = sql.raw(
  'insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, fields, at)',
);
const collectionOf = {
  roster_person: `case r.kind when 'student' then 'students' when 'teacher' then 'teachers' else 'guardians' end`,
  roster_group: `case r.kind when 'class' then 'classes' else 'groups' end`,
  roster_enrolment: `'enrolments'`,
  roster_demographics: `'demographics'`,
  roster_site: `'sites'`,
  roster_term: `'terms'`,
  roster_subject: `'subjects'`,
  roster_stream: `'streams'`,
} as const;
const allTables = [
  'roster_person',
  'roster_group',
  'roster_enrolment',
  'roster_demographics',
  ...unlinkedTables,
] as const;

/** Who is linked is told as `updated` in `system`, under the id that stays. */
async function logMoved(tx: Tx, replacement: ReplacementRow, systemId: string, at: SQL): Promise<void> {
  const { schoolId, id } = replacement;
  const pairs = pairsOf(replacement);
  for (const table of Object.values(linkedTables)) {
    await tx.execute(sql`
      ${logged}
      select ${schoolId}::uuid, ${systemId}::uuid, ${id}::uuid, ${sql.raw(collectionOf[table])}, 'updated', r.id, '{system}', ${at}
        from ${sql.raw(table)} r join ${pairs} l on l.old_id = r.id
       where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid order by r.id`);
  }
}

/**
 * The switch: each linked row of the new system takes the id of the old one's, which retires to a fresh id; all that the old system told
 * is gone from this moment on. Its enrolments and demographics, gone too, are not written twice: they keep naming the id by which the person
 * goes on. In the caller's transaction, by sets.
 */
export async function switchIds(tx: Tx, replacement: ReplacementRow, now: Date): Promise<void> {
  await allowLongStatements(tx);
  const { schoolId, id, oldSystemId, newSystemId } = replacement;
  const at = sql`${now.toISOString()}::timestamptz`;
  // A link whose person has left on either side since it was found holds no more.
  for (const [collection, table] of Object.entries(linkedTables)) {
    await tx.execute(sql`
      delete from replacement_link l where l.school_id = ${schoolId}::uuid and l.replacement_id = ${id}::uuid and l.collection = ${collection} and not (
        exists (select 1 from ${sql.raw(table)} r where r.school_id = ${schoolId}::uuid and r.system_id = ${oldSystemId}::uuid and r.id = l.old_id and r.gone_at is null)
        and exists (select 1 from ${sql.raw(table)} r where r.school_id = ${schoolId}::uuid and r.system_id = ${newSystemId}::uuid and r.id = l.new_id and r.gone_at is null))`);
  }
  const pairs = pairsOf(replacement);
  // Who is linked to nobody is told as deleted, under the id that he had.
  for (const table of allTables) {
    await tx.execute(sql`
      ${logged}
      select ${schoolId}::uuid, ${oldSystemId}::uuid, ${id}::uuid, ${sql.raw(collectionOf[table])}, 'deleted', r.id, '{}', ${at}
        from ${sql.raw(table)} r
       where r.school_id = ${schoolId}::uuid and r.system_id = ${oldSystemId}::uuid and r.gone_at is null
         and not exists (select 1 from ${pairs} l where l.old_id = r.id) order by r.id`);
    await tx.execute(sql`
      update ${sql.raw(table)} set gone_at = ${at}
       where school_id = ${schoolId}::uuid and system_id = ${oldSystemId}::uuid and gone_at is null`);
  }
  await renumber(tx, replacement, oldSystemId, 'old_id', 'retired_id');
  await renumber(tx, replacement, newSystemId, 'new_id', 'old_id');
  await renumberReferences(tx, replacement, newSystemId, 'new_id', 'old_id');
  await renumberChanges(tx, replacement, newSystemId, 'new_id', 'old_id');
  await logMoved(tx, replacement, newSystemId, at);
}

/** The exact way back: each row has the id again that it had, and what was gone by the switch is here. */
export async function switchIdsBack(tx: Tx, replacement: ReplacementRow, switchedAt: Date, now: Date): Promise<void> {
  await allowLongStatements(tx);
  const { schoolId, id, oldSystemId, newSystemId } = replacement;
  const at = sql`${now.toISOString()}::timestamptz`;
  const then = sql`${switchedAt.toISOString()}::timestamptz`;
  const pairs = pairsOf(replacement);
  await renumber(tx, replacement, newSystemId, 'old_id', 'new_id');
  await renumberReferences(tx, replacement, newSystemId, 'old_id', 'new_id');
  await renumberChanges(tx, replacement, newSystemId, 'old_id', 'new_id');
  await renumber(tx, replacement, oldSystemId, 'retired_id', 'old_id');
  for (const table of allTables) {
    await tx.execute(sql`
      ${logged}
      select ${schoolId}::uuid, ${oldSystemId}::uuid, ${id}::uuid, ${sql.raw(collectionOf[table])}, 'created', r.id, '{}', ${at}
        from ${sql.raw(table)} r
       where r.school_id = ${schoolId}::uuid and r.system_id = ${oldSystemId}::uuid and r.gone_at = ${then}
         and not exists (select 1 from ${pairs} l where l.old_id = r.id) order by r.id`);
    await tx.execute(sql`
      update ${sql.raw(table)} set gone_at = null
       where school_id = ${schoolId}::uuid and system_id = ${oldSystemId}::uuid and gone_at = ${then}`);
  }
  await logMoved(tx, replacement, oldSystemId, at);
}
