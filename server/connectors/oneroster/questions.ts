import type { Scope } from '#db/schema/vocabulary.ts';
import { type Collection, rolesOfKind } from '#server/connectors/contract.ts';
import type { WantedPeople } from './map-people.ts';
import type { Version } from './settings.ts';

/** The collections of the service that are ever asked for here. */
export type Path =
  | 'orgs'
  | 'academicSessions'
  | 'courses'
  | 'classes'
  | 'users'
  | 'teachers'
  | 'students'
  | 'enrollments'
  | 'demographics';

export const reads = [
  'sites',
  'terms',
  'subjects',
  'groups',
  'teachers',
  'students',
  'guardians',
  'enrolments',
  'demographics',
] as const satisfies readonly Collection[];
export type Read = (typeof reads)[number];
export const isRead = (collection: Collection): collection is Read => reads.some((read) => read === collection);

/** One list to be asked for. */
export interface Question {
  readonly path: Path;
  /** Role words only, never a value that could name a person; null: no filter. */
  readonly filter: string | null;
  readonly wanted: WantedPeople;
}

/** Lists that make up a collection together. */
export type Plan = readonly Question[];

/** What each scope needs: a group is nothing without its site and term, a stream is told by courses and classes. */
export const needs: Partial<Record<Scope, readonly Read[]>> = {
  'roster.subjects': ['sites', 'terms', 'subjects'],
  'roster.streams': ['sites', 'subjects', 'groups'],
  'roster.groups': ['sites', 'terms', 'groups'],
  'roster.classes': ['sites', 'terms', 'groups'],
  'roster.teachers': ['sites', 'teachers'],
  'roster.students': ['sites', 'students'],
  'roster.guardians': ['sites', 'guardians'],
  'roster.demographics': ['demographics'],
};

/** Nothing that no scope needs: who is in which group only where both may be known, demographics only with the people. */
export function collectionsFor(scopes: readonly Scope[]): readonly Read[] {
  const has = (...some: readonly Scope[]) => some.some((scope) => scopes.includes(scope));
  const withPeople = has('roster.students', 'roster.teachers');
  return reads.filter((read) => {
    if (read === 'enrolments') return withPeople && has('roster.groups', 'roster.classes');
    if (read === 'demographics' && !withPeople) return false;
    return scopes.some((scope) => needs[scope]?.includes(read) ?? false);
  });
}

const everybody: WantedPeople = { roles: [], askedFor: null, before: [] };

/**
 * How a collection is asked for, the way that gives the fewest people first; the next plan is for systems that refuse the one before
 * (reference §10: `roles.role` and `role`; §13: endpoints are missing). Whatever comes of other roles is cut at once.
 */
export function plansOf(collection: Read, version: Version, scopes: readonly Scope[]): readonly Plan[] {
  const one = (path: Path): Plan => [{ path, filter: null, wanted: everybody }];
  const byRole = (role: string) => `${version === '1.2' ? 'roles.role' : 'role'}='${role}'`;
  const anyOf = (path: Path, roles: readonly string[]): Plan => [
    { path, filter: null, wanted: { roles, askedFor: null, before: [] } },
  ];
  switch (collection) {
    case 'sites':
      return [one('orgs')];
    case 'terms':
      return [one('academicSessions')];
    case 'subjects':
      return [one('courses')];
    case 'groups':
      return [one('classes')];
    case 'demographics':
      return [one('demographics')];
    case 'teachers':
    case 'students': {
      const role = collection === 'teachers' ? 'teacher' : 'student';
      const wanted = { roles: [role], askedFor: role, before: [] };
      return [
        [{ path: collection, filter: null, wanted }],
        [{ path: 'users', filter: byRole(role), wanted }],
        anyOf('users', [role]),
      ];
    }
    case 'guardians':
      return [
        rolesOfKind.guardian.map((role, at) => ({
          path: 'users' as const,
          filter: byRole(role),
          // One who is both comes once.
          wanted: { roles: rolesOfKind.guardian, askedFor: role, before: rolesOfKind.guardian.slice(0, at) },
        })),
        anyOf('users', rolesOfKind.guardian),
      ];
    case 'enrolments': {
      const roles = [
        ...(scopes.includes('roster.students') ? ['student'] : []),
        ...(scopes.includes('roster.teachers') ? ['teacher'] : []),
      ];
      const [only, ...others] = roles;
      if (only === undefined || others.length > 0) return [anyOf('enrollments', roles)];
      return [
        [{ path: 'enrollments', filter: `role='${only}'`, wanted: { roles, askedFor: only, before: [] } }],
        anyOf('enrollments', roles),
      ];
    }
  }
}
