'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog, Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { Day } from '#components/ui/relative-time.tsx';

type List = Outputs['people']['listOperators'];

const rowLook = 'flex flex-wrap items-center justify-between gap-3 border-line border-b px-4 py-3 last:border-0';

/** Who runs the marketplace, and who is invited to. */
export function Operators({ members, invitations }: Pick<List, 'members' | 'invitations'>) {
  const words = useTranslations('schools.people');
  return (
    <div className="grid gap-5">
      <ul className="rounded-card border border-line bg-card" aria-label={words('caption')}>
        {members.map((member) => (
          <li key={member.userId} className={rowLook}>
            <p className="min-w-0 break-words">
              <strong>{member.name}</strong> · {member.email}
            </p>
            {members.length > 1 && <End userId={member.userId} name={member.name} />}
          </li>
        ))}
      </ul>
      <div>
        <Invite />
      </div>
      {invitations.length > 0 && (
        <section className="grid gap-2">
          <h2>{words('invitations')}</h2>
          <ul className="rounded-card border border-line bg-card">
            {invitations.map((invitation) => (
              <li key={invitation.id} className={rowLook}>
                <p className="min-w-0 break-words">
                  <strong>{invitation.name}</strong> · {invitation.email}{' '}
                  <span className="block text-ink-2 text-sm">
                    {words('until')} <Day on={invitation.expiresAt} />
                  </span>
                </p>
                <Withdraw invitationId={invitation.id} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function End({ userId, name }: { userId: string; name: string }) {
  const t = useTranslations('operations.people');
  const trpc = useTRPC();
  const router = useRouter();
  const end = useMutation(trpc.people.endOperatorMembership.mutationOptions({ onSuccess: () => router.refresh() }));
  return (
    <ConfirmDialog
      trigger={<Button size="small">{t('end')}</Button>}
      title={t('endTitle', { name })}
      description={t('endBody')}
      confirm={t('end')}
      onConfirm={() => end.mutateAsync({ userId })}
    >
      <ErrorNotice error={end.error} />
    </ConfirmDialog>
  );
}

function Withdraw({ invitationId }: { invitationId: string }) {
  const t = useTranslations('schools.people');
  const trpc = useTRPC();
  const router = useRouter();
  const withdraw = useMutation(
    trpc.people.withdrawOperatorInvitation.mutationOptions({ onSuccess: () => router.refresh() }),
  );
  return (
    <>
      <Button size="small" pending={withdraw.isPending} onClick={() => withdraw.mutate({ invitationId })}>
        {t('withdraw')}
      </Button>
      <ErrorNotice error={withdraw.error} />
    </>
  );
}

function Invite() {
  const t = useTranslations('operations.people');
  const words = useTranslations('schools.people');
  const common = useTranslations('common');
  const trpc = useTRPC();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const invite = useMutation(
    trpc.people.inviteOperator.mutationOptions({
      onSuccess: () => {
        setOpen(false);
        toast.success(words('sent'));
        router.refresh();
      },
    }),
  );
  return (
    <Dialog
      trigger={<Button variant="primary">{t('invite')}</Button>}
      title={t('inviteTitle')}
      description={words('inviteBody')}
      open={open}
      onOpenChange={setOpen}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          invite.mutate({ name: String(form.get('name')), email: String(form.get('email')) });
        }}
      >
        <Field label={words('name')}>
          <Input name="name" required maxLength={200} autoComplete="off" />
        </Field>
        <Field label={words('email')}>
          <Input name="email" type="email" required maxLength={254} autoComplete="off" />
        </Field>
        <ErrorNotice error={invite.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{common('cancel')}</Button>
          <Button type="submit" variant="primary" pending={invite.isPending}>
            {words('send')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
