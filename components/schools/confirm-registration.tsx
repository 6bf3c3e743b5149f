'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';

/** Uses the link up: a click, so that a mail scanner that only opens it does not. */
export function ConfirmRegistration({ token }: { token: string }) {
  const t = useTranslations('schools.register');
  const trpc = useTRPC();
  const router = useRouter();
  const confirm = useMutation(
    trpc.schools.confirmRegistration.mutationOptions({
      onSuccess: ({ invitationToken }) => router.push(`/invitation/${invitationToken}`),
    }),
  );
  return (
    <div className="grid gap-3">
      <ErrorNotice error={confirm.error} />
      <div>
        <Button
          variant="primary"
          pending={confirm.isPending || confirm.isSuccess}
          onClick={() => confirm.mutate({ token })}
        >
          {t('confirm')}
        </Button>
      </div>
    </div>
  );
}
