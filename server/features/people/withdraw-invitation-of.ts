import { and, eq, isNull } from 'drizzle-orm';
import { singleUseLink } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';

/** Withdraws an organisation's open invitation; one of another, or one that was used, does not exist. */
export async function withdrawInvitationOf(work: Work, organisationId: string, invitationId: string): Promise<void> {
  const withdrawn = await work.tx
    .update(singleUseLink)
    .set({ withdrawnAt: work.ctx.clock.now() })
    .where(
      and(
        eq(singleUseLink.id, invitationId),
        eq(singleUseLink.organisationId, organisationId),
        eq(singleUseLink.purpose, 'invitation'),
        isNull(singleUseLink.usedAt),
        isNull(singleUseLink.withdrawnAt),
      ),
    )
    .returning({ id: singleUseLink.id });
  if (withdrawn.length === 0) throw new CrosswalkError('not-found');
  work.audit({
    action: 'people.invitation-withdrawn',
    subjectKind: 'invitation',
    subjectId: invitationId,
    details: { organisationId },
  });
}
