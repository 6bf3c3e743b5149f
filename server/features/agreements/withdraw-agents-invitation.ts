import { and, eq, inArray, isNull } from 'drizzle-orm';
import { membership, singleUseLink } from '#db/schema/index.ts';
import { foldEmail } from '#server/features/people/email-address.ts';
import { withdrawInvitationOf } from '#server/features/people/withdraw-invitation-of.ts';
import type { Work } from '#server/kernel/verb.ts';

/**
 * Withdraws what this agent's sending has opened for an address: an invitation to become the school's first administrator
 * must not outlive the reason for it. Invitations by others to the same address stay.
 */
export async function withdrawAgentsInvitation(
  work: Work,
  { agentId, schoolId, email }: { agentId: string; schoolId: string; email: string | null },
): Promise<void> {
  if (email === null) return;
  const people = work.tx
    .select({ id: membership.userId })
    .from(membership)
    .where(eq(membership.organisationId, agentId));
  const open = await work.tx.query.singleUseLink.findMany({
    columns: { id: true, email: true },
    where: and(
      eq(singleUseLink.schoolId, schoolId),
      eq(singleUseLink.purpose, 'invitation'),
      isNull(singleUseLink.usedAt),
      isNull(singleUseLink.withdrawnAt),
      inArray(singleUseLink.createdBy, people),
    ),
  });
  for (const link of open) {
    if (link.email === null || foldEmail(link.email) !== foldEmail(email)) continue;
    await withdrawInvitationOf(work, schoolId, link.id);
  }
}
