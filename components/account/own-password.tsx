'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { type FormEvent, useRef } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { NewPasswordField } from './new-password-field.tsx';
import { useMe } from './use-me.ts';

const textOf = (form: FormData, name: string) => {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
};

export function OwnPassword() {
  const t = useTranslations('people.account');
  const trpc = useTRPC();
  const queries = useQueryClient();
  const me = useMe();
  const form = useRef<HTMLFormElement>(null);
  const change = useMutation(
    trpc.people.changePassword.mutationOptions({
      onSuccess: async ({ sessionsEnded }) => {
        toast.success(t('passwordSaved', { count: sessionsEnded }));
        form.current?.reset();
        await queries.invalidateQueries({ queryKey: trpc.people.listSessions.queryKey() });
      },
    }),
  );
  if (me?.account.hasPassword === false) {
    return (
      <Section title={t('passwordTitle')}>
        <p className="text-ink-2">{t('noPassword')}</p>
        <div>
          <Button asChild>
            <Link href="/reset-password">{t('passwordByMail')}</Link>
          </Button>
        </div>
      </Section>
    );
  }
  const error = change.error === null ? null : shownError(change.error);
  const presentWrong = error?.code === 'sign-in-refused';
  const problem = error?.code === 'invalid-input' ? String(error.details.problem ?? '') : null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    change.mutate({ present: textOf(data, 'present'), next: textOf(data, 'next') });
  };
  return (
    <Section title={t('passwordTitle')}>
      <form ref={form} onSubmit={submit} className="grid max-w-md gap-4">
        {!presentWrong && problem === null && <ErrorNotice error={change.error} />}
        <input type="hidden" autoComplete="username" value={me?.email ?? ''} readOnly />
        <Field label={t('presentPassword')} error={presentWrong ? t('presentWrong') : undefined}>
          <Input name="present" type="password" autoComplete="current-password" required maxLength={1000} />
        </Field>
        <NewPasswordField name="next" problem={problem} />
        <p className="text-ink-2 text-sm">{t('passwordEffect')}</p>
        <div>
          <Button type="submit" pending={change.isPending}>
            {t('passwordSave')}
          </Button>
        </div>
      </form>
    </Section>
  );
}
