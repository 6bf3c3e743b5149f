'use client';

import { useInfiniteQuery, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Select } from '#components/ui/input.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Skeleton } from '#components/ui/progress.tsx';

const firstPage: string | null = null;

/** The ledger of one LMS: what is ours there, with its id and how it came to be ours. */
export function LedgerView({
  schoolId,
  connectionId,
  of,
}: {
  schoolId: string;
  connectionId: string;
  of: string | null;
}) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const t = useTranslations('push');
  const router = useRouter();
  const { data: page } = useSuspenseQuery(trpc.push.page.queryOptions({ schoolId, connectionId }));
  const base = `/school/${schoolId}/connections/${connectionId}/push`;
  const entity = page.entities.find((one) => one === of) ?? page.entities[0] ?? 'course';
  const which = { schoolId, connectionId, entity };
  const query = useInfiniteQuery({
    queryKey: [...trpc.push.ledger.queryKey(which), 'pages'],
    queryFn: ({ pageParam }) => client.push.ledger.query({ ...which, after: pageParam ?? undefined }),
    initialPageParam: firstPage,
    getNextPageParam: (last) => last.next,
  });
  const rows = query.data?.pages.flatMap((one) => one.rows) ?? [];
  return (
    <>
      <PageHeader
        above={
          <Link href={base} className="text-ink-2">
            {t('run.above', { lms: page.lms.name })}
          </Link>
        }
        title={t('ledger.heading', { lms: page.lms.name })}
        standing={t('ledger.hint')}
      />
      <div className="grid gap-4">
        <Field label={t('ledger.what')}>
          <Select value={entity} onChange={(event) => router.replace(`${base}/ledger?of=${event.target.value}`)}>
            {page.entities.map((one) => (
              <option key={one} value={one}>
                {t(`entity.${one}`)}
              </option>
            ))}
          </Select>
        </Field>
        <ErrorNotice error={query.error} />
        {query.isPending ? (
          <Skeleton lines={6} />
        ) : rows.length === 0 && query.error === null ? (
          <EmptyState title={t('ledger.none', { lms: page.lms.name })} />
        ) : (
          <ul className="grid gap-2">
            {rows.map((row) => (
              <li key={row.key} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-line border-t pt-2">
                <span className="min-w-0 break-words font-semibold">{row.name ?? t('rows.unnamed')}</span>
                <span className="min-w-0 flex-1 break-words text-ink-2 text-sm">
                  {[
                    row.key,
                    ...(row.foreignId === null ? [] : [t('rows.there', { id: row.foreignId })]),
                    t(`ledger.${row.origin}`),
                    ...(row.suspended ? [t('ledger.suspended')] : []),
                    ...(row.goneAt === null ? [] : [t('ledger.gone')]),
                  ].join(' · ')}
                </span>
              </li>
            ))}
          </ul>
        )}
        {query.hasNextPage && (
          <Button
            className="justify-self-start"
            pending={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            {t('rows.more')}
          </Button>
        )}
      </div>
    </>
  );
}
