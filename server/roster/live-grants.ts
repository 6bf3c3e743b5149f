import { and, eq, gte, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { connection, grant } from '#db/schema/index.ts';
import { type ConnectionState, isScope, type Scope } from '#db/schema/vocabulary.ts';
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
const union = (lists: readonly (readonly string[])[]) => [...new Set(lists.flat().filter(isScope))].sort();

/** Reads the union of a system's live grants (DESIGN.md §2, "Need to know, enforced"). */
export async function readAllowed(
  tx: Tx,
  { schoolId, systemId, now }: { schoolId: string; systemId: string; now: Date },
): Promise<Allowed> {
  const rows = await tx
    .select({
      scopes: grant.scopes,
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
  const served = rows.filter((row) => fetching.includes(row.state));
  return {
    toFetch: union(served.map((row) => row.scopes)),
    toKeep: union(rows.map((row) => row.scopes)),
    siteRules: rows.map((row) => row.rule.sites),
    grants: rows.map(({ scopes, withoutFields }) => ({ scopes, withoutFields })),
  };
}
