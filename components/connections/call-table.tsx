'use client';

import { useFormatter, useTranslations } from 'next-intl';
import { Button } from '#components/ui/button.tsx';
import { classNames } from '#components/ui/class-names.ts';
import { RelativeTime } from '#components/ui/relative-time.tsx';

const scrolls = 'max-h-[420px] overflow-auto rounded-control border border-line';

/** One call over HTTP, whoever made it: paths and counts, no body and no token. */
export interface Call {
  readonly id: string;
  readonly at: Date;
  readonly method: string;
  readonly path: string;
  /** null: there was no answer. */
  readonly status: number | null;
  /** Why it failed, in a sentence; `true` where its status says all; `false`: it did not. */
  readonly failed: string | boolean;
  readonly records: number | null;
  readonly milliseconds: number;
  /** What it was for, where several things are asked for. */
  readonly purpose?: string;
}

/** Calls, newest first, with more of them on demand. On a phone what matters less stands under the path or is left out. */
export function CallTable({
  calls,
  caption,
  asked,
  older,
  more,
}: {
  calls: readonly Call[];
  caption: string;
  asked: string;
  older: string;
  more: { readonly hasNextPage: boolean; readonly isFetchingNextPage: boolean; fetchNextPage(): unknown };
}) {
  const t = useTranslations('connectionPage.calls');
  const format = useFormatter();
  const withPurpose = calls.some(({ purpose }) => purpose !== undefined);
  const head = 'border-line border-b px-3 py-2 font-semibold';
  const cell = 'border-line border-b px-3 py-1.5';
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1) */}
      <section className={scrolls} aria-label={caption} tabIndex={0}>
        <table className="w-full border-collapse text-sm">
          <caption className="sr-only">{caption}</caption>
          <thead className="sticky top-0 bg-card">
            <tr className="text-left text-ink-2">
              <th scope="col" className={`${head} max-md:hidden`}>
                {t('when')}
              </th>
              {withPurpose && (
                <th scope="col" className={`${head} max-md:hidden`}>
                  {t('purpose')}
                </th>
              )}
              <th scope="col" className={head}>
                {asked}
              </th>
              <th scope="col" className={`${head} text-right`}>
                {t('answer')}
              </th>
              <th scope="col" className={`${head} text-right`}>
                {t('rows')}
              </th>
              <th scope="col" className={`${head} text-right max-md:hidden`}>
                {t('took')}
              </th>
            </tr>
          </thead>
          <tbody>
            {calls.map((call) => (
              <tr key={call.id} className="align-top [&:last-child>td]:border-0">
                <td className={`${cell} whitespace-nowrap max-md:hidden`}>
                  <RelativeTime at={call.at} />
                </td>
                {withPurpose && <td className={`${cell} max-md:hidden`}>{call.purpose}</td>}
                <td className={cell}>
                  <code className="break-all font-mono text-xs">
                    {call.method} {call.path}
                  </code>
                  <span className="block text-ink-2 text-xs md:hidden">
                    <RelativeTime at={call.at} />
                    {call.purpose !== undefined && ` · ${call.purpose}`}
                  </span>
                </td>
                <td
                  className={classNames(cell, 'text-right', call.failed !== false && 'font-semibold text-fail')}
                  title={typeof call.failed === 'string' ? call.failed : undefined}
                >
                  {call.status ?? t('noAnswer')}
                </td>
                <td className={`${cell} text-right`}>{call.records === null ? '–' : format.number(call.records)}</td>
                <td className={`${cell} whitespace-nowrap text-right max-md:hidden`}>
                  {t('milliseconds', { count: call.milliseconds })}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {more.hasNextPage && (
        <Button className="justify-self-start" pending={more.isFetchingNextPage} onClick={() => more.fetchNextPage()}>
          {older}
        </Button>
      )}
    </>
  );
}
