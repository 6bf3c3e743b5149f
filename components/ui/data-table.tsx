'use client';

import {
  columnFilteringFeature,
  createFilteredRowModel,
  createPaginatedRowModel,
  createSortedRowModel,
  filterFn_includesString,
  globalFilteringFeature,
  rowPaginationFeature,
  rowSortingFeature,
  sortFn_basic,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { ArrowDown, ArrowUp, ArrowUpDown } from 'lucide-react';
import { usePathname, useRouter, useSearchParams } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { type ReactNode, useMemo } from 'react';
import { Button } from './button.tsx';
import { classNames } from './class-names.ts';
import { Input } from './input.tsx';

export interface Column<Row> {
  readonly id: string;
  readonly header: string;
  readonly cell: (row: Row) => ReactNode;
  /** What it sorts by; without it the column does not sort. */
  readonly sortBy?: (row: Row) => string | number;
  /** What the search looks at. */
  readonly searchIn?: (row: Row) => string;
  readonly numeric?: boolean;
  /** Left out below 760 px. */
  readonly wideOnly?: boolean;
}

interface DataTableProps<Row> {
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly rowId: (row: Row) => string;
  readonly caption: string;
  /** Prefix of its parameters in the URL, where a page has two tables. */
  readonly name?: string;
  readonly empty?: ReactNode;
  readonly pageSize?: number;
  readonly defaultSort?: { id: string; desc: boolean };
}

const features = tableFeatures({
  columnFilteringFeature,
  globalFilteringFeature,
  rowSortingFeature,
  rowPaginationFeature,
  filteredRowModel: createFilteredRowModel(),
  sortedRowModel: createSortedRowModel(),
  paginatedRowModel: createPaginatedRowModel(),
  sortFns: { basic: sortFn_basic },
  filterFns: { includesString: filterFn_includesString },
});

/** A table that sorts, filters and pages, and keeps all three in the URL, so that a page can be sent to a colleague. */
export function DataTable<Row extends object>({
  rows,
  columns,
  rowId,
  caption,
  name = '',
  empty,
  pageSize = 25,
  defaultSort,
}: DataTableProps<Row>) {
  const t = useTranslations('common');
  const router = useRouter();
  const pathname = usePathname();
  const parameters = useSearchParams();
  const key = (what: string) => (name === '' ? what : `${name}-${what}`);

  const search = parameters.get(key('search')) ?? '';
  const sortText =
    parameters.get(key('sort')) ?? (defaultSort === undefined ? '' : `${defaultSort.desc ? '-' : ''}${defaultSort.id}`);
  const pageIndex = Math.max(0, Number(parameters.get(key('page')) ?? '1') - 1 || 0);

  const change = (changes: Record<string, string>) => {
    const next = new URLSearchParams(parameters);
    for (const [what, value] of Object.entries(changes)) {
      if (value === '') next.delete(key(what));
      else next.set(key(what), value);
    }
    router.replace(`${pathname}?${next.toString()}`, { scroll: false });
  };

  const definitions = useMemo(
    () =>
      columns.map((column) => ({
        id: column.id,
        accessorFn: (row: Row) => column.sortBy?.(row) ?? column.searchIn?.(row) ?? '',
        enableSorting: column.sortBy !== undefined,
        enableGlobalFilter: column.searchIn !== undefined || column.sortBy !== undefined,
        sortFn: 'basic' as const,
      })),
    [columns],
  );
  const data = useMemo(() => [...rows], [rows]);
  const searchable = columns.some((column) => column.searchIn !== undefined);
  const byId = new Map(columns.map((column) => [column.id, column]));

  const table = useTable({
    features,
    columns: definitions,
    data,
    getRowId: rowId,
    globalFilterFn: 'includesString',
    state: {
      globalFilter: search,
      sorting: sortText === '' ? [] : [{ id: sortText.replace(/^-/, ''), desc: sortText.startsWith('-') }],
      pagination: { pageIndex, pageSize },
    },
  });
  const filtered = table.getFilteredRowModel().rows.length;
  const pages = Math.max(1, Math.ceil(filtered / pageSize));

  if (rows.length === 0 && empty !== undefined) return empty;
  return (
    <div className="grid gap-3">
      {searchable && rows.length > 8 && (
        <Input
          type="search"
          aria-label={t('searchIn', { what: caption })}
          placeholder={t('search')}
          defaultValue={search}
          className="max-w-80"
          onChange={(event) => change({ search: event.target.value, page: '' })}
        />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1) */}
      <section className="overflow-x-auto rounded-card border border-line bg-card" aria-label={caption} tabIndex={0}>
        <table className="w-full border-collapse">
          <caption className="sr-only">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => {
                const sorted =
                  sortText.replace(/^-/, '') === column.id
                    ? sortText.startsWith('-')
                      ? 'descending'
                      : 'ascending'
                    : undefined;
                const Icon = sorted === 'descending' ? ArrowDown : sorted === 'ascending' ? ArrowUp : ArrowUpDown;
                return (
                  <th
                    key={column.id}
                    scope="col"
                    aria-sort={sorted}
                    className={classNames(
                      'border-line border-b px-4 py-2.5 text-left font-semibold text-ink-2 text-sm',
                      column.numeric === true && 'text-right',
                      column.wideOnly === true && 'hidden md:table-cell',
                    )}
                  >
                    {column.sortBy === undefined ? (
                      column.header
                    ) : (
                      <button
                        type="button"
                        className="inline-flex min-h-6 cursor-pointer items-center gap-1 hover:text-ink"
                        onClick={() => change({ sort: sorted === 'ascending' ? `-${column.id}` : column.id, page: '' })}
                      >
                        {column.header}
                        <Icon className={classNames('size-3.5', sorted === undefined && 'opacity-50')} aria-hidden />
                      </button>
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {table.getRowModel().rows.map((row) => (
              <tr key={row.id} className="[&:last-child>td]:border-0">
                {columns.map((column) => (
                  <td
                    key={column.id}
                    className={classNames(
                      'border-line border-b px-4 py-2.5 align-top',
                      column.numeric === true && 'text-right tabular-nums',
                      column.wideOnly === true && 'hidden md:table-cell',
                    )}
                  >
                    {byId.get(column.id)?.cell(row.original)}
                  </td>
                ))}
              </tr>
            ))}
            {filtered === 0 && (
              <tr>
                <td colSpan={columns.length} className="px-4 py-8 text-center text-ink-2">
                  {t('nothingFound')}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </section>
      {pages > 1 && (
        <nav aria-label={t('pagesOf', { what: caption })} className="flex items-center justify-between gap-3">
          <Button
            size="small"
            disabled={pageIndex === 0}
            onClick={() => change({ page: pageIndex <= 1 ? '' : String(pageIndex) })}
          >
            {t('previous')}
          </Button>
          <span className="text-ink-2 text-sm" role="status">
            {t('pageOf', { page: pageIndex + 1, pages, rows: filtered })}
          </span>
          <Button
            size="small"
            disabled={pageIndex + 1 >= pages}
            onClick={() => change({ page: String(pageIndex + 2) })}
          >
            {t('next')}
          </Button>
        </nav>
      )}
    </div>
  );
}
