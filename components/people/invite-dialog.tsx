'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { UserPlus } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { isAbout } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice, shownError, useErrorText } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { chosenRoles, RoleFields, type RoleLimits } from './role-fields.tsx';

/** Asks somebody by mail to act for the school, in the roles that are chosen here. */
export function InviteDialog({
  schoolId,
  schoolName,
  limits,
}: {
  schoolId: string;
  schoolName: string;
  limits: RoleLimits;
}) {
  const t = useTranslations('schoolPeople');
  const common = useTranslations('common');
  const errorText = useErrorText();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const [missing, setMissing] = useState(false);
  const invite = useMutation(
    trpc.people.inviteSchoolMember.mutationOptions({
      onSuccess: async (_answer, { name }) => {
        await queries.invalidateQueries({ queryKey: trpc.people.listSchoolMembers.queryKey({ schoolId }) });
        setOpen(false);
        toast.success(t('invite.sent', { name }));
      },
    }),
  );
  const aboutEmail = isAbout(invite.error, 'email');
  return (
    <Dialog
      trigger={
        <Button variant="primary">
          <UserPlus aria-hidden />
          {t('invite.button')}
        </Button>
      }
      title={t('invite.title', { school: schoolName })}
      description={t('invite.lead')}
      open={open}
      onOpenChange={(next) => {
        setOpen(next);
        setMissing(false);
        invite.reset();
      }}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const chosen = chosenRoles(form);
          setMissing(chosen.roles.length === 0);
          if (chosen.roles.length === 0) return;
          invite.mutate({ schoolId, name: String(form.get('name')), email: String(form.get('email')), ...chosen });
        }}
      >
        <Field label={t('invite.name')}>
          <Input name="name" required maxLength={200} autoComplete="off" />
        </Field>
        <Field
          label={t('invite.email')}
          hint={t('invite.emailHint')}
          error={
            aboutEmail
              ? shownError(invite.error).code === 'invalid-input'
                ? t('invite.emailWrong')
                : errorText(invite.error)
              : null
          }
        >
          <Input name="email" type="email" required maxLength={254} autoComplete="off" />
        </Field>
        <RoleFields limits={limits} initial={{ roles: [], systemId: null, siteId: null }} missing={missing} />
        {invite.error !== null && !aboutEmail && <ErrorNotice error={invite.error} />}
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{common('cancel')}</Button>
          <Button type="submit" variant="primary" pending={invite.isPending}>
            {t('invite.send')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
