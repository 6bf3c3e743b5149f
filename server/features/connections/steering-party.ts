import type { SchoolRole } from '#db/schema/vocabulary.ts';
import type { Party } from '#server/kernel/access.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** Roles that may pause, narrow and end what the school has released. */
export const steeringRoles = ['approver', 'school-administrator'] as const satisfies SchoolRole[];

/**
 * Holds an approver to his system, and one for a site to what is his: a whole connection is more.
 * @throws CrosswalkError `approver-limited`
 */
export function assertMaySteer(party: Party, systemId: string): void {
  const may = party.memberships.some(
    ({ role, systemId: limitedTo, siteId }) =>
      role === 'school-administrator' ||
      (role === 'approver' && siteId === null && (limitedTo === null || limitedTo === systemId)),
  );
  if (!may) throw new CrosswalkError('approver-limited', { details: { limit: 'system-or-site' } });
}
