'use client';

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Download, ShieldAlert, ShieldCheck } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { Fragment, useState } from 'react';
import { toast } from 'sonner';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Input } from '#components/ui/input.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { saveFile } from '#components/ui/save-file.ts';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { useAuditWords } from './audit-words.ts';

type Entry = Outputs['operations']['schoolAuditTrail']['entries'][number];

const firstPage: number | null = null;

/** What was decided and done at the school, with the proof that nobody has touched it since. */
export function ActivityView({ schoolId, roles }: { schoolId: string; roles: readonly SchoolRole[] }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const t = useTranslations('schoolActivity');
  const common = useTranslations('common');
  const words = useAuditWords();
  const [search, setSearch] = useState('');
  const trail = useInfiniteQuery({
    queryKey: [...trpc.operations.schoolAuditTrail.queryKey({ schoolId }), 'pages'],
    queryFn: ({ pageParam }) => client.operations.schoolAuditTrail.query({ schoolId, cursor: pageParam ?? undefined }),
    initialPageParam: firstPage,
    getNextPageParam: (page) => page.next,
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
  const wanted = search.trim().toLowerCase();
  const shown = entries.filter(
    (entry) =>
      wanted === '' ||
      `${words.actor(entry.actorKind, entry.actorName)} ${words.action(entry.action)} ${entry.action}`
        .toLowerCase()
        .includes(wanted),
  );
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
        {trail.data !== undefined && entries.length === 0 && <EmptyState title={t('none')}>{t('noneBody')}</EmptyState>}
        {entries.length > 0 && (
          <>
            {entries.length > 8 && (
              <Input
                type="search"
                className="max-w-80"
                aria-label={t('search')}
                placeholder={t('search')}
                value={search}
                onChange={(event) => setSearch(event.target.value)}
              />
            )}
            <Card className="p-0">
              <ol>
                {shown.map((entry) => (
                  <li key={entry.id} className="border-line border-t px-5 py-2.5 first:border-0">
                    <Line entry={entry} />
                  </li>
                ))}
                {shown.length === 0 && <li className="px-5 py-8 text-center text-ink-2">{common('nothingFound')}</li>}
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
  );
}

function Line({ entry }: { entry: Entry }) {
  const t = useTranslations('schoolActivity');
  const words = useAuditWords();
  return (
    <details className="group">
      <summary className="grid min-h-6 cursor-pointer grid-cols-[minmax(0,1fr)_auto] gap-x-4 [&::-webkit-details-marker]:hidden">
        <span>
          <span className="font-semibold">{words.actor(entry.actorKind, entry.actorName)}</span>{' '}
          {words.action(entry.action)}
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
          {words.subject(entry.subjectKind)} <code className="font-mono">{entry.subjectId ?? ''}</code>
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
