'use client';

import { ArrowDown, ArrowUp, ArrowUpDown } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { type ReactNode, useState } from 'react';
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
  /** There are more than `total`, which were not counted. */
  readonly more: boolean;
  /** Where the next page begins; null on the last one. */
  readonly next: string | null;
  /** Where this page began; undefined on the first one. */
  readonly after: string | undefined;
  readonly columns: readonly BrowseColumn<Row>[];
  /** Without it the order is the list's own. */
  readonly sort?: string;
  readonly descending?: boolean;
  readonly busy: boolean;
  readonly change: (changes: Readonly<Record<string, string>>) => void;
  /** Says more than how many there are. */
  readonly note?: string;
}

/** A page of a long list that the database searches, sorts and pages. */
export function BrowseTable<Row extends { readonly id: string }>({
  caption,
  rows,
  total,
  more,
  next,
  after,
  columns,
  sort,
  descending = false,
  busy,
  change,
  note,
}: BrowseTableProps<Row>) {
  const t = useTranslations('schoolData');
  const common = useTranslations('common');
  // Pages are found by the row before them: the way back is the one that was gone.
  const [before, setBefore] = useState<readonly (string | undefined)[]>([]);
  const isFirst = after === undefined;
  return (
    <div className="grid gap-3">
      <p className="text-ink-2 text-sm" role="status">
        {more ? t('resultsMore', { total }) : t('results', { total })}
        {note !== undefined && ` ${note}`}
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
      {(next !== null || !isFirst) && (
        <nav aria-label={common('pagesOf', { what: caption })} className="flex items-center justify-between gap-3">
          {isFirst ? (
            <span />
          ) : (
            <Button
              size="small"
              onClick={() => {
                change({ after: before.at(-1) ?? '' });
                setBefore(before.slice(0, -1));
              }}
            >
              {before.length === 0 ? t('toFirst') : common('previous')}
            </Button>
          )}
          <Button
            size="small"
            disabled={next === null}
            onClick={() => {
              if (next === null) return;
              setBefore([...(isFirst ? [] : before), after]);
              change({ after: next });
            }}
          >
            {common('next')}
          </Button>
        </nav>
      )}
    </div>
  );
}
