'use client';

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Input } from '#components/ui/input.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { kindOf, type PeopleCollection } from './browse-address.ts';
import { type BrowseColumn, BrowseTable } from './browse-table.tsx';
import { LinkedName } from './record-name.tsx';
import type { useBrowse } from './use-browse.ts';

type Row = Outputs['data']['people']['rows'][number];

/** "Dijk, Emma van", as a list of names is read; the id where no name is kept. */
const listedName = (row: Row) => {
  const given = [row.givenName, row.middleName].filter((part) => part !== null && part !== '').join(' ');
  const parts = [row.familyName ?? '', given].filter((part) => part !== '');
  return parts.length === 0 ? row.sourceId : parts.join(', ');
};

/** People of one kind. What is searched for is a name: it stays on the page and stands in no address. */
export function PeopleList({
  browse,
  collection,
  overview,
  filters: narrowing,
}: {
  browse: ReturnType<typeof useBrowse>;
  collection: PeopleCollection;
  overview: Outputs['data']['overview'];
  /** What narrows the list besides the search, shown beside it. */
  filters: ReactNode;
}) {
  const trpc = useTRPC();
  const t = useTranslations('schoolData');
  const [search, setSearch] = useState('');
  const [after, setAfter] = useState<string>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const { kind: _, ...filters } = browse.people;
  const narrowed = `${filters.systemId} ${filters.site} ${filters.status}`;
  const [narrowedBefore, setNarrowedBefore] = useState(narrowed);
  if (narrowed !== narrowedBefore) {
    // Another filter begins at its first page.
    setNarrowedBefore(narrowed);
    setAfter(undefined);
  }
  const answer = useQuery(
    trpc.data.people.queryOptions(
      { ...filters, kind: kindOf[collection], search, after },
      { placeholderData: keepPreviousData },
    ),
  );
  const manySites = overview.sites.length > 1;
  const columns: BrowseColumn<Row>[] = [
    {
      id: 'name',
      header: t('column.name'),
      cell: (row) => (
        <LinkedName
          record={row}
          name={listedName(row)}
          href={`/school/${browse.people.schoolId}/data/people/${row.id}`}
          below={[row.identifier, row.grades.join(', '), row.sites.join(', ')]
            .filter((part) => part !== null && part !== '')
            .join(' · ')}
        />
      ),
    },
    {
      id: 'number',
      header: t('people.number'),
      cell: (row) => <span className="tabular-nums">{row.identifier ?? '–'}</span>,
      wideOnly: true,
    },
    ...(collection === 'students'
      ? [{ id: 'grades', header: t('column.grades'), cell: (row: Row) => row.grades.join(', ') || '–', wideOnly: true }]
      : []),
    ...(manySites
      ? [{ id: 'site', header: t('column.site'), cell: (row: Row) => row.sites.join(', ') || '–', wideOnly: true }]
      : []),
  ];
  return (
    <div className="grid gap-3">
      <search className="flex flex-wrap items-end gap-2">
        <Input
          type="search"
          autoComplete="off"
          aria-label={t('filter.searchIn', { what: t(`collection.${collection}`) })}
          placeholder={t('people.placeholder')}
          maxLength={200}
          className="max-w-80"
          onChange={(event) => {
            const { value } = event.target;
            clearTimeout(timer.current);
            timer.current = setTimeout(() => {
              setSearch(value.trim());
              setAfter(undefined);
            }, 250);
          }}
        />
        {narrowing}
      </search>
      {answer.error !== null ? (
        <ErrorNotice error={answer.error} />
      ) : answer.data === undefined ? (
        <Skeleton lines={8} />
      ) : (
        <BrowseTable
          key={`${search} ${narrowed}`}
          caption={t(`collection.${collection}`)}
          rows={answer.data.rows}
          total={answer.data.total}
          more={answer.data.more}
          next={answer.data.next}
          after={after}
          columns={columns}
          busy={answer.isFetching}
          change={(changes) => setAfter(changes.after === '' ? undefined : changes.after)}
          {...(answer.data.anywhere && answer.data.total > 0 ? { note: t('people.anywhere') } : {})}
        />
      )}
    </div>
  );
}
