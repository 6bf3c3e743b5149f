'use client';

import { useMutation } from '@tanstack/react-query';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { type FormEvent, useState } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { useErrorText } from '#components/ui/error-notice.tsx';
import { CodeField } from './code-field.tsx';

/** Takes a code of the authenticator app or a recovery code. */
export function SecondFactorForm({ next }: { next: string }) {
  const t = useTranslations('people.secondFactor');
  const trpc = useTRPC();
  const errorText = useErrorText();
  const [code, setCode] = useState('');
  const [recovery, setRecovery] = useState(false);
  const give = useMutation(
    trpc.people.giveSecondFactor.mutationOptions({
      // A full load: nothing that was refused before may stay in memory.
      onSuccess: () => window.location.assign(next),
    }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    give.mutate({ code });
  };
  return (
    <form onSubmit={submit} className="grid gap-4">
      <CodeField
        key={recovery ? 'recovery' : 'app'}
        recovery={recovery}
        value={code}
        onChange={setCode}
        error={give.error === null ? undefined : errorText(give.error)}
      />
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Button type="submit" variant="primary" pending={give.isPending || give.isSuccess}>
          {t('submit')}
        </Button>
        <Button
          variant="quiet"
          onClick={() => {
            setRecovery(!recovery);
            setCode('');
            give.reset();
          }}
        >
          {recovery ? t('useApp') : t('useRecovery')}
        </Button>
      </div>
      <p className="text-ink-2 text-sm">
        <Link href="/sign-out" className="underline">
          {t('asSomebodyElse')}
        </Link>
      </p>
    </form>
  );
}
