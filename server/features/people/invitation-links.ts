import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { organisation, singleUseLink } from '#db/schema/index.ts';
import { type Role, roles, type SchoolRole } from '#db/schema/vocabulary.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';
import { createSingleUseLink, day } from './create-single-use-link.ts';
import { foldEmail } from './email-address.ts';
import { roleWords } from './role-words.ts';

export const invitationDays = 7;

export interface InvitationOrder {
  /** The organisation that the person shall belong to; for a school, the school's id. */
  readonly organisationId: string;
  /** Set exactly where it is a school; the transaction must be in its scope. */
  readonly schoolId: string | null;
  readonly email: string;
  readonly name: string;
  readonly roles: readonly Role[];
  /** Limits an invited approver or technical contact to one system. */
  readonly systemId?: string | null;
  /** Limits an invited approver to one site. */
  readonly siteId?: string | null;
}

/**
 * Invites one person by mail: a link that works once and for seven days. A new invitation takes the place of an open
 * one to the same address. Writes its audit note.
 * @returns the invitation's id; the token goes by mail alone.
 */
export async function inviteByMail(work: Work, order: InvitationOrder): Promise<{ invitationId: string }> {
  const { ctx, tx } = work;
  const email = order.email.trim();
  const folded = foldEmail(email);
  if (folded === null) throw new CrosswalkError('invalid-input', { details: { fields: ['email'] } });
  const body = await tx.query.organisation.findFirst({ where: eq(organisation.id, order.organisationId) });
  if (body === undefined) throw new CrosswalkError('not-found');
  if (body.suspendedAt !== null) throw new CrosswalkError('state-forbids');
  await withdrawOpenInvitations(work, order.organisationId, folded);
  const { linkId, token } = await createSingleUseLink(work, {
    purpose: 'invitation',
    validMilliseconds: invitationDays * day,
    ...order,
    email,
    needsSignIn: true,
  });
  await enqueueMail(work, {
    template: 'invitation',
    to: { email, name: order.name },
    schoolId: order.schoolId,
    parameters: {
      organisation: body.name,
      inviter: ctx.actor.kind === 'user' ? ctx.actor.name : 'Crosswalk',
      roles: roleWords('en', order.roles),
      url: `${ctx.baseUrl}/invitation/${token}`,
      days: invitationDays,
    },
  });
  work.audit({
    action: 'people.invited',
    subjectKind: 'invitation',
    subjectId: linkId,
    details: {
      organisationId: order.organisationId,
      roles: order.roles,
      systemId: order.systemId ?? null,
      siteId: order.siteId ?? null,
    },
  });
  return { invitationId: linkId };
}

async function withdrawOpenInvitations(work: Work, organisationId: string, folded: string): Promise<void> {
  const open = await work.tx.query.singleUseLink.findMany({
    where: and(
      eq(singleUseLink.organisationId, organisationId),
      eq(singleUseLink.purpose, 'invitation'),
      isNull(singleUseLink.usedAt),
      isNull(singleUseLink.withdrawnAt),
      gt(singleUseLink.expiresAt, work.ctx.clock.now()),
    ),
  });
  for (const link of open) {
    if (link.email === null || foldEmail(link.email) !== folded) continue;
    await work.tx.update(singleUseLink).set({ withdrawnAt: work.ctx.clock.now() }).where(eq(singleUseLink.id, link.id));
  }
}

const verdict = z.array(z.object({ ofAgent: z.boolean() }));

/** Refuses an address of an agent that knows or serves the school, or of its people: `conflict-of-interest`. */
export async function refuseAddressOfAgent(work: Pick<Work, 'tx'>, schoolId: string, email: string): Promise<void> {
  const folded = foldEmail(email);
  if (folded === null) throw new CrosswalkError('invalid-input', { details: { fields: ['email'] } });
  const [row] = verdict.parse(
    await work.tx.execute(sql`select across.is_address_of_agent(${schoolId}, ${folded}) as "ofAgent"`),
  );
  if (row?.ofAgent !== false) throw new CrosswalkError('conflict-of-interest', { details: { fields: ['email'] } });
}

/**
 * Invites the first administrator of a school (or, in a recovery, the new one), with further roles if the same person
 * signs. In the school's scope. Refuses an address of any agent that knows or serves the school, so that nobody becomes
 * the school by way of its agent: `conflict-of-interest`. The invitation trusts nobody yet; that is the operator's or
 * the register's to say.
 */
export async function inviteFirstAdministrator(
  work: Work,
  order: { schoolId: string; email: string; name: string; alsoRoles?: readonly SchoolRole[] },
): Promise<{ invitationId: string }> {
  await refuseAddressOfAgent(work, order.schoolId, order.email);
  return inviteByMail(work, {
    organisationId: order.schoolId,
    schoolId: order.schoolId,
    email: order.email,
    name: order.name,
    roles: [...new Set<Role>(['school-administrator', ...(order.alsoRoles ?? [])])],
  });
}

/** Roles as they stand in a link's row; an unknown word is no role. */
export const linkRolesSchema = z.array(z.enum(roles));
