import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { receipt } from '#db/schema/index.ts';
import { newId } from '#server/kernel/ids.ts';
import {
  collectionsKept,
  groupKindsKept,
  type RosterCollection,
  rosterCollections,
  rosterTables,
} from './collections.ts';

export interface Purge {
  readonly schoolId: string;
  readonly systemId: string;
  /** Union of the scopes that may still rest here; none: everything goes. */
  readonly scopes: readonly string[];
  /** Source ids of the sites whose records may rest here; null: all. */
  readonly sites: ReadonlySet<string> | null;
  /** A key of messages/<locale>/sync.json `purge`. */
  readonly reason: 'grants-narrowed' | 'nothing-granted' | 'system-removed';
  readonly now: Date;
}

const counted = z.array(z.object({ n: z.coerce.number() }));

/**
 * Deletes what no grant allows of a system's roster, with its traces in runs (reasons of records set aside, diffs of held
 * runs), and keeps a receipt where anything was there. In the caller's transaction; works as either role.
 * @returns per collection how many records were deleted
 */
export async function purgeBeyond(tx: Tx, purge: Purge): Promise<Partial<Record<RosterCollection, number>>> {
  const { schoolId, systemId, scopes, sites, now } = purge;
  const kept = collectionsKept(scopes);
  const kinds = JSON.stringify([...groupKindsKept(scopes)]);
  const siteIds = sites === null ? null : JSON.stringify([...sites]);
  const deleted: Partial<Record<RosterCollection, number>> = {};
  for (const collection of rosterCollections) {
    const { table, columns } = rosterTables[collection];
    const beyond = [];
    if (!kept.has(collection)) beyond.push(sql`true`);
    if (collection === 'groups') beyond.push(sql`kind not in (select jsonb_array_elements_text(${kinds}::jsonb))`);
    if (siteIds !== null && Object.hasOwn(columns, 'site_source_id')) {
      beyond.push(sql`site_source_id not in (select jsonb_array_elements_text(${siteIds}::jsonb))`);
    }
    if (siteIds !== null && collection === 'sites') {
      beyond.push(sql`source_id not in (select jsonb_array_elements_text(${siteIds}::jsonb))`);
    }
    if (beyond.length === 0) continue;
    const [row] = counted.parse(
      await tx.execute(sql`
        with gone as (
          delete from ${sql.raw(table)}
           where school_id = ${schoolId} and system_id = ${systemId} and (${sql.join(beyond, sql` or `)})
          returning 1)
        select count(*) as n from gone`),
    );
    if (row !== undefined && row.n > 0) deleted[collection] = row.n;
  }
  const total = Object.values(deleted).reduce((sum, n) => sum + n, 0);
  if (total > 0 || kept.size === 0) await purgeTraces(tx, purge, kept);
  if (total === 0) return deleted;
  await tx.insert(receipt).values({
    id: newId(),
    schoolId,
    kind: 'data-deleted',
    subjectId: systemId,
    facts: { ...deleted, total },
    reason: purge.reason,
    at: now,
  });
  return deleted;
}

/** What runs keep besides: reasons of records set aside, the diff of a held run, which nobody may apply any more, and staging. */
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
    update sync_run
       set held = null, finished_at = case when state = 'held' then ${now.toISOString()}::timestamptz else finished_at end,
           state = case when state = 'held' then 'discarded' else state end
     where school_id = ${schoolId} and system_id = ${systemId} and held is not null`);
  await tx.execute(sql`select across.drop_staging(${systemId}::uuid)`);
}
