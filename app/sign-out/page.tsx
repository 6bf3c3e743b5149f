'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';

/** Signing out is a deliberate POST: a link or image elsewhere cannot do it. */
export default function SignOut() {
  const t = useTranslations('places');
  const trpc = useTRPC();
  const signOut = useMutation(
    trpc.people.signOut.mutationOptions({
      // A full load, so that nothing of the session stays in memory.
      onSuccess: () => window.location.assign('/sign-in'),
    }),
  );
  return (
    <PlainShell>
      <div className="grid gap-4">
        <h1>{signOut.isPending ? t('signingOutTitle') : t('signOutConfirm')}</h1>
        <p className="text-ink-2">{t('signOutBody')}</p>
        <ErrorNotice error={signOut.error} />
        <div>
          <Button variant="primary" pending={signOut.isPending} onClick={() => signOut.mutate({})}>
            {t('signOutConfirm')}
          </Button>
        </div>
      </div>
    </PlainShell>
  );
}
