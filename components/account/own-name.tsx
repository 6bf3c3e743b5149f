'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { type FormEvent, useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { useMe } from './use-me.ts';

export function OwnName() {
  const t = useTranslations('people.account');
  const trpc = useTRPC();
  const queries = useQueryClient();
  const me = useMe();
  const [name, setName] = useState(me?.name ?? '');
  const rename = useMutation(
    trpc.people.renameSelf.mutationOptions({
      onSuccess: async () => {
        toast.success(t('nameSaved'));
        await queries.invalidateQueries({ queryKey: trpc.people.whoAmI.queryKey() });
      },
    }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate({ name });
  };
  return (
    <Section title={t('nameTitle')}>
      <ErrorNotice error={rename.error} />
      <form onSubmit={submit} className="flex flex-wrap items-end gap-3">
        <div className="min-w-56 flex-1">
          <Field label={t('name')} hint={t('nameHint')}>
            <Input
              autoComplete="name"
              value={name}
              onChange={(event) => setName(event.target.value)}
              required
              maxLength={200}
            />
          </Field>
        </div>
        <Button type="submit" pending={rename.isPending} disabled={name.trim() === '' || name === me?.name}>
          {t('nameSave')}
        </Button>
      </form>
    </Section>
  );
}
