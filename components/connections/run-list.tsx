'use client';

import { useInfiniteQuery, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { RunTable } from './run-table.tsx';
import { isUnderWay, SyncProgress } from './sync-progress.tsx';

const firstPage: string | null = null;

/** Every sync of the system that a connection reads, newest first, and how old the data are. */
export function RunList({ schoolId, connectionId }: { schoolId: string; connectionId: string }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const t = useTranslations('connectionPage.runs');
  const run = useTranslations('connectionPage.run');
  const { data: page } = useSuspenseQuery(trpc.connections.page.queryOptions({ schoolId, connectionId }));
  const system = page.edge.producer;
  const base = `/school/${schoolId}/connections/${connectionId}`;
  const which = { schoolId, systemId: system.id };
  const query = useInfiniteQuery({
    queryKey: [...trpc.sync.runs.queryKey(which), 'pages'],
    queryFn: ({ pageParam }) => client.sync.runs.query({ ...which, before: pageParam ?? undefined }),
    initialPageParam: firstPage,
    getNextPageParam: (last) => last.next,
    refetchInterval: ({ state }) => (isUnderWay(state.data?.pages[0]?.runs[0]) ? 3_000 : false),
  });
  const runs = query.data?.pages.flatMap((one) => one.runs) ?? [];
  const received = page.edge.lastReceivedAt;
  const [newest] = runs;
  return (
    <>
      <PageHeader
        above={
          <Link href={base} className="text-ink-2">
            {run('above')}
          </Link>
        }
        title={t('ofSystem', { system: system.name })}
        standing={received === null ? t('ageNever') : t.rich('ageNow', { when: () => <RelativeTime at={received} /> })}
      />
      <div className="grid gap-4">
        {newest !== undefined && isUnderWay(newest) && <SyncProgress run={newest} />}
        <ErrorNotice error={query.error} />
        {query.isPending ? (
          <Skeleton lines={8} />
        ) : runs.length === 0 ? (
          <EmptyState title={t('none')} />
        ) : (
          <RunTable base={base} runs={runs} systemName={system.name} pageSize={runs.length} />
        )}
        {query.hasNextPage && (
          <Button
            className="justify-self-start"
            pending={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            {t('more')}
          </Button>
        )}
      </div>
    </>
  );
}
