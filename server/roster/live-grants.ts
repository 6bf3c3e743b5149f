import { and, eq, gte, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { connection, grant } from '#db/schema/index.ts';
import { type ConnectionState, type ConnectionWay, isScope, peopleScopes, type Scope } from '#db/schema/vocabulary.ts';
import type { GrantedFields } from './collections.ts';

/** What the live grants of a system allow. */
export interface Allowed {
  /** Union of what may be asked of the system now. */
  readonly toFetch: readonly Scope[];
  /** Union of what may rest here: more than is fetched while an edge is paused. */
  readonly toKeep: readonly Scope[];
  /** The sites to which each of the grants that may be served now is narrowed. */
  readonly siteRules: readonly (readonly string[])[];
  /** Each grant's scopes and the fields that it leaves out. */
  readonly grants: readonly GrantedFields[];
}

const fetching: readonly ConnectionState[] = ['connecting', 'live', 'failing'];
/**
 * What of a grant must be asked of the source: all of it, but of an edge between systems that are connected without us only what proves
 * it. Nothing is sent there, so nobody's record is needed here.
 */
export function neededOfSource(way: ConnectionWay | null, granted: readonly string[]): readonly string[] {
  return way === 'direct' ? withoutPeople(granted) : granted;
}

export function withoutPeople(scopes: readonly string[]): readonly string[] {
  const people: readonly string[] = peopleScopes;
  return scopes.filter((scope) => !people.includes(scope));
}

const union = (lists: readonly (readonly string[])[]) => [...new Set(lists.flat().filter(isScope))].sort();

/** Reads the union of a system's live grants (DESIGN.md §2, "Need to know, enforced"). */
export async function readAllowed(
  tx: Tx,
  { schoolId, systemId, now }: { schoolId: string; systemId: string; now: Date },
): Promise<Allowed> {
  const found = await tx
    .select({
      scopes: grant.scopes,
      way: connection.way,
      withoutFields: grant.withoutFields,
      rule: grant.sharingRule,
      state: connection.state,
    })
    .from(grant)
    .innerJoin(connection, eq(connection.id, grant.connectionId))
    .where(
      and(
        eq(grant.schoolId, schoolId),
        eq(connection.producerSystemId, systemId),
        isNull(grant.endedAt),
        isNull(connection.endedAt),
        gte(grant.validUntil, now.toISOString().slice(0, 10)),
      ),
    );
  const rows = found.map((row) => ({ ...row, scopes: neededOfSource(row.way, row.scopes) }));
  const served = rows.filter((row) => fetching.includes(row.state));
  return {
    toFetch: union(served.map((row) => row.scopes)),
    toKeep: union(rows.map((row) => row.scopes)),
    siteRules: rows.map((row) => row.rule.sites),
    grants: rows.map(({ scopes, withoutFields }) => ({ scopes, withoutFields })),
  };
}
