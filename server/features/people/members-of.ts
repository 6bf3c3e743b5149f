import { and, asc, desc, eq, gt, isNull } from 'drizzle-orm';
import { appUser, membership, singleUseLink } from '#db/schema/people.ts';
import type { Role } from '#db/schema/vocabulary.ts';
import type { Work } from '#server/kernel/verb.ts';
import { linkRolesSchema } from './invitation-links.ts';

export interface Member {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly memberships: readonly {
    readonly id: string;
    readonly role: Role;
    readonly systemId: string | null;
    readonly siteId: string | null;
    readonly since: Date;
  }[];
}

/** Who belongs to an organisation, by name; for a school in its scope. */
export async function membersOf(work: Pick<Work, 'tx'>, organisationId: string): Promise<Member[]> {
  const rows = await work.tx
    .select({
      id: membership.id,
      role: membership.role,
      systemId: membership.systemId,
      siteId: membership.siteId,
      since: membership.createdAt,
      userId: appUser.id,
      name: appUser.name,
      email: appUser.email,
    })
    .from(membership)
    .innerJoin(appUser, eq(appUser.id, membership.userId))
    .where(and(eq(membership.organisationId, organisationId), isNull(membership.endedAt)))
    .orderBy(asc(appUser.name), asc(membership.id));
  return [...Map.groupBy(rows, (row) => row.userId).values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    return {
      userId: first.userId,
      name: first.name,
      email: first.email,
      memberships: own.map(({ id, role, systemId, siteId, since }) => ({ id, role, systemId, siteId, since })),
    };
  });
}

/** Open invitations of an organisation, the newest first; never their tokens. */
export async function openInvitationsOf(work: Pick<Work, 'ctx' | 'tx'>, organisationId: string) {
  const rows = await work.tx.query.singleUseLink.findMany({
    where: and(
      eq(singleUseLink.organisationId, organisationId),
      eq(singleUseLink.purpose, 'invitation'),
      isNull(singleUseLink.usedAt),
      isNull(singleUseLink.withdrawnAt),
      gt(singleUseLink.expiresAt, work.ctx.clock.now()),
    ),
    orderBy: desc(singleUseLink.createdAt),
    limit: 500,
  });
  return rows.map((row) => ({
    id: row.id,
    email: row.email,
    name: row.name,
    roles: linkRolesSchema.parse(row.roles),
    systemId: row.systemId,
    siteId: row.siteId,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
  }));
}
