'use client';

import { useInfiniteQuery } from '@tanstack/react-query';
import { ShieldCheck } from 'lucide-react';
import { useFormatter, useTranslations } from 'next-intl';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { classNames } from '#components/ui/class-names.ts';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { asksForPeople } from './asks-for-people.ts';

const firstPage: string | null = null;
const scrolls = 'max-h-[420px] overflow-auto rounded-control border border-line';

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
  const format = useFormatter();
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
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1) */}
          <section className={scrolls} aria-label={t('caption')} tabIndex={0}>
            <table className="w-full border-collapse text-sm">
              <caption className="sr-only">{t('caption')}</caption>
              <thead className="sticky top-0 bg-card">
                <tr className="text-left text-ink-2">
                  <th scope="col" className="border-line border-b px-3 py-2 font-semibold max-md:hidden">
                    {t('when')}
                  </th>
                  <th scope="col" className="border-line border-b px-3 py-2 font-semibold max-md:hidden">
                    {t('purpose')}
                  </th>
                  <th scope="col" className="border-line border-b px-3 py-2 font-semibold">
                    {t('asked')}
                  </th>
                  <th scope="col" className="border-line border-b px-3 py-2 text-right font-semibold">
                    {t('answer')}
                  </th>
                  <th scope="col" className="border-line border-b px-3 py-2 text-right font-semibold">
                    {t('rows')}
                  </th>
                  <th scope="col" className="border-line border-b px-3 py-2 text-right font-semibold max-md:hidden">
                    {t('took')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {calls.map((call) => (
                  <tr key={call.id} className="align-top [&:last-child>td]:border-0">
                    <td className="whitespace-nowrap border-line border-b px-3 py-1.5 max-md:hidden">
                      <RelativeTime at={call.at} />
                    </td>
                    <td className="border-line border-b px-3 py-1.5 max-md:hidden">{purposes(call.purpose)}</td>
                    <td className="border-line border-b px-3 py-1.5">
                      <code className="break-all font-mono text-xs">
                        {call.method} {call.path}
                      </code>
                      <span className="block text-ink-2 text-xs md:hidden">
                        <RelativeTime at={call.at} /> · {purposes(call.purpose)}
                      </span>
                    </td>
                    <td
                      className={classNames(
                        'border-line border-b px-3 py-1.5 text-right',
                        call.errorCode !== null && 'font-semibold text-fail',
                      )}
                      title={call.errorCode !== null && errors.has(call.errorCode) ? errors(call.errorCode) : undefined}
                    >
                      {call.status ?? t('noAnswer')}
                    </td>
                    <td className="border-line border-b px-3 py-1.5 text-right">
                      {call.rows === null ? '–' : format.number(call.rows)}
                    </td>
                    <td className="whitespace-nowrap border-line border-b px-3 py-1.5 text-right max-md:hidden">
                      {t('milliseconds', { count: call.milliseconds })}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          {query.hasNextPage && (
            <Button
              className="justify-self-start"
              pending={query.isFetchingNextPage}
              onClick={() => query.fetchNextPage()}
            >
              {t('older')}
            </Button>
          )}
        </>
      )}
    </Section>
  );
}
