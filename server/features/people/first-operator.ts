import { and, eq, gt, isNull } from 'drizzle-orm';
import { membership, organisation, singleUseLink } from '#db/schema/index.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { runWork, type Work } from '#server/kernel/verb.ts';
import { createSingleUseLink, day } from './create-single-use-link.ts';
import { foldEmail } from './email-address.ts';
import { invitationDays } from './invitation-links.ts';
import { lockRoles } from './join-organisation.ts';

/**
 * Makes the operator's organisation at the first start and, while nobody is operator, a way in: a mail to `email`
 * (OPERATOR_EMAIL) where it is set, else a link to print, good once and for a day. A printed link replaces the one that
 * the last start printed; a mail is sent again only after its link ran out.
 * @returns the address to print; null where nothing needs to be printed.
 */
export async function ensureFirstOperator(
  ctx: Context,
  options: { email: string | null; baseUrl: string; name?: string },
): Promise<string | null> {
  return runWork(ctx, {}, async (work) => {
    await lockRoles(work, 'first operator');
    const organisationId = await ensureOrganisation(work, options.name ?? 'Crosswalk');
    const someone = await work.tx.query.membership.findFirst({
      where: and(eq(membership.role, 'operator'), isNull(membership.endedAt)),
    });
    if (someone !== undefined) return null;
    const open = await work.tx.query.singleUseLink.findMany({
      where: and(
        eq(singleUseLink.purpose, 'first-operator'),
        isNull(singleUseLink.usedAt),
        isNull(singleUseLink.withdrawnAt),
        gt(singleUseLink.expiresAt, ctx.clock.now()),
      ),
    });
    const folded = options.email === null ? null : foldEmail(options.email);
    const mailed = open.find((link) => link.email !== null && folded !== null && foldEmail(link.email) === folded);
    for (const link of open) {
      if (link === mailed) continue;
      await work.tx.update(singleUseLink).set({ withdrawnAt: ctx.clock.now() }).where(eq(singleUseLink.id, link.id));
    }
    if (mailed !== undefined) return null;
    const { linkId, token } = await createSingleUseLink(work, {
      purpose: 'first-operator',
      validMilliseconds: options.email === null ? day : invitationDays * day,
      organisationId,
      email: options.email,
      roles: ['operator'],
    });
    work.audit({
      action: 'people.first-operator-invited',
      subjectKind: 'link',
      subjectId: linkId,
      details: { by: options.email === null ? 'printed-link' : 'mail' },
    });
    const url = `${options.baseUrl}/invitation/${token}`;
    if (options.email === null) return url;
    await enqueueMail(work, {
      template: 'first-operator',
      to: { email: options.email, name: null },
      schoolId: null,
      parameters: { url, days: invitationDays },
    });
    return null;
  });
}

async function ensureOrganisation(work: Work, name: string): Promise<string> {
  const existing = await work.tx.query.organisation.findFirst({ where: eq(organisation.kind, 'operator') });
  if (existing !== undefined) return existing.id;
  const id = newId();
  const now = work.ctx.clock.now();
  await work.tx.insert(organisation).values({ id, kind: 'operator', name, reviewedAt: now, createdAt: now });
  return id;
}
