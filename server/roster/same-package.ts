import { createHash } from 'node:crypto';
import { and, desc, eq, inArray, ne, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { rosterFetch, rosterUpload, setAsideRecord, site, syncRun, syncSettings } from '#db/schema/index.ts';
import { collectionsKept, type TableName, tablesKept } from './collections.ts';
import { readAllowed } from './live-grants.ts';
import { unknownHash } from './plan-run.ts';
import { rosterTables } from './roster-tables.ts';
import type { HeldRun, RunKey } from './run-lease.ts';

/**
 * A package that brings, byte for byte, what the last applied run read, under the same grants and choices, over a roster that still rests as that run
 * left it: to compare it record by record would find nothing. Where any of it is in doubt it is compared.
 */

/** To be raised when the engine makes other records of the same package: the next one is compared then. */
const engine = 1;
/** So long may packages be taken for the same in a row, before one is compared whatever it is. */
const mostDays = 7;

const restRows = z.array(z.object({ n: z.coerce.number(), unsure: z.coerce.number() }));
const choiceRows = z.array(z.object({ mark: z.string() }));

export interface Resting {
  /** Records of each table that are there and not gone. */
  readonly counts: Readonly<Record<string, number>>;
  readonly records: number;
  /** Whether each record's content is known and was there in the last complete fetch. */
  readonly isSure: boolean;
}

/** What rests of these tables and of the streams. */
export async function readResting(
  tx: Tx,
  { schoolId, systemId }: RunKey,
  tables: Iterable<TableName>,
): Promise<Resting> {
  const counts: Record<string, number> = {};
  let unsure = 0;
  for (const roster of [...[...tables].map((table) => rosterTables[table].table), 'roster_stream']) {
    const [row] = restRows.parse(
      await tx.execute(sql`
        select count(*) as n, count(*) filter (where missed_fetches > 0 or content_hash = ${unknownHash}::bigint) as unsure
          from ${sql.raw(roster)} where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid and gone_at is null`),
    );
    counts[roster] = row?.n ?? 0;
    unsure += row?.unsure ?? 0;
  }
  return { counts, records: Object.values(counts).reduce((sum, n) => sum + n, 0), isSure: unsure === 0 };
}

/**
 * A mark over all that decides what a run of a package comes to: what it read, under which grants and choices of the school, and what rested after
 * it. Null: it read no package, or something of the roster is in doubt.
 */
export async function markInputs(tx: Tx, run: RunKey, resting: Resting, now: Date): Promise<string | null> {
  if (!resting.isSure) return null;
  const { schoolId, systemId, syncRunId } = run;
  const [read] = await tx
    .select({ contents: rosterUpload.contents, scopes: syncRun.scopes })
    .from(syncRun)
    .innerJoin(rosterUpload, eq(rosterUpload.id, syncRun.uploadId))
    .where(and(eq(syncRun.id, syncRunId), eq(syncRun.schoolId, schoolId)));
  if (read === undefined || read.contents === null) return null;
  const { toKeep, siteRules, grants } = await readAllowed(tx, { schoolId, systemId, now });
  const sites = await tx
    .select({ id: site.id, name: site.name, registerNumber: site.registerNumber })
    .from(site)
    .where(eq(site.schoolId, schoolId));
  const here = sql`t.school_id = ${schoolId}::uuid and t.system_id = ${systemId}::uuid`;
  const choices = choiceRows.parse(
    await tx.execute(sql`
      select concat_ws('/', count(*), bit_xor(hashtextextended(told, 0)), bit_xor(hashtextextended(told, 1))) as mark from (
        select 'w' || t::text as told from withheld_person t where ${here} and t.released_at is null
        union all select 'c' || t::text from stream_choice t where ${here}
        union all select 'a' || t::text from stream_assignment t where ${here}) choices`),
  );
  const sorted = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).toSorted();
  const decisive = [
    engine,
    read.contents,
    read.scopes.toSorted(),
    toKeep.toSorted(),
    sorted(siteRules),
    sorted(grants),
    sorted(sites),
    choices,
    resting.counts,
  ];
  return createHash('sha256').update(JSON.stringify(decisive)).digest('base64url');
}

