'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';

/** While the operator names a new administrator of the school: who, why, when, and the button that stops it. */
export function RecoveryNotice({ schoolId }: { schoolId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolPeople.recovery');
  const queries = useQueryClient();
  const { data: recoveries } = useSuspenseQuery(trpc.people.listRecoveries.queryOptions({ schoolId }));
  const stop = useMutation(
    trpc.people.stopRecovery.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries({ queryKey: trpc.people.listRecoveries.queryKey({ schoolId }) });
        toast.success(t('stopped'));
      },
    }),
  );
  const running = recoveries.find(({ state }) => state === 'waiting' || state === 'ready');
  if (running === undefined) return null;
  const name = running.newAdministratorName;
  return (
    <Ask
      look="fail"
      action={
        <ConfirmDialog
          trigger={<Button variant="danger">{t('stop')}</Button>}
          title={t('stopTitle', { name })}
          description={t('stopWhat')}
          confirm={t('stop')}
          onConfirm={() => stop.mutateAsync({ schoolId, recoveryId: running.id })}
        >
          <ErrorNotice error={stop.error} />
        </ConfirmDialog>
      }
    >
      <strong className="block">{t('title', { name })}</strong>
      <span className="block break-words text-ink-2">
        {t('body', { email: running.newAdministratorEmail, reason: running.reason })}
      </span>
      <span className="block">
        {running.state === 'ready'
          ? t('ready')
          : t.rich('waiting', { when: () => <RelativeTime at={running.notBefore} /> })}
      </span>
    </Ask>
  );
}
