'use client';

import { useSuspenseQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { WaitingList } from '#components/connections/waiting-list.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

/** What waits for the reader by the roles that he holds, the oldest first. */
export function SchoolInbox({ schoolId }: { schoolId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolHome');
  const { data } = useSuspenseQuery({
    ...trpc.connections.inbox.queryOptions({ schoolId }),
    refetchInterval: 15_000,
  });
  return (
    <>
      <div aria-live="polite">
        <PageHeader
          title={t('asks.title')}
          standing={data.items.length === 0 ? undefined : t('standing.waiting', { count: data.items.length })}
        />
      </div>
      {data.items.length === 0 ? (
        <EmptyState title={t('asks.none')}>{t('asks.noneBody')}</EmptyState>
      ) : (
        <WaitingList schoolId={schoolId} items={data.items} />
      )}
    </>
  );
}