interface Earlier {
  /** The run whose package it was that was compared; it may lie further back than the last. */
  readonly comparedId: string;
  readonly last: typeof syncRun.$inferSelect;
  readonly inputs: string;
  readonly records: number;
}

/** The last applied run of the system, if this one would do nothing but what it did. */
export async function findSame(tx: Tx, run: RunKey, now: Date): Promise<Earlier | null> {
  const { schoolId, systemId, syncRunId } = run;
  const ofSystem = and(eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, systemId));
  const [last] = await tx
    .select()
    .from(syncRun)
    .where(and(ofSystem, ne(syncRun.id, syncRunId), eq(syncRun.state, 'succeeded')))
    .orderBy(desc(syncRun.finishedAt))
    .limit(1);
  if (last === undefined || last.inputs === null) return null;
  const comparedId = last.sameAs ?? last.id;
  const [compared] = await tx
    .select({ finishedAt: syncRun.finishedAt })
    .from(syncRun)
    .where(and(ofSystem, eq(syncRun.id, comparedId)));
  const age = now.getTime() - (compared?.finishedAt?.getTime() ?? 0);
  if (age > mostDays * 86_400_000) return null;
  const [settings] = await tx
    .select({ holdNext: syncSettings.holdNext })
    .from(syncSettings)
    .where(and(eq(syncSettings.schoolId, schoolId), eq(syncSettings.systemId, systemId)));
  if (settings?.holdNext === true) return null;
  const [own] = await tx
    .select({ scopes: syncRun.scopes })
    .from(syncRun)
    .where(and(ofSystem, eq(syncRun.id, syncRunId)));
  const resting = await readResting(tx, run, tablesKept(collectionsKept(own?.scopes ?? [])));
  const inputs = await markInputs(tx, run, resting, now);
  return inputs !== null && inputs === last.inputs ? { comparedId, last, inputs, records: resting.records } : null;
}

/** Ends a run as one that found what an earlier one had found: the same counts, deviations and records set aside, and no change. */
export async function endAsSame(tx: Tx, run: HeldRun, { comparedId, last, inputs }: Earlier, now: Date): Promise<void> {
  const { schoolId, systemId, syncRunId } = run;
  const progress = Object.fromEntries(
    Object.entries(last.progress).map(([collection, counts]) => [collection, unchanged(counts)]),
  );
  await tx
    .update(syncRun)
    .set({
      state: 'succeeded',
      phase: 'announce',
      finishedAt: now,
      leaseUntil: null,
      held: null,
      errorCode: null,
      errorDetails: null,
      progress,
      deviations: last.deviations,
      sameAs: comparedId,
      inputs,
    })
    .where(and(eq(syncRun.id, syncRunId), eq(syncRun.schoolId, schoolId)));
  await tx.delete(setAsideRecord).where(eq(setAsideRecord.syncRunId, syncRunId));
  await tx.execute(sql`
    insert into set_aside_record (id, school_id, sync_run_id, collection, source_id, file, line, field, reason)
    select across.new_id(), school_id, ${syncRunId}::uuid, collection, source_id, file, line, field, reason
      from set_aside_record where school_id = ${schoolId}::uuid and sync_run_id = ${last.id}::uuid`);
  // Seen again is what that run saw whole.
  const whole = Object.keys(last.progress).filter((collection) => last.progress[collection]?.['complete'] === 1);
  await tx
    .update(rosterFetch)
    .set({ seenAt: now })
    .where(
      and(
        eq(rosterFetch.schoolId, schoolId),
        eq(rosterFetch.systemId, systemId),
        inArray(rosterFetch.collection, whole),
      ),
    );
}

/** The counts of a run that finds what one with these counts left. */
function unchanged(counts: Readonly<Record<string, number | null>>): Record<string, number | null> {
  if (counts['unchanged'] === undefined) return counts;
  const of = (name: string) => counts[name] ?? 0;
  const changes = { added: 0, changed: 0, returned: 0, missing: 0, gone: 0, reused: 0 };
  return {
    ...counts,
    ...changes,
    unchanged: of('unchanged') + of('added') + of('changed') + of('returned') + of('reused'),
  };
}
