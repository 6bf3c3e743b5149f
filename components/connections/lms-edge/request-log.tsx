'use client';

import { useInfiniteQuery } from '@tanstack/react-query';
import { useFormatter, useTranslations } from 'next-intl';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { classNames } from '#components/ui/class-names.ts';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';

const firstPage: string | null = null;
const scrolls = 'max-h-[420px] overflow-auto rounded-control border border-line';

/** What an LMS asked us, newest first: paths, counts and what we answered; no record and nobody's name. */
export function RequestLog({ schoolId, connectionId, lms }: { schoolId: string; connectionId: string; lms: string }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const t = useTranslations('connectionPage.supplied');
  const calls = useTranslations('connectionPage.calls');
  const format = useFormatter();
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
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1) */}
          <section className={scrolls} aria-label={t('caption')} tabIndex={0}>
            <table className="w-full border-collapse text-sm">
              <caption className="sr-only">{t('caption')}</caption>
              <thead className="sticky top-0 bg-card">
                <tr className="text-left text-ink-2">
                  <th scope="col" className="border-line border-b px-3 py-2 font-semibold max-md:hidden">
                    {calls('when')}
                  </th>
                  <th scope="col" className="border-line border-b px-3 py-2 font-semibold">
                    {t('asked')}
                  </th>
                  <th scope="col" className="border-line border-b px-3 py-2 text-right font-semibold">
                    {calls('answer')}
                  </th>
                  <th scope="col" className="border-line border-b px-3 py-2 text-right font-semibold">
                    {calls('rows')}
                  </th>
                  <th scope="col" className="border-line border-b px-3 py-2 text-right font-semibold max-md:hidden">
                    {calls('took')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.id} className="align-top [&:last-child>td]:border-0">
                    <td className="whitespace-nowrap border-line border-b px-3 py-1.5 max-md:hidden">
                      <RelativeTime at={row.at} />
                    </td>
                    <td className="border-line border-b px-3 py-1.5">
                      <code className="break-all font-mono text-xs">
                        {row.method} {row.path}
                      </code>
                      <span className="block text-ink-2 text-xs md:hidden">
                        <RelativeTime at={row.at} />
                      </span>
                    </td>
                    <td
                      className={classNames(
                        'border-line border-b px-3 py-1.5 text-right',
                        row.status >= 400 && 'font-semibold text-fail',
                      )}
                    >
                      {row.status}
                    </td>
                    <td className="border-line border-b px-3 py-1.5 text-right">
                      {row.records === null ? '–' : format.number(row.records)}
                    </td>
                    <td className="whitespace-nowrap border-line border-b px-3 py-1.5 text-right max-md:hidden">
                      {calls('milliseconds', { count: row.ms })}
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
