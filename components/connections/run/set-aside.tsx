'use client';

import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useFormatter, useTranslations } from 'next-intl';
import { useState } from 'react';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Select } from '#components/ui/input.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { saveFile } from '#components/ui/save-file.ts';

type Detail = Outputs['sync']['run'];

const firstPage: string | null = null;

/** Records that could not be read: how many for which reason, each with its place, and all of them as a file. */
export function SetAside({ schoolId, syncRunId, data }: { schoolId: string; syncRunId: string; data: Detail }) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.run');
  const sync = useTranslations('sync');
  const format = useFormatter();
  const { setAside } = data;
  const download = useMutation(trpc.sync.exportSetAside.mutationOptions({ onSuccess: saveFile }));
  const words = useWords();
  if (setAside.count === 0) {
    return (
      <Section title={t('setAside')}>
        <p className="text-ink-2">{t('setAsideNone')}</p>
      </Section>
    );
  }
  return (
    <Section
      title={t('setAside')}
      action={
        <Button size="small" pending={download.isPending} onClick={() => download.mutate({ schoolId, syncRunId })}>
          <Download aria-hidden />
          {sync('aside.download')}
        </Button>
      }
    >
      <ErrorNotice error={download.error} />
      <p className="max-w-prose text-ink-2 text-sm">{t('setAsideLead')}</p>
      <ul className="grid gap-1">
        {setAside.reasons.map(({ collection, field, reason, count }) => (
          <li key={`${collection}-${field}-${reason}`}>
            <strong className="tabular-nums">{format.number(count)}</strong> {words.collection(collection)} ·{' '}
            {words.reason(reason)}
            {field !== null && <code className="ml-2 font-mono text-ink-2 text-sm">{field}</code>}
          </li>
        ))}
      </ul>
      <details>
        <summary className="min-h-6 cursor-pointer text-accent">{t('setAsideMore', { count: setAside.count })}</summary>
        <Records schoolId={schoolId} syncRunId={syncRunId} data={data} />
      </details>
    </Section>
  );
}

function Records({ schoolId, syncRunId, data }: { schoolId: string; syncRunId: string; data: Detail }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const t = useTranslations('sync.aside');
  const words = useWords();
  const [collection, setCollection] = useState<string>();
  const [reason, setReason] = useState<string>();
  const { reasons } = data.setAside;
  const which = { schoolId, syncRunId, collection, reason };
  const query = useInfiniteQuery({
    queryKey: [...trpc.sync.setAside.queryKey(which), 'pages'],
    queryFn: ({ pageParam }) => client.sync.setAside.query({ ...which, after: pageParam ?? undefined }),
    initialPageParam: firstPage,
    getNextPageParam: (page) => page.next,
  });
  const rows = query.data?.pages.flatMap((page) => page.rows) ?? [];
  const collections = [...new Set(reasons.map((row) => row.collection))];
  const ofCollection = reasons.filter((row) => collection === undefined || row.collection === collection);
  return (
    <div className="mt-2 grid gap-2">
      <div className="flex flex-wrap gap-2">
        {collections.length > 1 && (
          <Select
            aria-label={t('filterCollection')}
            className="w-auto"
            value={collection ?? ''}
            onChange={(event) => {
              setCollection(event.target.value === '' ? undefined : event.target.value);
              setReason(undefined);
            }}
          >
            <option value="">{t('all')}</option>
            {collections.map((one) => (
              <option key={one} value={one}>
                {words.collection(one)}
              </option>
            ))}
          </Select>
        )}
        {new Set(ofCollection.map((row) => row.reason)).size > 1 && (
          <Select
            aria-label={t('filterReason')}
            className="w-auto max-w-72"
            value={reason ?? ''}
            onChange={(event) => setReason(event.target.value === '' ? undefined : event.target.value)}
          >
            <option value="">{t('any')}</option>
            {[...new Set(ofCollection.map((row) => row.reason))].map((one) => (
              <option key={one} value={one}>
                {words.reason(one)}
              </option>
            ))}
          </Select>
        )}
      </div>
      <ErrorNotice error={query.error} />
      {query.isPending && <Skeleton lines={3} />}
      <ul className="grid gap-1.5 text-sm">
        {rows.map((row) => (
          <li key={row.id} className="[overflow-wrap:anywhere]">
            {words.collection(row.collection)}
            {row.file !== null && ` · ${t('line', { file: row.file, line: row.line ?? 0 })}`}
            {row.sourceId !== null && (
              <>
                {' · '}
                {t('id', { system: data.systemName })} <code className="font-mono">{row.sourceId}</code>
              </>
            )}
            <span className="block text-ink-2">
              {words.reason(row.reason)} {row.field !== null && <code className="font-mono">{row.field}</code>}
            </span>
          </li>
        ))}
      </ul>
      {!data.seesPeople && <p className="text-ink-2 text-sm">{t('hidden')}</p>}
      {query.hasNextPage && (
        <Button
          size="small"
          className="justify-self-start"
          pending={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          {t('more')}
        </Button>
      )}
    </div>
  );
}

/** A reason or collection that has no words yet stands by its key. */
function useWords() {
  const sync = useTranslations('sync');
  return {
    reason: (reason: string) => (sync.has(`reason.${reason}`) ? sync(`reason.${reason}`) : reason),
    collection: (collection: string) =>
      sync.has(`collection.${collection}`) ? sync(`collection.${collection}`) : collection,
  };
}
