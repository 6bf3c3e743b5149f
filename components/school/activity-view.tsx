'use client';

import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Download, ShieldAlert, ShieldCheck } from 'lucide-react';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { Fragment } from 'react';
import { toast } from 'sonner';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { CopyBlock } from '#components/ui/copy-block.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { saveFile } from '#components/ui/save-file.ts';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { ActivityFilters } from './activity-filters.tsx';
import { useAuditWords } from './audit-words.ts';
import { useActivityFilter } from './use-activity-filter.ts';

type Entry = Outputs['operations']['schoolAuditTrail']['entries'][number];

const firstPage: number | null = null;

/** What was decided and done at the school, with the proof that nobody has touched it since. */
export function ActivityView({ schoolId, roles }: { schoolId: string; roles: readonly SchoolRole[] }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const t = useTranslations('schoolActivity');
  const common = useTranslations('common');
  const looking = useActivityFilter();
  const { filter } = looking;
  const trail = useInfiniteQuery({
    queryKey: [...trpc.operations.schoolAuditTrail.queryKey({ schoolId, ...filter }), 'pages'],
    queryFn: ({ pageParam }) =>
      client.operations.schoolAuditTrail.query({ schoolId, ...filter, cursor: pageParam ?? undefined }),
    initialPageParam: firstPage,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
  const mayExport = roles.includes('school-administrator') || roles.includes('approver');
  const exported = useMutation(
    trpc.operations.exportSchoolAuditTrail.mutationOptions({
      onSuccess: async (file) => {
        saveFile(file);
        toast.success(t('exported'));
        await queryClient.invalidateQueries({ queryKey: trpc.operations.schoolAuditTrail.pathKey() });
      },
    }),
  );
  const entries = trail.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      <PageHeader
        title={t('title')}
        standing={t('standing')}
        action={
          mayExport && entries.length > 0 ? (
            <Button pending={exported.isPending} onClick={() => exported.mutate({ schoolId })}>
              {!exported.isPending && <Download aria-hidden />}
              {t('export')}
            </Button>
          ) : undefined
        }
      />
      <div className="grid gap-4">
        <ErrorNotice error={exported.error} />
        <Verdict schoolId={schoolId} />
        <ErrorNotice error={trail.error} />
        {trail.isPending && <Skeleton lines={8} />}
        {trail.data !== undefined && entries.length === 0 && !looking.filtered && (
          <EmptyState title={t('none')}>{t('noneBody')}</EmptyState>
        )}
        {(entries.length > 0 || looking.filtered) && <ActivityFilters {...looking} />}
        {trail.data !== undefined && (entries.length > 0 || looking.filtered) && (
          <>
            <Card className="p-0">
              <ol>
                {entries.map((entry) => (
                  <li key={entry.id} className="border-line border-t px-5 py-2.5 first:border-0">
                    <Line entry={entry} schoolId={schoolId} />
                  </li>
                ))}
                {entries.length === 0 && <li className="px-5 py-8 text-center text-ink-2">{common('nothingFound')}</li>}
              </ol>
            </Card>
            {trail.hasNextPage && (
              <Button
                className="justify-self-start"
                pending={trail.isFetchingNextPage}
                onClick={() => trail.fetchNextPage()}
              >
                {t('older')}
              </Button>
            )}
          </>
        )}
      </div>
    </>
  );
}

function Verdict({ schoolId }: { schoolId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolActivity');
  const verdict = useQuery({
    ...trpc.operations.verifySchoolAuditTrail.queryOptions({ schoolId }),
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
  const again = (
    <Button size="small" pending={verdict.isFetching} onClick={() => verdict.refetch()}>
      {t('verifyAgain')}
    </Button>
  );
  const { data } = verdict;
  const when = () => (data === undefined ? null : <RelativeTime key="when" at={data.at} />);
  return (
    <div className="grid gap-2">
      <div role="status" className="flex flex-wrap items-center gap-x-4 gap-y-2">
        {verdict.isPending && <p className="text-ink-2">{t('verifying')}</p>}
        {verdict.error !== null && <p>{t('verifyFailed')}</p>}
        {data?.ok === true && (
          <p className="flex items-start gap-2">
            <ShieldCheck className="mt-0.5 size-5 shrink-0 text-live" aria-hidden />
            <span>
              {data.signedHeads > 0
                ? t.rich('verifiedSigned', { when, count: data.entries, heads: data.signedHeads })
                : t.rich('verified', { when, count: data.entries })}
            </span>
          </p>
        )}
        {data?.ok === false && (
          <p className="flex items-start gap-2 font-semibold text-fail">
            <ShieldAlert className="mt-0.5 size-5 shrink-0" aria-hidden />
            {t('broken', { seq: data.firstBad.seq })}
          </p>
        )}
        {!verdict.isPending && again}
      </div>
      {data !== undefined && data.publicKeys.length > 0 && (
        <details>
          <summary className="min-h-6 cursor-pointer text-ink-2 text-sm">{t('key.title')}</summary>
          <div className="mt-2 grid gap-2">
            <p className="max-w-prose text-ink-2 text-sm">{t('key.body')}</p>
            {data.publicKeys.map(({ keyId, pem }) => (
              <CopyBlock key={keyId} text={pem.trim()} label={t('key.label', { id: keyId })} />
            ))}
          </div>
        </details>
      )}
    </div>
  );
}

/** Where the page is of what an entry is about. */
const pageOf: Readonly<Record<string, string>> = {
  connection: 'connections',
  request: 'requests',
  system: 'systems',
  agreement: 'agreements',
};

function Line({ entry, schoolId }: { entry: Entry; schoolId: string }) {
  const t = useTranslations('schoolActivity');
  const words = useAuditWords();
  const page = pageOf[entry.subjectKind];
  return (
    <details className="group">
      <summary className="grid min-h-6 cursor-pointer grid-cols-[minmax(0,1fr)_auto] gap-x-4 [&::-webkit-details-marker]:hidden">
        <span>
          <span className="font-semibold">{words.actor(entry.actorKind, entry.actorName, entry.action)}</span>{' '}
          {words.action(entry.action)}
          {entry.subjectName !== null && entry.subjectName !== entry.actorName && (
            <span className="text-ink-2"> · {entry.subjectName}</span>
          )}
        </span>
        <span className="text-ink-2 text-sm">
          <RelativeTime at={entry.at} />
        </span>
      </summary>
      <dl className="mt-2 grid grid-cols-[max-content_minmax(0,1fr)] gap-x-4 gap-y-1 text-sm">
        <dt className="text-ink-2">{t('seq')}</dt>
        <dd>{entry.seq}</dd>
        <dt className="text-ink-2">{t('about')}</dt>
        <dd className="break-all">
          {words.subject(entry.subjectKind)} {entry.subjectName !== null && `${entry.subjectName} `}
          <code className="font-mono">{entry.subjectId ?? ''}</code>{' '}
          {page !== undefined && entry.subjectId !== null && (
            <Link href={`/school/${schoolId}/${page}/${entry.subjectId}`}>{t('open')}</Link>
          )}
        </dd>
        {Object.entries(entry.details).map(([key, value]) => (
          <Fragment key={key}>
            <dt className="text-ink-2">{key}</dt>
            <dd className="break-all">{asText(value)}</dd>
          </Fragment>
        ))}
        <dt className="text-ink-2">{t('hash')}</dt>
        <dd className="break-all">
          <code className="font-mono text-xs">{entry.hash}</code>
        </dd>
      </dl>
    </details>
  );
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map(asText).join(', ');
  return value === null || value === undefined ? '–' : String(value);
}
