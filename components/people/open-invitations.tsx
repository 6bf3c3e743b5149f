'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useFormatter, useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Day } from '#components/ui/relative-time.tsx';
import { schoolRoles } from '#db/schema/vocabulary.ts';

type Invitation = Outputs['people']['listSchoolMembers']['invitations'][number];

/** Who was invited and has not come yet. */
export function OpenInvitations({ schoolId, invitations }: { schoolId: string; invitations: readonly Invitation[] }) {
  const t = useTranslations('schoolPeople.invitations');
  return (
    <Section title={t('title')}>
      <ul className="divide-y divide-line" aria-label={t('caption')}>
        {invitations.map((invitation) => (
          <OpenInvitation key={invitation.id} schoolId={schoolId} invitation={invitation} />
        ))}
      </ul>
    </Section>
  );
}

function OpenInvitation({ schoolId, invitation }: { schoolId: string; invitation: Invitation }) {
  const t = useTranslations('schoolPeople');
  const words = useTranslations('people.roles');
  const format = useFormatter();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const name = invitation.name ?? invitation.email ?? '';
  const email = invitation.email ?? '';
  const renew = () => queries.invalidateQueries({ queryKey: trpc.people.listSchoolMembers.queryKey({ schoolId }) });
  const withdraw = useMutation(
    trpc.people.withdrawSchoolInvitation.mutationOptions({
      onSuccess: async () => {
        await renew();
        toast.success(t('invitations.withdrawn', { name }));
      },
    }),
  );
  const again = useMutation(
    trpc.people.inviteSchoolMember.mutationOptions({
      onSuccess: async () => {
        await renew();
        toast.success(t('invite.sent', { name }));
      },
    }),
  );
  return (
    <li className="grid gap-2 py-2.5">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <div className="min-w-0">
          <p className="break-words">
            <strong>{name}</strong> <span className="text-ink-2 text-sm">{email}</span>
          </p>
          <p className="text-ink-2 text-sm">
            {format.list(invitation.roles.map((role) => words(role)))} · {t('invitations.until')}{' '}
            <Day on={invitation.expiresAt} />
          </p>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button
            size="small"
            aria-label={t('invitations.againThis', { name })}
            pending={again.isPending}
            onClick={() =>
              again.mutate({
                schoolId,
                name,
                email,
                roles: schoolRoles.filter((role) => invitation.roles.includes(role)),
                systemId: invitation.systemId,
                siteId: invitation.siteId,
              })
            }
          >
            {t('invitations.again')}
          </Button>
          <ConfirmDialog
            trigger={
              <Button size="small" aria-label={t('invitations.withdrawThis', { name })}>
                {t('invitations.withdraw')}
              </Button>
            }
            title={t('invitations.withdrawThis', { name })}
            description={t('invitations.withdrawWhat', { email })}
            confirm={t('invitations.withdraw')}
            onConfirm={() => withdraw.mutateAsync({ schoolId, invitationId: invitation.id })}
          >
            <ErrorNotice error={withdraw.error} />
          </ConfirmDialog>
        </div>
      </div>
      <ErrorNotice error={again.error} />
    </li>
  );
}
