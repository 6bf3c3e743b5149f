import { and, count, eq, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { lmsCourse, type preview, rosterGroup, rosterStream, rosterSubject } from '#db/schema/index.ts';
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

const scopeOfCollection: Readonly<Record<string, Scope>> = {
  subjects: 'roster.subjects',
  groups: 'roster.groups',
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
