'use client';

import { useInfiniteQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { usePathname, useSearchParams } from 'next/navigation';
import { useFormatter, useTranslations } from 'next-intl';
import { FieldChanges } from '#components/received/field-words.tsx';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Select } from '#components/ui/input.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { StateBadge, type StateLook } from '#components/ui/state-badge.tsx';

type Detail = Outputs['sync']['run'];
type Counts = Detail['run']['counts'][number];
type Change = Outputs['sync']['changes']['changes'][number];

const kinds = ['gone', 'reused', 'changed', 'returned', 'added'] as const;
type Kind = (typeof kinds)[number];
const looks: Readonly<Record<Change['kind'], StateLook>> = {
  added: 'live',
  first: 'live',
  returned: 'live',
  changed: 'wait',
  reused: 'fail',
  gone: 'fail',
};
const firstPage: string | null = null;

const aboutPeople: readonly string[] = ['teachers', 'students', 'guardians', 'enrolments', 'demographics'];
const touched = (counts: Counts) =>
  (counts.added ?? 0) + (counts.changed ?? 0) + (counts.returned ?? 0) + (counts.gone ?? 0);

/** The diff of a run, a collection at a time, row by row with before and after. */
export function RunDiff({ schoolId, syncRunId, data }: { schoolId: string; syncRunId: string; data: Detail }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const t = useTranslations('sync');
  const format = useFormatter();
  const { run, held, seesPeople } = data;
  const isHeld = held !== null;
  const readable = run.counts.filter(
    (counts) =>
      touched(counts) + (held?.collections[counts.collection]?.reused ?? 0) > 0 &&
      (seesPeople || !aboutPeople.includes(counts.collection)),
  );
  const hidden =
    !seesPeople && run.counts.some((counts) => aboutPeople.includes(counts.collection) && touched(counts) > 0);
  // The address keeps what is looked at, so that it can be sent to a colleague.
  const parameters = useSearchParams();
  const pathname = usePathname();
  const chosen = readable.find((row) => row.collection === parameters.get('changes'))?.collection;
  const kind = kinds.find((one) => one === parameters.get('of'));
  const choose = (changes: string, of: string) => {
    const next = new URLSearchParams(window.location.search);
    next.set('changes', changes);
    if (of === '') next.delete('of');
    else next.set('of', of);
    window.history.replaceState(null, '', `${pathname}?${next.toString()}`);
  };
  const collection =
    chosen ??
    held?.reasons.find((reason) => readable.some((row) => row.collection === reason.collection))?.collection ??
    readable[0]?.collection;
  const shows = (run.state === 'succeeded' || isHeld) && collection !== undefined;
  const which = { schoolId, syncRunId, collection: collection ?? 'sites', kind };
  const query = useInfiniteQuery({
    queryKey: [...trpc.sync.changes.queryKey(which), 'pages'],
    queryFn: ({ pageParam }) => client.sync.changes.query({ ...which, after: pageParam ?? undefined }),
    initialPageParam: firstPage,
    getNextPageParam: (page) => page.next,
    enabled: shows,
  });
  if (run.state !== 'succeeded' && !isHeld) return null;
  const counts = readable.find((row) => row.collection === collection);
  const countOf = (what: Kind) =>
    what === 'reused' ? (held?.collections[collection ?? 'sites']?.reused ?? 0) : (counts?.[what] ?? 0);
  const changes = query.data?.pages.flatMap((page) => page.changes) ?? [];
  return (
    <Section
      title={isHeld ? t('diff.titleHeld') : t('diff.title')}
      action={
        collection === undefined ? undefined : (
          <span className="flex flex-wrap gap-2">
            <Select
              aria-label={t('diff.collection')}
              className="w-auto"
              value={collection}
              onChange={(event) => choose(event.target.value, '')}
            >
              {readable.map((row) => (
                <option key={row.collection} value={row.collection}>
                  {t(`collection.${row.collection}`)} (
                  {format.number(touched(row) + (held?.collections[row.collection]?.reused ?? 0))})
                </option>
              ))}
            </Select>
            <Select
              aria-label={t('diff.kind')}
              className="w-auto"
              value={kind ?? ''}
              onChange={(event) => choose(collection, event.target.value)}
            >
              <option value="">{t('diff.allKinds')}</option>
              {kinds
                .filter((one) => countOf(one) > 0 && (isHeld || one !== 'returned'))
                .map((one) => (
                  <option key={one} value={one}>
                    {t(`change.${one}`)} ({format.number(countOf(one))})
                  </option>
                ))}
            </Select>
          </span>
        )
      }
    >
      {collection === undefined && <p className="text-ink-2">{hidden ? t('diff.notForYou') : t('diff.unchanged')}</p>}
      {collection !== undefined && (
        <>
          <p className="max-w-prose text-ink-2 text-sm">
            {isHeld ? t('diff.leadHeld') : t('diff.lead')} {hidden && t('diff.notForYou')}
          </p>
          <ErrorNotice error={query.error} />
          {query.isPending && <Skeleton lines={4} />}
          {query.data !== undefined && changes.length === 0 && <p className="text-ink-2">{t('diff.none')}</p>}
          {changes.length > 0 && (
            <ul className="grid">
              {changes.map((change) => (
                <li
                  key={change.id}
                  className="grid gap-x-4 gap-y-1 border-line border-t py-2 first:border-0 sm:grid-cols-[8.5rem_minmax(0,1fr)_minmax(0,2fr)]"
                >
                  <span>
                    <StateBadge look={looks[change.kind]}>{t(`change.${change.kind}`)}</StateBadge>
                  </span>
                  <span className="font-semibold [overflow-wrap:anywhere]">
                    <RecordLink schoolId={schoolId} collection={collection} change={change} />
                  </span>
                  {change.fields.length > 0 && <FieldChanges fields={change.fields} />}
                </li>
              ))}
            </ul>
          )}
          {query.hasNextPage && (
            <Button
              size="small"
              className="justify-self-start"
              pending={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              {t('diff.next')}
            </Button>
          )}
        </>
      )}
    </Section>
  );
}

function RecordLink({
  schoolId,
  collection,
  change,
}: {
  schoolId: string;
  collection: Counts['collection'];
  change: Change;
}) {
  const t = useTranslations('sync');
  if (change.kind === 'first') return t('diff.first', { count: change.records ?? 0 });
  if (change.name === null) return <span className="font-normal text-ink-2">{t('diff.notKept')}</span>;
  const place =
    change.recordId === null
      ? null
      : collection === 'groups' || collection === 'classes'
        ? 'groups'
        : collection === 'teachers' || collection === 'students' || collection === 'guardians'
          ? 'people'
          : null;
  return place === null ? (
    change.name
  ) : (
    <Link href={`/school/${schoolId}/data/${place}/${change.recordId}`}>{change.name}</Link>
  );
}
