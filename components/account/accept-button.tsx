'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';

/** Joins as the account that is signed in. */
export function AcceptButton({ token, words, email }: { token: string; words: string; email: string }) {
  const t = useTranslations('people.invitation');
  const trpc = useTRPC();
  const accept = useMutation(
    trpc.people.acceptInvitation.mutationOptions({
      onSuccess: () => window.location.assign('/start'),
    }),
  );
  return (
    <div className="grid gap-3">
      <ErrorNotice error={accept.error} />
      <div>
        <Button
          variant="primary"
          pending={accept.isPending || accept.isSuccess}
          onClick={() => accept.mutate({ token })}
        >
          {words}
        </Button>
      </div>
      <p className="text-ink-2 text-sm">{t('as', { email })}</p>
    </div>
  );
}
