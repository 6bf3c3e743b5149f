import type { Party } from '#server/kernel/access.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** What an approver may decide about a system: nothing, all of it, or what concerns these sites. */
export type ApproverReach = { readonly kind: 'all' } | { readonly kind: 'sites'; readonly siteIds: readonly string[] };

/**
 * The reach of whoever came in as approver; several memberships add up.
 * @throws CrosswalkError `approver-limited` where all of them are for other systems
 */
export function approverReach(party: Party, systemId: string): ApproverReach {
  const fitting = party.memberships.filter(
    (membership) =>
      membership.role === 'approver' && (membership.systemId === null || membership.systemId === systemId),
  );
  if (fitting.length === 0) throw new CrosswalkError('approver-limited', { details: { limit: 'system' } });
  if (fitting.some((membership) => membership.siteId === null)) return { kind: 'all' };
  return { kind: 'sites', siteIds: fitting.flatMap((membership) => membership.siteId ?? []) };
}

/**
 * Holds a decision to the approver's reach: one for a site decides for that site alone.
 * @throws CrosswalkError `approver-limited`
 */
export function assertWithinReach(reach: ApproverReach, sites: readonly string[]): void {
  if (reach.kind === 'all') return;
  if (sites.length === 0 || !sites.every((site) => reach.siteIds.includes(site))) {
    throw new CrosswalkError('approver-limited', { details: { limit: 'site' } });
  }
}
