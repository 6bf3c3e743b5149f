import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { receipt } from '#db/schema/index.ts';
import { newId } from '#server/kernel/ids.ts';
import {
  collectionsKept,
  enrolmentRolesKept,
  fieldsLeftOut,
  type GrantedFields,
  groupKindsKept,
  isRosterCollection,
  narrowableFields,
  personKindOfScope,
  personKindsKept,
  type RosterCollection,
  rosterCollections,
  tableNames,
  tablesKept,
} from './collections.ts';
import { unknownHash } from './plan-run.ts';
import { rosterTables } from './roster-tables.ts';

export interface Purge {
  readonly schoolId: string;
  readonly systemId: string;
  /** Union of the scopes that may still rest here; none: everything goes. */
  readonly scopes: readonly string[];
  /** The live grants, for the fields that they leave out. */
  readonly grants: readonly GrantedFields[];
  /** Source ids of the sites whose records may rest here; null: all. */
  readonly sites: ReadonlySet<string> | null;
  /** A key of messages/<locale>/sync.json `purge`. */
  readonly reason: 'grants-narrowed' | 'nothing-granted' | 'system-removed';
  readonly now: Date;
}

const counted = z.array(z.object({ collection: z.string(), n: z.coerce.number() }));

/**
 * Deletes what no grant allows of a system's roster, with its traces in runs, diffs and the change log, and keeps a receipt where anything was
 * there. In the caller's transaction; works as either role.
 * @returns per collection how many records were deleted
 */
export async function purgeBeyond(tx: Tx, purge: Purge): Promise<Partial<Record<RosterCollection, number>>> {
  const { schoolId, systemId, scopes, grants, sites, now } = purge;
  const kept = collectionsKept(scopes);
  const tables = tablesKept(kept);
  const deleted: Partial<Record<RosterCollection, number>> = {};
  const note = (rows: readonly { collection: string; n: number }[]) => {
    for (const { collection, n } of rows) {
      if (n > 0 && isRosterCollection(collection)) deleted[collection] = (deleted[collection] ?? 0) + n;
    }
  };
  const list = (values: Iterable<string>) =>
    sql`(select jsonb_array_elements_text(${JSON.stringify([...values])}::jsonb))`;
  const remove = async (roster: string, collection: string, when: ReturnType<typeof sql>) =>
    note(
      counted.parse(
        await tx.execute(sql`
          with gone as (
            delete from ${sql.raw(roster)} r where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid and (${when})
            returning ${sql.raw(collection)} as collection)
          select collection, count(*) as n from gone group by 1`),
      ),
    );

  const kinds = groupKindsKept(kept);
  const people = personKindsKept(kept);
  for (const table of tableNames) {
    const of = rosterTables[table];
    const beyond: ReturnType<typeof sql>[] = [];
    if (!tables.has(table)) beyond.push(sql`true`);
    else if (table === 'groups' && kinds.length < 2) beyond.push(sql`r.kind not in ${list(kinds)}`);
    else if (table === 'people' && people.length < 3) beyond.push(sql`not (r.kinds && array${list(people)})`);
    if (sites !== null && tables.has(table)) {
      if (table === 'sites') beyond.push(sql`r.source_id not in ${list(sites)}`);
      if (table === 'subjects' || table === 'groups') beyond.push(sql`r.site_source_id not in ${list(sites)}`);
      if (table === 'people') {
        beyond.push(sql`(r.primary_site_source_id is not null or cardinality(r.site_source_ids) > 0)
          and coalesce(r.primary_site_source_id not in ${list(sites)}, true) and not (r.site_source_ids && array${list(sites)})`);
      }
    }
    // What points at people or groups that go, goes with them.
    if (table === 'enrolments' && tables.has(table)) {
      const roles = enrolmentRolesKept(kept);
      if (roles.length < 2) beyond.push(sql`r.role not in ${list(roles)}`);
      if ((deleted.groups ?? 0) + (deleted.classes ?? 0) > 0)
        beyond.push(sql`not exists (select 1 from roster_group g where g.id = r.group_id)`);
    }
    if ((table === 'enrolments' || table === 'demographics') && tables.has(table)) {
      if ((deleted.students ?? 0) + (deleted.teachers ?? 0) + (deleted.guardians ?? 0) > 0) {
        beyond.push(sql`not exists (select 1 from roster_person p where p.id = r.person_id)`);
      }
    }
    if (beyond.length > 0)
      await remove(
        of.table,
        of.collection.resting,
        sql.join(
          beyond.map((part) => sql`(${part})`),
          sql` or `,
        ),
      );
  }
  if (!kept.has('streams')) await remove('roster_stream', `'streams'`, sql`true`);
  await tx.execute(sql`
    delete from roster_person_alias a where a.school_id = ${schoolId}::uuid and a.system_id = ${systemId}::uuid
       and not exists (select 1 from roster_person p where p.id = a.person_id)`);
  const emptied = await emptyFields(tx, { schoolId, systemId }, kept, grants);

  const total = Object.values(deleted).reduce((sum, n) => sum + n, 0);
  if (total > 0 || emptied > 0 || kept.size === 0) await purgeTraces(tx, purge, kept);
  if (total === 0 && emptied === 0) return deleted;
  await tx.insert(receipt).values({
    id: newId(),
    schoolId,
    kind: 'data-deleted',
    subjectId: systemId,
    facts: { ...deleted, ...(emptied > 0 ? { fields: emptied } : {}), total },
    reason: purge.reason,
    at: now,
  });
  return deleted;
}

