'use client';

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { type BrowseColumn, BrowseTable } from './browse-table.tsx';
import { LinkedName, RecordName } from './record-name.tsx';
import type { useBrowse } from './use-browse.ts';

type Browse = ReturnType<typeof useBrowse>;

export interface ListProps {
  readonly browse: Browse;
  /** The name of a system by its id. */
  readonly systemName: (systemId: string) => string;
}

const joined = (...parts: readonly (string | null | undefined)[]) =>
  parts.filter((part) => part !== null && part !== undefined && part !== '').join(' · ');
const orDash = (text: string | null) => (text === null || text === '' ? '–' : text);

function useLastSeen<Row extends { readonly lastSeenAt: Date }>(): BrowseColumn<Row> {
  const t = useTranslations('schoolData.column');
  return {
    id: 'lastSeen',
    header: t('lastSeen'),
    cell: (row) => (
      <span className="whitespace-nowrap">
        <RelativeTime at={row.lastSeenAt} />
      </span>
    ),
    wideOnly: true,
  };
}

function useGroupsColumn<Row extends { readonly groups: number; readonly sourceId: string }>(
  browse: Browse,
  filter: 'subject' | 'stream',
  nameOf: (row: Row) => string,
): BrowseColumn<Row> {
  const t = useTranslations('schoolData');
  return {
    id: 'groups',
    header: t('column.groups'),
    cell: (row) =>
      row.groups === 0 ? (
        0
      ) : (
        <button
          type="button"
          className="min-h-6 min-w-6 cursor-pointer underline underline-offset-3"
          aria-label={t('showGroups', { what: nameOf(row) })}
          onClick={() =>
            browse.change({ show: 'groups', [filter]: row.sourceId, search: '', sort: '', order: '', status: '' })
          }
        >
          {row.groups}
        </button>
      ),
    numeric: true,
  };
}

/** What a list shows while it is asked for, where that failed, and once it is there. */
function Answered<Row extends { readonly id: string }>({
  answer,
  caption,
  columns,
  browse,
  sort,
}: {
  answer: {
    readonly data: { rows: readonly Row[]; total: number; more: boolean; next: string | null } | undefined;
    readonly error: unknown;
    readonly isFetching: boolean;
  };
  caption: string;
  columns: readonly BrowseColumn<Row>[];
  browse: Browse;
  sort: string;
}) {
  if (answer.error !== null) return <ErrorNotice error={answer.error} />;
  if (answer.data === undefined) return <Skeleton lines={8} />;
  return (
    <BrowseTable
      caption={caption}
      {...answer.data}
      columns={columns}
      sort={sort}
      descending={browse.common.descending}
      after={browse.common.after}
      busy={answer.isFetching}
      change={browse.change}
    />
  );
}

export function SubjectList({ browse, systemName }: ListProps) {
  type Row = Outputs['data']['subjects']['rows'][number];
  const trpc = useTRPC();
  const t = useTranslations('schoolData');
  const answer = useQuery(trpc.data.subjects.queryOptions(browse.subjects, { placeholderData: keepPreviousData }));
  const columns: BrowseColumn<Row>[] = [
    {
      id: 'title',
      header: t('column.title'),
      cell: (row) => (
        <RecordName
          record={row}
          name={row.title}
          systemName={systemName(row.systemId)}
          below={joined(row.code, row.grades.join(', '))}
          facts={[
            [t('column.code'), row.code],
            [t('column.grades'), row.grades.length === 0 ? null : row.grades.join(', ')],
            [
              t('details.subjects'),
              row.subjects.length + row.subjectCodes.length === 0
                ? null
                : [...row.subjects, ...row.subjectCodes].join(', '),
            ],
            [t('column.site'), row.siteName],
          ]}
        />
      ),
      sorts: true,
    },
    { id: 'code', header: t('column.code'), cell: (row) => orDash(row.code), sorts: true, wideOnly: true },
    { id: 'grades', header: t('column.grades'), cell: (row) => orDash(row.grades.join(', ')), wideOnly: true },
    { id: 'site', header: t('column.site'), cell: (row) => orDash(row.siteName), wideOnly: true },
    useGroupsColumn<Row>(browse, 'subject', ({ title }) => title),
    useLastSeen<Row>(),
  ];
  return (
    <Answered
      answer={answer}
      caption={t('collection.subjects')}
      columns={columns}
      browse={browse}
      sort={browse.subjects.sort}
    />
  );
}

