'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import type { PlaceChoices } from './countries.ts';
import { IdentityFields, readIdentity } from './identity-fields.tsx';
import { isAbout, isAboutAny } from './problems.ts';

/** A school that comes by itself: what it is, and who speaks for it. */
export function RegisterForm({ choices }: { choices: PlaceChoices }) {
  const t = useTranslations('schools');
  const trpc = useTRPC();
  const [sentTo, setSentTo] = useState<string | null>(null);
  const register = useMutation(
    trpc.schools.registerSchool.mutationOptions({ onSuccess: (_answer, { email }) => setSentTo(email) }),
  );
  const { error } = register;
  if (sentTo !== null) {
    return (
      <Card role="status" className="grid gap-2">
        <h2>{t('register.sentTitle')}</h2>
        <p className="break-words">{t('register.sentBody', { email: sentTo })}</p>
      </Card>
    );
  }
  return (
    <form
      className="grid gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        register.mutate({
          ...readIdentity(form),
          personName: String(form.get('personName')),
          email: String(form.get('email')),
        });
      }}
    >
      <Card className="grid gap-4">
        <IdentityFields error={error} choices={choices} />
      </Card>
      <Card className="grid gap-4">
        <Field label={t('register.yourName')} error={isAbout(error, 'personName') ? t('problems.personName') : null}>
          <Input name="personName" required maxLength={120} autoComplete="name" />
        </Field>
        <Field
          label={t('register.email')}
          hint={t('register.emailHint')}
          error={isAbout(error, 'email') ? t('problems.email') : null}
        >
          <Input name="email" type="email" required maxLength={254} autoComplete="email" />
        </Field>
      </Card>
      {error !== null &&
        !isAboutAny(error, ['name', 'register', 'registerNumber', 'country', 'timeZone', 'personName', 'email']) && (
          <ErrorNotice error={error} />
        )}
      <div>
        <Button type="submit" variant="primary" pending={register.isPending}>
          {t('register.submit')}
        </Button>
      </div>
    </form>
  );
}
