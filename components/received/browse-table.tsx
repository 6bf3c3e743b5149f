'use client';

import { ArrowDown, ArrowUp, ArrowUpDown } from 'lucide-react';
import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { Button } from '#components/ui/button.tsx';
import { classNames } from '#components/ui/class-names.ts';

export interface BrowseColumn<Row> {
  readonly id: string;
  readonly header: string;
  readonly cell: (row: Row) => ReactNode;
  /** Sorted by the server under the column's id. */
  readonly sorts?: boolean;
  readonly numeric?: boolean;
  readonly wideOnly?: boolean;
}

interface BrowseTableProps<Row> {
  readonly caption: string;
  readonly rows: readonly Row[];
  readonly total: number;
  readonly perPage: number;
  readonly columns: readonly BrowseColumn<Row>[];
  readonly sort: string;
  readonly descending: boolean;
  readonly page: number;
  readonly busy: boolean;
  readonly change: (changes: Readonly<Record<string, string>>) => void;
}

/** A page of a long list that the database searches, sorts and pages. */
export function BrowseTable<Row extends { readonly id: string }>({
  caption,
  rows,
  total,
  perPage,
  columns,
  sort,
  descending,
  page,
  busy,
  change,
}: BrowseTableProps<Row>) {
  const t = useTranslations('schoolData');
  const common = useTranslations('common');
  const pages = Math.max(1, Math.ceil(total / perPage));
  return (
    <div className="grid gap-3">
      <p className="text-ink-2 text-sm" role="status">
        {t('results', { total })}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1) */}
      <section className="overflow-x-auto rounded-card border border-line bg-card" aria-label={caption} tabIndex={0}>
        <table className="w-full border-collapse" aria-busy={busy}>
          <caption className="sr-only">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => {
                const sorted = sort === column.id ? (descending ? 'descending' : 'ascending') : undefined;
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
                    {column.sorts === true ? (
                      <button
                        type="button"
                        className="inline-flex min-h-6 cursor-pointer items-center gap-1 hover:text-ink"
                        onClick={() => change({ sort: column.id, order: sorted === 'ascending' ? 'desc' : '' })}
                      >
                        {column.header}
                        <Icon className={classNames('size-3.5', sorted === undefined && 'opacity-50')} aria-hidden />
                      </button>
                    ) : (
                      column.header
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
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
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
            {rows.length === 0 && (
              <tr>
                <td colSpan={columns.length} className="px-4 py-8 text-center text-ink-2">
                  {t('nothing')}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </section>
      {(pages > 1 || page > 1) && (
        <nav aria-label={common('pagesOf', { what: caption })} className="flex items-center justify-between gap-3">
          <Button
            size="small"
            disabled={page <= 1}
            onClick={() => change({ page: page <= 2 ? '' : String(Math.min(page - 1, pages)) })}
          >
            {common('previous')}
          </Button>
          <span className="text-ink-2 text-sm">{common('pageOf', { page, pages, rows: total })}</span>
          <Button size="small" disabled={page >= pages} onClick={() => change({ page: String(page + 1) })}>
            {common('next')}
          </Button>
        </nav>
      )}
    </div>
  );
}
