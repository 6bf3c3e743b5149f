import type { Access, Party } from '#server/kernel/access.ts';
import type { RosterCollection } from '#server/roster/collections.ts';

/**
 * Who reads people by name. DESIGN.md §1 gives the data of students to the school and §2 the approver a masked sample of five; the roster
 * browser is the school administrator's. Everybody else at the school (approver, signatory, technical contact) reads counts.
 */
export const peopleAccess = [{ school: ['school-administrator'] }] as const satisfies Access[];

export const seesPeople = (party: Party): boolean =>
  party.memberships.some(({ role }) => role === 'school-administrator');

const aboutNobody: ReadonlySet<string> = new Set<RosterCollection>([
  'sites',
  'terms',
  'subjects',
  'streams',
  'groups',
  'classes',
  'courses',
]);

/** Whether its records are about somebody: whatever is not known to be about nobody. */
export const isAboutPeople = (collection: string): boolean => !aboutNobody.has(collection);
