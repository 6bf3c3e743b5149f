import { and, eq, isNull, sql } from 'drizzle-orm';
import { appUser, membership, organisation } from '#db/schema/index.ts';
import type { Role } from '#db/schema/vocabulary.ts';
import { considerTrust } from '#server/features/schools/consider-trust.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import { foldEmail } from './email-address.ts';
import { type FoundLink, spendLink } from './find-link.ts';

/** The limits of a role: an approver's system or site, a technical contact's system; none for the others. */
export function limitsOf(role: Role, limits: { systemId?: string | null; siteId?: string | null }) {
  return {
    systemId: role === 'approver' || role === 'technical-contact' ? (limits.systemId ?? null) : null,
    siteId: role === 'approver' ? (limits.siteId ?? null) : null,
  };
}

/** One change of an organisation's roles at a time, so that its last administrator cannot leave twice. */
export async function lockRoles(work: Pick<Work, 'tx'>, organisationId: string): Promise<void> {
  await work.tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${organisationId}, 11))`);
}

/** Gives a person a role unless he has it. */
export async function addRole(
  work: Pick<Work, 'ctx' | 'tx'>,
  row: {
    userId: string;
    organisationId: string;
    schoolId: string | null;
    role: Role;
    systemId?: string | null;
    siteId?: string | null;
  },
): Promise<void> {
  await work.tx
    .insert(membership)
    .values({
      id: newId(),
      userId: row.userId,
      organisationId: row.organisationId,
      schoolId: row.schoolId,
      role: row.role,
      ...limitsOf(row.role, row),
      createdAt: work.ctx.clock.now(),
    })
    .onConflictDoNothing();
}

/** A new account whose address is known to be the person's, since a mail to it was answered. */
export async function makeAccount(
  work: Pick<Work, 'ctx' | 'tx'>,
  account: { email: string; name: string; passwordHash: string | null },
): Promise<string> {
  const emailFolded = foldEmail(account.email);
  if (emailFolded === null) throw new CrosswalkError('invalid-input', { details: { fields: ['email'] } });
  const userId = newId();
  const now = work.ctx.clock.now();
  const made = await work.tx
    .insert(appUser)
    .values({
      id: userId,
      name: account.name.trim(),
      email: account.email.trim(),
      emailFolded,
      emailVerifiedAt: now,
      passwordHash: account.passwordHash,
      createdAt: now,
    })
    .onConflictDoNothing()
    .returning({ id: appUser.id });
  if (made.length === 0) throw new CrosswalkError('not-signed-in', { details: { problem: 'account-exists' } });
  return userId;
}

/**
 * Uses an invitation up and gives the account its roles, in the scope of the invitation's school. A person of an agent
 * cannot join a school that it serves: `conflict-of-interest`, and the link stays good.
 */
export async function joinByLink(work: Work, link: FoundLink, userId: string): Promise<{ organisationId: string }> {
  const { ctx, tx } = work;
  await spendLink(tx, link.id, ctx.clock.now());
  const organisationId = link.organisation_id ?? (await operatorOrganisation(work));
  await lockRoles(work, organisationId);
  for (const role of link.roles) {
    await addRole(work, {
      userId,
      organisationId,
      schoolId: link.school_id,
      role,
      systemId: link.system_id,
      siteId: link.site_id,
    });
  }
  await tx
    .update(appUser)
    .set({ emailVerifiedAt: ctx.clock.now() })
    .where(and(eq(appUser.id, userId), isNull(appUser.emailVerifiedAt)));
  work.audit({
    action: 'people.joined',
    subjectKind: 'user',
    subjectId: userId,
    details: { invitationId: link.id, organisationId, roles: link.roles },
  });
  if (link.school_id !== null) await considerTrust(work, link.school_id);
  return { organisationId };
}

/** The one organisation of the operator; made at the first start. */
export async function operatorOrganisation(work: Pick<Work, 'tx'>): Promise<string> {
  const row = await work.tx.query.organisation.findFirst({
    where: eq(organisation.kind, 'operator'),
    orderBy: organisation.createdAt,
  });
  if (row === undefined) throw new CrosswalkError('misconfigured', { details: { problem: 'operator-missing' } });
  return row.id;
}
