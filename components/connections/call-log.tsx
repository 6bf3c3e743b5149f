'use client';

import { useInfiniteQuery } from '@tanstack/react-query';
import { ShieldCheck } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { asksForPeople } from './asks-for-people.ts';
import { CallTable } from './call-table.tsx';

const firstPage: string | null = null;

/**
 * What we asked a system, newest first: the school's own proof that no person was asked for. The log holds paths and counts,
 * no body and no token.
 */
export function CallLog({
  schoolId,
  systemId,
  systemName,
  syncRunId,
  marketplaceOnly,
}: {
  schoolId: string;
  systemId: string;
  systemName: string;
  syncRunId?: string;
  /** Whether this stands beside the marketplace's own edges alone: for them nobody may be asked for. */
  marketplaceOnly: boolean;
}) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const t = useTranslations('connectionPage.calls');
  const purposes = useTranslations('sync.purpose');
  const errors = useTranslations('errors');
  const which = { schoolId, systemId, syncRunId };
  const query = useInfiniteQuery({
    queryKey: [...trpc.sync.calls.queryKey(which), 'pages'],
    queryFn: ({ pageParam }) => client.sync.calls.query({ ...which, before: pageParam ?? undefined }),
    initialPageParam: firstPage,
    getNextPageParam: (page) => page.next,
  });
  const calls = query.data?.pages.flatMap((page) => page.calls) ?? [];
  const people = calls.filter(({ path }) => asksForPeople(path)).length;
  return (
    <Section title={t('title', { system: systemName })}>
      <p className="max-w-prose text-ink-2 text-sm">{t('lead')}</p>
      {query.isPending && <Skeleton lines={4} />}
      <ErrorNotice error={query.error} />
      {query.data !== undefined && calls.length === 0 && <p>{t('none', { system: systemName })}</p>}
      {calls.length > 0 && (
        <>
          {marketplaceOnly && people === 0 && (
            <p className="flex items-start gap-2">
              <ShieldCheck className="mt-0.5 size-5 shrink-0 text-live" aria-hidden />
              {t('noPeople', { count: calls.length })}
            </p>
          )}
          {marketplaceOnly && people > 0 && <p>{t('peopleForOthers', { count: people, system: systemName })}</p>}
          <CallTable
            caption={t('caption')}
            asked={t('asked')}
            older={t('older')}
            more={query}
            calls={calls.map(({ rows, purpose, errorCode, ...call }) => ({
              ...call,
              records: rows,
              purpose: purposes(purpose),
              failed: errorCode !== null && (errors.has(errorCode) ? errors(errorCode) : true),
            }))}
          />
        </>
      )}
    </Section>
  );
}
