'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useFormatter, useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog, Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input } from '#components/ui/input.tsx';
import { Day } from '#components/ui/relative-time.tsx';
import { agentRoles } from '#db/schema/vocabulary.ts';

type List = Outputs['people']['listAgentMembers'];

interface MembersProps {
  readonly agentId: string;
  readonly members: List['members'];
  readonly invitations: List['invitations'];
  readonly mayChange: boolean;
}

/** Who works for an agent, and who is invited. */
export function Members({ agentId, members, invitations, mayChange }: MembersProps) {
  const t = useTranslations('schools.people');
  const roles = useTranslations('people.roles');
  const format = useFormatter();
  return (
    <div className="grid gap-5">
      <ul className="rounded-card border border-line bg-card" aria-label={t('caption')}>
        {members.map((member) => (
          <li
            key={member.userId}
            className="flex flex-wrap items-center justify-between gap-3 border-line border-b px-4 py-3 last:border-0"
          >
            <div className="min-w-0">
              <p className="break-words">
                <strong>{member.name}</strong> · {member.email}
              </p>
              <p className="text-ink-2 text-sm">{format.list(member.memberships.map(({ role }) => roles(role)))}</p>
            </div>
            {mayChange && <RemoveMember agentId={agentId} userId={member.userId} name={member.name} />}
          </li>
        ))}
      </ul>
      {mayChange && (
        <div>
          <InviteMember agentId={agentId} />
        </div>
      )}
      {invitations.length > 0 && (
        <section className="grid gap-2">
          <h2>{t('invitations')}</h2>
          <ul className="rounded-card border border-line bg-card">
            {invitations.map((invitation) => (
              <li
                key={invitation.id}
                className="flex flex-wrap items-center justify-between gap-3 border-line border-b px-4 py-3 last:border-0"
              >
                <div className="min-w-0">
                  <p className="break-words">
                    <strong>{invitation.name}</strong> · {invitation.email}
                  </p>
                  <p className="text-ink-2 text-sm">
                    {format.list(invitation.roles.map((role) => roles(role)))} · {t('until')}{' '}
                    <Day on={invitation.expiresAt} />
                  </p>
                </div>
                <WithdrawInvitation agentId={agentId} invitationId={invitation.id} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function RemoveMember({ agentId, userId, name }: { agentId: string; userId: string; name: string }) {
  const t = useTranslations('schools.people');
  const trpc = useTRPC();
  const router = useRouter();
  const change = useMutation(trpc.people.changeAgentRoles.mutationOptions({ onSuccess: () => router.refresh() }));
  return (
    <ConfirmDialog
      trigger={<Button size="small">{t('remove')}</Button>}
      title={t('removeTitle', { name })}
      description={t('removeBody')}
      confirm={t('remove')}
      onConfirm={() => change.mutateAsync({ agentId, userId, roles: [] })}
    >
      <ErrorNotice error={change.error} />
    </ConfirmDialog>
  );
}

function WithdrawInvitation({ agentId, invitationId }: { agentId: string; invitationId: string }) {
  const t = useTranslations('schools.people');
  const trpc = useTRPC();
  const router = useRouter();
  const withdraw = useMutation(
    trpc.people.withdrawAgentInvitation.mutationOptions({ onSuccess: () => router.refresh() }),
  );
  return (
    <>
      <Button size="small" pending={withdraw.isPending} onClick={() => withdraw.mutate({ agentId, invitationId })}>
        {t('withdraw')}
      </Button>
      <ErrorNotice error={withdraw.error} />
    </>
  );
}

function InviteMember({ agentId }: { agentId: string }) {
  const t = useTranslations('schools.people');
  const common = useTranslations('common');
  const trpc = useTRPC();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const [missing, setMissing] = useState(false);
  const invite = useMutation(
    trpc.people.inviteAgentMember.mutationOptions({
      onSuccess: () => {
        setOpen(false);
        toast.success(t('sent'));
        router.refresh();
      },
    }),
  );
  return (
    <Dialog
      trigger={<Button variant="primary">{t('invite')}</Button>}
      title={t('inviteTitle')}
      description={t('inviteBody')}
      open={open}
      onOpenChange={setOpen}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const roles = agentRoles.filter((role) => form.get(role) === 'on');
          setMissing(roles.length === 0);
          if (roles.length === 0) return;
          invite.mutate({ agentId, name: String(form.get('name')), email: String(form.get('email')), roles });
        }}
      >
        <Field label={t('name')}>
          <Input name="name" required maxLength={200} autoComplete="off" />
        </Field>
        <Field label={t('email')}>
          <Input name="email" type="email" required maxLength={254} autoComplete="off" />
        </Field>
        <fieldset className="grid gap-1">
          <legend className="font-semibold">{t('roles')}</legend>
          <Checkbox name="agent" label={t('agent')} defaultChecked />
          <Checkbox name="agent-administrator" label={t('administrator')} />
          {missing && (
            <p role="alert" className="font-semibold text-fail text-sm">
              {t('rolesMissing')}
            </p>
          )}
        </fieldset>
        <ErrorNotice error={invite.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{common('cancel')}</Button>
          <Button type="submit" variant="primary" pending={invite.isPending}>
            {t('send')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
