'use client';

import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { CallTable } from '#components/connections/call-table.tsx';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Skeleton } from '#components/ui/progress.tsx';

const firstPage: string | null = null;

/** What an LMS asked us, newest first: paths, counts and what we answered; no record and nobody's name. */
export function RequestLog({ schoolId, connectionId, lms }: { schoolId: string; connectionId: string; lms: string }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const t = useTranslations('connectionPage.supplied');
  const which = { schoolId, connectionId };
  const query = useInfiniteQuery({
    queryKey: [...trpc.connections.providerRequests.queryKey(which), 'pages'],
    queryFn: ({ pageParam }) => client.connections.providerRequests.query({ ...which, after: pageParam ?? undefined }),
    initialPageParam: firstPage,
    getNextPageParam: (page) => page.next,
  });
  const rows = query.data?.pages.flatMap((page) => page.rows) ?? [];
  return (
    <Section title={t('title', { lms })}>
      <p className="max-w-prose text-ink-2 text-sm">{t('lead', { lms })}</p>
      {query.isPending && <Skeleton lines={4} />}
      <ErrorNotice error={query.error} />
      {query.data !== undefined && rows.length === 0 && <p>{t('none', { lms })}</p>}
      {rows.length > 0 && (
        <CallTable
          caption={t('caption')}
          asked={t('asked')}
          older={t('older')}
          more={query}
          calls={rows.map(({ ms, ...call }) => ({ ...call, milliseconds: ms, failed: call.status >= 400 }))}
        />
      )}
    </Section>
  );
}