/** Single fields that no grant leaves in any more. @returns how many cells were emptied */
async function emptyFields(
  tx: Tx,
  { schoolId, systemId }: { schoolId: string; systemId: string },
  kept: ReadonlySet<RosterCollection>,
  grants: readonly GrantedFields[],
): Promise<number> {
  const fields = new Set<string>(Object.keys(narrowableFields));
  let emptied = 0;
  const empty = async (table: string, column: string, when: ReturnType<typeof sql>) => {
    const { count } = await tx.execute(sql`
        update ${sql.raw(table)} r set ${sql.raw(`"${column}"`)} = null, content_hash = ${unknownHash}::bigint
         where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid and ${sql.raw(`r."${column}"`)} is not null and ${when}`);
    if (count > 0) {
      await tx.execute(sql`
        update roster_change c set before = c.before - ${column}::text, after = c.after - ${column}::text
         where c.school_id = ${schoolId}::uuid and c.system_id = ${systemId}::uuid and ${column} = any(c.fields)`);
    }
    emptied += count;
  };
  for (const entry of fieldsLeftOut(grants)) {
    const at = entry.indexOf(':');
    const [scope, field] = [entry.slice(0, at), entry.slice(at + 1)];
    const kind = personKindOfScope[scope];
    if (!fields.has(field)) continue;
    if (kind !== undefined && field !== 'birth_date') await empty('roster_person', field, sql`r.kind = ${kind}`);
    if (scope === 'roster.demographics' && field === 'birth_date') await empty('roster_demographics', field, sql`true`);
  }
  if (!kept.has('guardians')) {
    await tx.execute(sql`
      update roster_person r set agent_source_ids = '{}' where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid and r.agent_source_ids <> '{}'`);
  }
  return emptied;
}

/**
 * What runs keep besides: reasons of records set aside, diffs, what the change log tells of before and after, packages that wait, and staging.
 * A held diff can be applied by nobody any more.
 */
async function purgeTraces(
  tx: Tx,
  { schoolId, systemId, now }: Purge,
  kept: ReadonlySet<RosterCollection>,
): Promise<void> {
  const gone = JSON.stringify(rosterCollections.filter((collection) => !kept.has(collection)));
  await tx.execute(sql`
    delete from set_aside_record a using sync_run r
     where a.school_id = ${schoolId} and r.id = a.sync_run_id and r.system_id = ${systemId}
       and a.collection in (select jsonb_array_elements_text(${gone}::jsonb))`);
  await tx.execute(sql`
    update roster_change c set before = null, after = null
     where c.school_id = ${schoolId}::uuid and c.system_id = ${systemId}::uuid and (c.before is not null or c.after is not null)
       and (c.collection in (select jsonb_array_elements_text(${gone}::jsonb))
            or (c.collection in ('students', 'teachers', 'guardians') and not exists (select 1 from roster_person p where p.id = c.record_id)))`);
  await tx.execute(sql`
    delete from held_change h using sync_run r where h.school_id = ${schoolId}::uuid and r.id = h.sync_run_id and r.system_id = ${systemId}::uuid`);
  if (kept.size === 0) {
    await tx.execute(sql`
      update roster_upload set state = 'dropped', finished_at = ${now.toISOString()}::timestamptz
       where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid and state in ('receiving', 'waiting')`);
    await tx.execute(sql`
      delete from roster_upload_chunk c using roster_upload u where u.id = c.upload_id and u.school_id = ${schoolId}::uuid and u.system_id = ${systemId}::uuid`);
    await tx.execute(sql`
      delete from watched_file where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid`);
    await tx.execute(sql`
      delete from roster_fetch where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid`);
  }
  await tx.execute(sql`
    update sync_run
       set held = null, finished_at = case when state = 'held' then ${now.toISOString()}::timestamptz else finished_at end,
           state = case when state = 'held' then 'discarded' else state end
     where school_id = ${schoolId} and system_id = ${systemId} and held is not null`);
  await tx.execute(sql`select across.drop_staging(${systemId}::uuid)`);
  // What was staged for an LMS goes with it; the ledger of what stands there keeps ids alone, and its rows tell of nobody who is not here.
  await tx.execute(sql`select across.drop_push_staging(${systemId}::uuid)`);
  await tx.execute(sql`
    delete from push_row w using push_run r
     where w.school_id = ${schoolId}::uuid and r.id = w.push_run_id and r.producer_system_id = ${systemId}::uuid and r.state not in ('queued', 'running', 'held')
       and w.entity = 'user' and not exists (select 1 from roster_person p where p.id = w.record_id)`);
}
