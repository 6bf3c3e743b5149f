import { and, eq, inArray, isNull } from 'drizzle-orm';
import { membership } from '#db/schema/people.ts';
import type { Role } from '#db/schema/vocabulary.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';
import { addRole, limitsOf, lockRoles } from './join-organisation.ts';

/** The role without which an organisation could not go on: somebody must hold it. */
const keeper: Readonly<Record<'school' | 'agent' | 'operator', Role>> = {
  school: 'school-administrator',
  agent: 'agent-administrator',
  operator: 'operator',
};

export interface RoleChange {
  readonly organisationId: string;
  readonly kind: 'school' | 'agent' | 'operator';
  readonly userId: string;
  /** All roles that the person has from now on; none ends his belonging. */
  readonly roles: readonly Role[];
  readonly systemId?: string | null;
  readonly siteId?: string | null;
}

/**
 * Gives a member of an organisation exactly these roles. Ended memberships stay as history.
 * @throws CrosswalkError `not-found` for somebody who is no member; `last-administrator` where nobody would be left to
 *   administer the organisation (two at once are told apart by a lock).
 */
export async function changeRolesOf(work: Work, change: RoleChange): Promise<void> {
  const { ctx, tx } = work;
  await lockRoles(work, change.organisationId);
  const everybody = await tx.query.membership.findMany({
    where: and(eq(membership.organisationId, change.organisationId), isNull(membership.endedAt)),
  });
  const own = everybody.filter((row) => row.userId === change.userId);
  if (own.length === 0) throw new CrosswalkError('not-found');
  const wanted = new Map(change.roles.map((role) => [role, limitsOf(role, change)]));
  const unchanged = own.filter((row) => {
    const limits = wanted.get(row.role);
    return limits !== undefined && limits.systemId === row.systemId && limits.siteId === row.siteId;
  });
  const ending = own.filter((row) => !unchanged.includes(row));
  const needed = keeper[change.kind];
  const keepers = everybody.filter((row) => row.role === needed && row.userId !== change.userId);
  if (keepers.length === 0 && own.some((row) => row.role === needed) && !wanted.has(needed)) {
    throw new CrosswalkError('last-administrator');
  }
  if (ending.length > 0) {
    await tx
      .update(membership)
      .set({ endedAt: ctx.clock.now() })
      .where(
        inArray(
          membership.id,
          ending.map((row) => row.id),
        ),
      );
  }
  for (const [role, limits] of wanted) {
    if (unchanged.some((row) => row.role === role)) continue;
    await addRole(work, {
      userId: change.userId,
      organisationId: change.organisationId,
      schoolId: change.kind === 'school' ? change.organisationId : null,
      role,
      ...limits,
    });
  }
  work.audit({
    action: change.roles.length === 0 ? 'people.membership-ended' : 'people.roles-changed',
    subjectKind: 'user',
    subjectId: change.userId,
    details: {
      organisationId: change.organisationId,
      before: own.map((row) => row.role),
      after: [...wanted.keys()],
      systemId: change.systemId ?? null,
      siteId: change.siteId ?? null,
    },
  });
}
