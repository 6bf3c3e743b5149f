import { and, asc, eq, gte, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { connection, grant, rosterSite, site, system } from '#db/schema/index.ts';
import type { ConnectionState, ConsumerKind } from '#db/schema/vocabulary.ts';
import { marketplaceName } from '#server/features/connections/marketplace-name.ts';
import { sitesAllowed } from '#server/roster/narrow-to-sites.ts';

/** Somebody as grants see him: what he is, where, and in which groups. */
export interface Reached {
  readonly schoolId: string;
  readonly systemId: string;
  readonly kinds: readonly string[];
  readonly siteSourceIds: readonly string[];
  /** Ids (ours and the source's) of his groups, their subjects and their streams. */
  readonly groups: ReadonlySet<string>;
  readonly subjects: ReadonlySet<string>;
  readonly streams: ReadonlySet<string>;
  /** Fields of him that hold something, by the scope that lets them be known. */
  readonly held: Readonly<Record<string, readonly string[]>>;
}

/** One live grant, and what of this person it gives. */
export interface GrantReach {
  readonly grantId: string;
  readonly connectionId: string;
  readonly consumerKind: ConsumerKind;
  /** Empty: an app whose name is not known here. */
  readonly consumerName: string;
  readonly state: ConnectionState;
  readonly purpose: string;
  readonly validUntil: string;
  readonly lastSuppliedAt: Date | null;
  /** Scopes that concern this person, each with the fields of him that it gives and those that were left out of it. */
  readonly scopes: readonly {
    readonly scope: string;
    readonly fields: readonly string[];
    readonly withoutFields: readonly string[];
  }[];
  /** Names of the sites to which it is narrowed; empty: all. */
  readonly sites: readonly string[];
  /** `no-scope`: it names nobody of his kind. `elsewhere`: its sharing rule leaves him out. */
  readonly reaches: 'yes' | 'no-scope' | 'elsewhere';
}

/** Scopes that name a kind of person; the others of `peopleScopes` come with one of these. */
const scopeOfKind: Readonly<Record<string, string>> = {
  student: 'roster.students',
  teacher: 'roster.teachers',
  guardian: 'roster.guardians',
};
/** What is known of somebody besides, once he may be known at all. */
const alongside = [
  'roster.demographics',
  'roster.groups',
  'roster.classes',
  'gradebook.read',
  'gradebook.write',
  'lti.launch',
];
/** Demographics and groups are of students and teachers, grades of students. */
const notOf: Readonly<Record<string, readonly string[]>> = {
  guardian: alongside,
  teacher: ['gradebook.read', 'gradebook.write'],
};

/**
 * "Who can see this child": each live grant over the person's system, with what of him it gives. All is derived from the grants as they
 * stand (DESIGN.md §2); those that do not reach him are told too, with the reason.
 */
export async function grantsReaching(tx: Tx, person: Reached, now: Date): Promise<GrantReach[]> {
  const { schoolId, systemId } = person;
  const rows = await tx
    .select({ grant, connection })
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
    )
    .orderBy(asc(grant.validFrom), asc(grant.id));
  const systems = await tx
    .select({ id: system.id, name: system.name })
    .from(system)
    .where(eq(system.schoolId, schoolId));
  const ownSites = await tx
    .select({ id: site.id, name: site.name, registerNumber: site.registerNumber })
    .from(site)
    .where(eq(site.schoolId, schoolId));
  const sourceSites = await tx
    .select({
      sourceId: rosterSite.sourceId,
      name: rosterSite.name,
      identifier: rosterSite.identifier,
      parentSourceId: rosterSite.parentSourceId,
    })
    .from(rosterSite)
    .where(and(eq(rosterSite.schoolId, schoolId), eq(rosterSite.systemId, systemId)));
  const marketplace = await marketplaceName(tx);
  const siteNameOf = new Map(ownSites.map(({ id, name }) => [id, name]));
  return rows.map(({ grant: given, connection: edge }) => {
    const rule = given.sharingRule;
    const allowed = sitesAllowed([rule.sites], sourceSites, ownSites);
    const within = (limit: readonly string[], own: ReadonlySet<string>) =>
      limit.length === 0 || limit.some((id) => own.has(id));
    const included =
      (allowed === null || person.siteSourceIds.some((id) => allowed.has(id))) &&
      within(rule.groups, person.groups) &&
      within(rule.subjects, person.subjects) &&
      within(rule.streams, person.streams);
    const scopes = scopesConcerning(person.kinds, given.scopes);
    return {
      grantId: given.id,
      connectionId: edge.id,
      consumerKind: edge.consumerKind,
      consumerName:
        edge.consumerKind === 'marketplace'
          ? marketplace
          : (systems.find(({ id }) => id === edge.consumerSystemId)?.name ?? ''),
      state: edge.state,
      purpose: given.purpose,
      validUntil: given.validUntil,
      lastSuppliedAt: edge.lastReceivedAt,
      scopes: scopes.map((scope) => {
        const withoutFields = given.withoutFields
          .filter((entry) => entry.startsWith(`${scope}:`))
          .map((entry) => entry.slice(scope.length + 1));
        return {
          scope,
          fields: (person.held[scope] ?? []).filter((field) => !withoutFields.includes(field)),
          withoutFields,
        };
      }),
      sites: rule.sites.map((id) => siteNameOf.get(id) ?? id),
      reaches: scopes.length === 0 ? 'no-scope' : included ? 'yes' : 'elsewhere',
    };
  });
}

/** Which of a grant's scopes give something of a person of these kinds. Pure. */
export function scopesConcerning(kinds: readonly string[], granted: readonly string[]): string[] {
  const naming = kinds.flatMap((kind) => {
    const scope = scopeOfKind[kind];
    return scope !== undefined && granted.includes(scope) ? [{ kind, scope }] : [];
  });
  if (naming.length === 0) return [];
  const more = alongside.filter(
    (scope) => granted.includes(scope) && naming.some(({ kind }) => notOf[kind]?.includes(scope) !== true),
  );
  return [...new Set([...naming.map(({ scope }) => scope), ...more])];
}
