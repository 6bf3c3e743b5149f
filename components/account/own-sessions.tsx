'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { browserWords } from './browser-words.ts';

export function OwnSessions() {
  const t = useTranslations('people.account');
  const trpc = useTRPC();
  const queries = useQueryClient();
  const { data: sessions } = useSuspenseQuery(trpc.people.listSessions.queryOptions({}));
  const refresh = () => queries.invalidateQueries({ queryKey: trpc.people.listSessions.queryKey() });
  const revoke = useMutation(trpc.people.revokeSession.mutationOptions({ onSettled: refresh }));
  const revokeOthers = useMutation(
    trpc.people.revokeOtherSessions.mutationOptions({
      onSuccess: ({ revoked }) => toast.success(t('othersEnded', { count: revoked })),
      onSettled: refresh,
    }),
  );
  return (
    <Section
      title={t('sessionsTitle')}
      action={
        sessions.length > 1 && (
          <ConfirmDialog
            trigger={<Button size="small">{t('endOthers')}</Button>}
            title={t('endOthers')}
            description={t('endOthersWhat')}
            confirm={t('endOthers')}
            onConfirm={() => revokeOthers.mutateAsync({})}
          >
            <ErrorNotice error={revokeOthers.error} />
          </ConfirmDialog>
        )
      }
    >
      <ErrorNotice error={revoke.error} />
      <ul className="divide-y divide-line">
        {sessions.map((session) => {
          const { browser, system } = browserWords(session.userAgent);
          const device = browser === null ? t('unknownDevice') : t('device', { browser, system: system ?? '?' });
          return (
            <li key={session.id} className="flex flex-wrap items-center justify-between gap-3 py-2">
              <div className="min-w-0">
                <p className="flex flex-wrap items-center gap-2 font-semibold">
                  {device}
                  {session.current && <StateBadge look="live">{t('thisDevice')}</StateBadge>}
                  {session.waitsForSecondFactor && <StateBadge look="wait">{t('waitsForFactor')}</StateBadge>}
                </p>
                <p className="text-ink-2 text-sm">
                  {t.rich('seen', { when: () => <RelativeTime at={session.lastSeenAt} /> })}
                  {session.network !== null && <> · {session.network}</>}
                </p>
              </div>
              {!session.current && (
                <Button
                  size="small"
                  pending={revoke.isPending && revoke.variables.sessionId === session.id}
                  onClick={() => revoke.mutate({ sessionId: session.id })}
                  aria-label={t('endThis', { device })}
                >
                  {t('end')}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </Section>
  );
}
