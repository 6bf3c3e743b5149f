import { and, count, desc, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { lmsCourse, type preview, rosterGroup, rosterStream, rosterSubject, syncRun } from '#db/schema/index.ts';
import type { Scope } from '#db/schema/vocabulary.ts';

/** A number that a page shows beside a scope, and how far it can be relied on (DESIGN.md §2, "Preview"). */
export interface ScopeCount {
  readonly count: number | null;
  readonly precision: 'exact' | 'estimated' | 'after-first-sync';
}

const unknown: ScopeCount = { count: null, precision: 'after-first-sync' };

/** What has been received from the system, by scope. */
export async function receivedCounts(tx: Tx, schoolId: string, systemId: string): Promise<Map<Scope, number>> {
  const counts = new Map<Scope, number>();
  const tables = [
    ['roster.subjects', rosterSubject],
    ['roster.streams', rosterStream],
    ['lms.courses', lmsCourse],
  ] as const;
  for (const [scope, table] of tables) {
    const [row] = await tx
      .select({ n: count() })
      .from(table)
      .where(and(eq(table.schoolId, schoolId), eq(table.systemId, systemId), isNull(table.goneAt)));
    counts.set(scope, row?.n ?? 0);
  }
  const groups = await tx
    .select({ kind: rosterGroup.kind, n: count() })
    .from(rosterGroup)
    .where(and(eq(rosterGroup.schoolId, schoolId), eq(rosterGroup.systemId, systemId), isNull(rosterGroup.goneAt)))
    .groupBy(rosterGroup.kind);
  counts.set('roster.groups', groups.find(({ kind }) => kind === 'group')?.n ?? 0);
  counts.set('roster.classes', groups.find(({ kind }) => kind === 'class')?.n ?? 0);
  return counts;
}

/** Whether a sync of the system was ever applied. */
export async function hasBeenRead(tx: Tx, schoolId: string, systemId: string): Promise<boolean> {
  const rows = await tx
    .select({ id: syncRun.id })
    .from(syncRun)
    .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, systemId), eq(syncRun.state, 'succeeded')))
    .limit(1);
  return rows.length > 0;
}

const kindOfScope = {
  'roster.teachers': ['teacher', 'teachers'],
  'roster.students': ['student', 'students'],
  'roster.guardians': ['guardian', 'guardians'],
} as const;
/** Up to here people are counted one by one; of more the newest full sync says how many it read. */
const countedUpTo = 10_000;
const oneCount = z.array(z.object({ n: z.coerce.number() }));

/** How many people of each kind are held of the system: for the edges alone whose consumer may have them. */
export async function peopleCounts(tx: Tx, schoolId: string, systemId: string): Promise<Map<Scope, ScopeCount>> {
  const counts = new Map<Scope, ScopeCount>();
  const [run] = await tx
    .select({ progress: syncRun.progress })
    .from(syncRun)
    .where(
      and(
        eq(syncRun.schoolId, schoolId),
        eq(syncRun.systemId, systemId),
        eq(syncRun.state, 'succeeded'),
        eq(syncRun.kind, 'full'),
      ),
    )
    .orderBy(desc(syncRun.createdAt))
    .limit(1);
  for (const scope of ['roster.teachers', 'roster.students', 'roster.guardians'] as const) {
    const [kind, collection] = kindOfScope[scope];
    const [row] = oneCount.parse(
      await tx.execute(sql`
        select count(*) as n from (select 1 from roster_person
          where school_id = ${schoolId} and system_id = ${systemId} and kind = ${kind} and gone_at is null limit ${countedUpTo + 1}) as counted`),
    );
    const n = row?.n ?? 0;
    const read = run?.progress[collection]?.fetched ?? null;
    counts.set(
      scope,
      n > countedUpTo ? { count: read ?? n, precision: 'estimated' } : { count: n, precision: 'exact' },
    );
  }
  return counts;
}

const scopeOfCollection: Readonly<Record<string, Scope>> = {
  subjects: 'roster.subjects',
  groups: 'roster.groups',
  teachers: 'roster.teachers',
  students: 'roster.students',
  guardians: 'roster.guardians',
  courses: 'lms.courses',
};

/** What a preview of the request counted, by scope. */
export function previewCounts(counts: (typeof preview.$inferSelect)['counts']): Map<Scope, ScopeCount> {
  return new Map(
    counts.flatMap(({ collection, count: n, precision }) => {
      const scope = scopeOfCollection[collection];
      return scope === undefined ? [] : [[scope, { count: n, precision }] as const];
    }),
  );
}

/** The best number for a scope: what was received, else what a preview counted, else that it is not known yet. */
export function bestCount(
  scope: Scope,
  received: ReadonlyMap<Scope, number> | null,
  previewed: ReadonlyMap<Scope, ScopeCount> | null,
): ScopeCount {
  const exact = received?.get(scope);
  if (exact !== undefined) return { count: exact, precision: 'exact' };
  return previewed?.get(scope) ?? unknown;
}
