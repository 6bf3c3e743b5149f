import type { SchoolRole } from '#db/schema/vocabulary.ts';
import type { Access, Party } from '#server/kernel/access.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** Roles of a school that may have to do with a system's address and credentials. */
export const systemRoles = ['technical-contact', 'school-administrator', 'approver'] as const satisfies SchoolRole[];

/** Whoever sets up a system: people of the school, or the holder of a technical contact's link. */
export const setUpAccess = [
  { school: systemRoles },
  { link: 'technical-contact' },
  { system: true },
] as const satisfies Access[];

/**
 * Holds a technical contact, an approver or a link to the system that it was given for.
 * @throws CrosswalkError `forbidden`, or `not-found` for a link, whose holder learns nothing of other systems
 */
export function assertMayServe(ctx: Context, party: Party, systemId: string): void {
  if (party.as === 'link') {
    if (ctx.actor.kind !== 'link' || ctx.actor.systemId !== systemId) throw new CrosswalkError('not-found');
    return;
  }
  if (party.as !== 'school') return;
  if (!party.memberships.some((membership) => membership.systemId === null || membership.systemId === systemId)) {
    throw new CrosswalkError('forbidden', { details: { limit: 'system' } });
  }
}

/** The account that acts, for columns that remember one; null for links, jobs and start-up. */
export function userIdOf(ctx: Context): string | null {
  return ctx.actor.kind === 'user' ? ctx.actor.userId : null;
}
