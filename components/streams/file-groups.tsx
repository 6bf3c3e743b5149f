'use client';

import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useEffect, useRef, useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Input, Select } from '#components/ui/input.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { Chip } from '#components/ui/state-badge.tsx';

type Stream = Outputs['streams']['page']['streams'][number];
const shows = ['all', 'none', 'by-hand'] as const;

/** Groups to look through, and to file under a stream by hand. */
export function FileGroups({
  of,
  streams,
  stream: first,
  mayChange,
  onChange,
}: {
  of: { readonly schoolId: string; readonly systemId: string };
  streams: readonly Stream[];
  /** The stream whose groups are looked at first. */
  stream: string | null;
  mayChange: boolean;
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('streams.groups');
  const common = useTranslations('common');
  const caption = t('caption');
  const [search, setSearch] = useState('');
  const [show, setShow] = useState<(typeof shows)[number]>('all');
  const [stream, setStream] = useState(first ?? '');
  const [page, setPage] = useState(1);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [under, setUnder] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const { data, error, isFetching } = useQuery({
    ...trpc.streams.groups.queryOptions({ ...of, search, show, page, ...(stream === '' ? {} : { stream }) }),
    placeholderData: keepPreviousData,
  });
  const file = useMutation(
    trpc.streams.fileGroups.mutationOptions({
      onSuccess: async ({ groups }) => {
        setChosen(new Set());
        await onChange();
        toast.success(t('filed', { count: groups }));
      },
    }),
  );
  const narrow = (then: () => void) => {
    then();
    setPage(1);
    setChosen(new Set());
  };
  const nameOf = (sourceId: string) => streams.find((candidate) => candidate.sourceId === sourceId)?.name ?? sourceId;
  const rows = data?.rows ?? [];
  const pages = Math.max(1, Math.ceil((data?.total ?? 0) / (data?.perPage ?? 1)));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const all = rows.length > 0 && rows.every(({ id }) => chosen.has(id));
  const unfiltered = search === '' && show === 'all' && stream === '';
  return (
    <Section title={t('title')}>
      <p className="max-w-prose text-ink-2">{t('lead')}</p>
      {data !== undefined && data.total === 0 && unfiltered ? (
        <p className="rounded-control bg-sunken px-4 py-3">{t('noGroups')}</p>
      ) : (
        <>
          <search className="flex flex-wrap items-end gap-2">
            <Input
              type="search"
              aria-label={t('search')}
              placeholder={t('search')}
              maxLength={200}
              className="max-w-72"
              onChange={(event) => {
                const { value } = event.target;
                clearTimeout(timer.current);
                timer.current = setTimeout(() => narrow(() => setSearch(value.trim())), 250);
              }}
            />
            <Select
              aria-label={t('show')}
              className="w-auto"
              value={show}
              onChange={(event) =>
                narrow(() => setShow(shows.find((candidate) => candidate === event.target.value) ?? 'all'))
              }
            >
              {shows.map((value) => (
                <option key={value} value={value}>
                  {t(value)}
                </option>
              ))}
            </Select>
            {streams.length > 0 && (
              <Select
                aria-label={t('stream')}
                className="w-auto max-w-60"
                value={stream}
                onChange={(event) => narrow(() => setStream(event.target.value))}
              >
                <option value="">{t('anyStream')}</option>
                {streams.map(({ sourceId, name }) => (
                  <option key={sourceId} value={sourceId}>
                    {name}
                  </option>
                ))}
              </Select>
            )}
          </search>
          <ErrorNotice error={error} />
          {data === undefined ? (
            <Skeleton lines={5} />
          ) : (
            <>
              <p className="text-ink-2 text-sm" role="status">
                {t('total', { total: data.total })}
              </p>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1) */}
              <section className="overflow-x-auto rounded-card border border-line" aria-label={caption} tabIndex={0}>
                <table className="w-full border-collapse" aria-busy={isFetching}>
                  <caption className="sr-only">{caption}</caption>
                  <thead>
                    <tr className="border-line border-b text-left text-ink-2 text-sm">
                      {mayChange && (
                        <th scope="col" className="w-10 py-2.5 pl-4">
                          <input
                            type="checkbox"
                            className="size-[18px] accent-accent"
                            aria-label={t('selectAll')}
                            checked={all}
                            onChange={() => setChosen(new Set(all ? [] : rows.map(({ id }) => id)))}
                          />
                        </th>
                      )}
                      <th scope="col" className="px-4 py-2.5 font-semibold">
                        {t('group')}
                      </th>
                      <th scope="col" className="hidden px-4 py-2.5 font-semibold md:table-cell">
                        {t('subject')}
                      </th>
                      <th scope="col" className="px-4 py-2.5 font-semibold">
                        {t('of')}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {rows.map((group) => (
                      <tr key={group.id} className="border-line border-b last:border-0">
                        {mayChange && (
                          <td className="py-2.5 pl-4 align-top">
                            <input
                              type="checkbox"
                              className="size-[18px] accent-accent"
                              aria-label={t('select', { group: group.title })}
                              checked={chosen.has(group.id)}
                              onChange={() => toggle(group.id)}
                            />
                          </td>
                        )}
                        <td className="px-4 py-2.5 align-top [overflow-wrap:anywhere]">
                          {group.title}
                          <span className="block text-ink-2 text-sm">
                            {[group.code === group.title ? null : group.code, group.site]
                              .filter((part) => part !== null)
                              .join(' · ')}
                          </span>
                        </td>
                        <td className="hidden px-4 py-2.5 align-top md:table-cell">{group.subject}</td>
                        <td className="px-4 py-2.5 align-top">
                          {group.stream === null ? (
                            <span className="text-ink-2">{t('noStream')}</span>
                          ) : (
                            nameOf(group.stream)
                          )}
                          {group.byHand !== null && (
                            <span className="block text-sm">
                              {group.byHand === group.stream ? (
                                <Chip>{t('byHand')}</Chip>
                              ) : (
                                <span className="text-ink-2">{t('next', { stream: nameOf(group.byHand) })}</span>
                              )}
                            </span>
                          )}
                        </td>
                      </tr>
                    ))}
                    {rows.length === 0 && (
                      <tr>
                        <td colSpan={4} className="px-4 py-8 text-center text-ink-2">
                          {t('nothing')}
                        </td>
                      </tr>
                    )}
                  </tbody>
                </table>
              </section>
              {pages > 1 && (
                <nav
                  aria-label={common('pagesOf', { what: caption })}
                  className="flex items-center justify-between gap-3"
                >
                  <Button size="small" disabled={page <= 1} onClick={() => setPage(page - 1)}>
                    {common('previous')}
                  </Button>
                  <span className="text-ink-2 text-sm">{common('pageOf', { page, pages, rows: data.total })}</span>
                  <Button size="small" disabled={page >= pages} onClick={() => setPage(page + 1)}>
                    {common('next')}
                  </Button>
                </nav>
              )}
              {mayChange && chosen.size > 0 && (
                <form
                  className="sticky bottom-0 flex flex-wrap items-center gap-2 border-line border-t bg-card py-3"
                  onSubmit={(event) => {
                    event.preventDefault();
                    file.mutate({ ...of, groupIds: [...chosen], stream: under });
                  }}
                >
                  <span className="mr-2 text-sm" role="status">
                    {t('selected', { count: chosen.size })}
                  </span>
                  <Select
                    aria-label={t('fileUnder')}
                    className="w-auto max-w-64"
                    value={under}
                    onChange={(event) => setUnder(event.target.value)}
                  >
                    <option value="">{t('choose')}</option>
                    {streams
                      .filter(({ mergedInto }) => mergedInto === null)
                      .map(({ sourceId, name }) => (
                        <option key={sourceId} value={sourceId}>
                          {name}
                        </option>
                      ))}
                  </Select>
                  <Button type="submit" variant="primary" disabled={under === ''} pending={file.isPending}>
                    {t('submit')}
                  </Button>
                  <Button
                    disabled={!rows.some(({ id, byHand }) => byHand !== null && chosen.has(id))}
                    onClick={() => file.mutate({ ...of, groupIds: [...chosen], stream: null })}
                  >
                    {t('unfile')}
                  </Button>
                </form>
              )}
              <ErrorNotice error={file.error} />
            </>
          )}
        </>
      )}
    </Section>
  );
}