export function StreamList({ browse, systemName }: ListProps) {
  type Row = Outputs['data']['streams']['rows'][number];
  const trpc = useTRPC();
  const t = useTranslations('schoolData');
  const answer = useQuery(trpc.data.streams.queryOptions(browse.streams, { placeholderData: keepPreviousData }));
  const columns: BrowseColumn<Row>[] = [
    {
      id: 'name',
      header: t('column.name'),
      cell: (row) => (
        <RecordName
          record={row}
          name={row.name}
          systemName={systemName(row.systemId)}
          below={joined(row.programme, row.level, row.year)}
          facts={[
            [t('column.code'), row.code],
            [t('column.programme'), row.programme],
            [t('column.level'), row.level],
            [t('column.year'), row.year],
            [t('details.derivedFrom'), t(`details.derived.${row.derivedFrom}`)],
          ]}
        />
      ),
      sorts: true,
    },
    {
      id: 'programme',
      header: t('column.programme'),
      cell: (row) => orDash(row.programme),
      sorts: true,
      wideOnly: true,
    },
    { id: 'level', header: t('column.level'), cell: (row) => orDash(row.level), sorts: true, wideOnly: true },
    { id: 'year', header: t('column.year'), cell: (row) => orDash(row.year), sorts: true, wideOnly: true },
    useGroupsColumn<Row>(browse, 'stream', ({ name }) => name),
    useLastSeen<Row>(),
  ];
  return (
    <Answered
      answer={answer}
      caption={t('collection.streams')}
      columns={columns}
      browse={browse}
      sort={browse.streams.sort}
    />
  );
}

export function GroupList({ browse }: ListProps) {
  type Row = Outputs['data']['groups']['rows'][number];
  const trpc = useTRPC();
  const t = useTranslations('schoolData');
  const answer = useQuery(trpc.data.groups.queryOptions(browse.groups, { placeholderData: keepPreviousData }));
  const columns: BrowseColumn<Row>[] = [
    {
      id: 'title',
      header: t('column.title'),
      cell: (row) => (
        <LinkedName
          record={row}
          name={row.title}
          href={`/school/${browse.common.schoolId}/data/groups/${row.id}`}
          below={joined(row.subjectName, row.streamName, row.siteName)}
        />
      ),
      sorts: true,
    },
    { id: 'subject', header: t('column.subject'), cell: (row) => orDash(row.subjectName), sorts: true, wideOnly: true },
    { id: 'stream', header: t('column.stream'), cell: (row) => orDash(row.streamName), sorts: true, wideOnly: true },
    { id: 'site', header: t('column.site'), cell: (row) => orDash(row.siteName), sorts: true, wideOnly: true },
    { id: 'terms', header: t('column.terms'), cell: (row) => orDash(row.terms.join(', ')), wideOnly: true },
    useLastSeen<Row>(),
  ];
  return (
    <Answered
      answer={answer}
      caption={t('collection.groups')}
      columns={columns}
      browse={browse}
      sort={browse.groups.sort}
    />
  );
}

export function CourseList({ browse, systemName }: ListProps) {
  type Row = Outputs['data']['courses']['rows'][number];
  const trpc = useTRPC();
  const t = useTranslations('schoolData');
  const answer = useQuery(trpc.data.courses.queryOptions(browse.courses, { placeholderData: keepPreviousData }));
  const columns: BrowseColumn<Row>[] = [
    {
      id: 'name',
      header: t('column.name'),
      cell: (row) => (
        <RecordName
          record={row}
          name={row.name}
          systemName={systemName(row.systemId)}
          below={joined(row.code, row.sisId, row.termName)}
          facts={[
            [t('column.code'), row.code],
            [t('column.sisId'), row.sisId],
            [t('column.term'), row.termName],
            [t('column.account'), row.accountName],
            [t('column.state'), row.state],
          ]}
        />
      ),
      sorts: true,
    },
    { id: 'code', header: t('column.code'), cell: (row) => orDash(row.code), sorts: true, wideOnly: true },
    {
      id: 'sisId',
      header: t('column.sisId'),
      cell: (row) => (row.sisId === null ? '–' : <code className="font-mono text-sm">{row.sisId}</code>),
      sorts: true,
      wideOnly: true,
    },
    { id: 'term', header: t('column.term'), cell: (row) => orDash(row.termName), sorts: true, wideOnly: true },
    {
      id: 'system',
      header: t('filter.system'),
      cell: (row) => systemName(row.systemId),
      wideOnly: true,
    },
    useLastSeen<Row>(),
  ];
  return (
    <Answered
      answer={answer}
      caption={t('collection.courses')}
      columns={columns}
      browse={browse}
      sort={browse.courses.sort}
    />
  );
}
