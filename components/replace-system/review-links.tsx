'use client';

import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useEffect, useRef, useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { classNames } from '#components/ui/class-names.ts';
import { ConfirmDialog, Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Input, Select } from '#components/ui/input.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import type { LinkSide } from '#server/features/replace-system/list-links.ts';
import { linksIn, type Replacement } from './side-by-side.tsx';

const collections = ['people', 'groups'] as const;
type Collection = (typeof collections)[number];
const shows = ['open', 'confirmed', 'rejected', 'old', 'new'] as const;
type Show = (typeof shows)[number];
const compared = ['number', 'birthDate', 'email', 'site', 'grades', 'sourceId'] as const;

interface Props {
  readonly schoolId: string;
  readonly replacement: Replacement;
  readonly onChange: () => Promise<unknown>;
}

/** Links to say yes or no to, side by side, and whoever has none on either side. */
export function ReviewLinks({ schoolId, replacement, onChange }: Props) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem.review');
  const [collection, setCollection] = useState<Collection>(
    linksIn(replacement, 'open', 'people') === 0 && linksIn(replacement, 'open', 'groups') > 0 ? 'groups' : 'people',
  );
  const [show, setShow] = useState<Show>('open');
  const [search, setSearch] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const confirmGroups = useMutation(trpc.replaceSystem.confirmGroups.mutationOptions({ onSuccess: onChange }));
  const openGroups = linksIn(replacement, 'open', 'groups');
  const label = (which: Show) => {
    if (which === 'old') return t('old', { system: replacement.old.name });
    if (which === 'new') return t('new', { system: replacement.new.name });
    return `${t(which)} (${linksIn(replacement, which, collection)})`;
  };
  const of = { schoolId, replacement, collection, search, onChange };
  return (
    <Section title={t('title')}>
      <div className="flex flex-wrap items-center gap-2">
        <Select
          aria-label={t('collection')}
          className="w-auto"
          value={collection}
          onChange={(event) =>
            setCollection(collections.find((candidate) => candidate === event.target.value) ?? 'people')
          }
        >
          {collections.map((value) => (
            <option key={value} value={value}>
              {t(value)}
            </option>
          ))}
        </Select>
        <Input
          type="search"
          aria-label={t('search')}
          placeholder={t('search')}
          className="max-w-72"
          maxLength={200}
          onChange={(event) => {
            const { value } = event.target;
            clearTimeout(timer.current);
            timer.current = setTimeout(() => setSearch(value.trim()), 250);
          }}
        />
      </div>
      <nav aria-label={t('tabs')} className="-mx-5 overflow-x-auto border-line border-b px-5">
        <ul className="flex gap-5">
          {shows.map((which) => (
            <li key={which}>
              <button
                type="button"
                aria-current={which === show ? 'true' : undefined}
                className={classNames(
                  'inline-flex min-h-9 cursor-pointer items-center whitespace-nowrap border-b-2',
                  which === show
                    ? 'border-accent font-semibold text-ink'
                    : 'border-transparent text-ink-2 hover:text-ink',
                )}
                onClick={() => setShow(which)}
              >
                {label(which)}
              </button>
            </li>
          ))}
        </ul>
      </nav>
      {show === 'open' && collection === 'groups' && openGroups > 0 && (
        <ConfirmDialog
          trigger={<Button className="justify-self-start">{t('confirmGroups', { count: openGroups })}</Button>}
          title={t('confirmGroupsTitle', { count: openGroups })}
          description={t('confirmGroupsBody')}
          confirm={t('confirmGroupsDo')}
          danger={false}
          onConfirm={() => confirmGroups.mutateAsync({ schoolId, replacementId: replacement.id, shown: openGroups })}
        >
          <ErrorNotice error={confirmGroups.error} />
        </ConfirmDialog>
      )}
      {show === 'old' || show === 'new' ? (
        <Unmatched key={`${show} ${collection} ${search}`} {...of} side={show} />
      ) : (
        <Links key={`${show} ${collection} ${search}`} {...of} show={show} />
      )}
    </Section>
  );
}

type ListProps = Props & { readonly collection: Collection; readonly search: string };

function Pager({
  page,
  total,
  perPage,
  onPage,
}: {
  page: number;
  total: number;
  perPage: number;
  onPage: (page: number) => void;
}) {
  const t = useTranslations('replaceSystem.review');
  const common = useTranslations('common');
  const pages = Math.max(1, Math.ceil(total / perPage));
  if (pages === 1) return null;
  return (
    <nav aria-label={common('pagesOf', { what: t('caption') })} className="flex items-center justify-between gap-3">
      <Button size="small" disabled={page <= 1} onClick={() => onPage(page - 1)}>
        {common('previous')}
      </Button>
      <span className="text-ink-2 text-sm">{common('pageOf', { page, pages, rows: total })}</span>
      <Button size="small" disabled={page >= pages} onClick={() => onPage(page + 1)}>
        {common('next')}
      </Button>
    </nav>
  );
}

function Links({
  schoolId,
  replacement,
  collection,
  search,
  show,
  onChange,
}: ListProps & { show: 'open' | 'confirmed' | 'rejected' }) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem.review');
  const [page, setPage] = useState(1);
  const of = { schoolId, replacementId: replacement.id };
  const { data, error } = useQuery({
    ...trpc.replaceSystem.links.queryOptions({ ...of, collection, search, show, page }),
    placeholderData: keepPreviousData,
  });
  const decide = useMutation(trpc.replaceSystem.decideLinks.mutationOptions({ onSuccess: onChange }));
  const link = useMutation(trpc.replaceSystem.linkByHand.mutationOptions({ onSuccess: onChange }));
  const busy = decide.isPending || link.isPending;
  if (error !== null) return <ErrorNotice error={error} />;
  if (data === undefined) return <Skeleton lines={5} />;
  const pairs = data.rows.flatMap(({ old, new: fresh, found }) =>
    old === null || fresh === null ? [] : [{ old, fresh, found }],
  );
  if (pairs.length === 0) {
    return (
      <p className="rounded-control bg-sunken px-4 py-3">{search === '' ? t(`nothing.${show}`) : t('nothingFound')}</p>
    );
  }
  const because = (found: (typeof pairs)[number]['found']) => {
    if (found === 'proposed' && collection === 'groups') return t('because.proposed-groups');
    return show === 'open' && (found === 'number' || found === 'source-id')
      ? t(`because.${found}-open`)
      : t(`because.${found}`);
  };
  return (
    <div className="grid gap-3" aria-busy={busy}>
      <ul className="grid gap-2">
        {pairs.map(({ old, fresh, found }) => {
          const pair = [{ oldId: old.id, newId: fresh.id }];
          const names = { old: old.name, new: fresh.name };
          return (
            <li key={`${old.id}${fresh.id}`} className="grid gap-3 rounded-control border border-line p-3.5">
              <div className="flex flex-wrap items-center justify-between gap-2">
                <span className="text-ink-2 text-sm">{because(found)}</span>
                <span className="flex flex-wrap gap-2">
                  {show === 'open' && (
                    <Button
                      size="small"
                      variant="primary"
                      disabled={busy}
                      aria-label={t('confirmLabel', names)}
                      onClick={() => decide.mutate({ ...of, pairs: pair, decision: 'confirm' })}
                    >
                      {t('confirm')}
                    </Button>
                  )}
                  {show !== 'rejected' && (
                    <Button
                      size="small"
                      disabled={busy}
                      aria-label={t('rejectLabel', names)}
                      onClick={() => decide.mutate({ ...of, pairs: pair, decision: 'reject' })}
                    >
                      {t(show === 'open' ? 'reject' : 'unlink')}
                    </Button>
                  )}
                  {show === 'rejected' && (
                    <Button
                      size="small"
                      disabled={busy}
                      aria-label={t('confirmLabel', names)}
                      onClick={() => link.mutate({ ...of, collection, oldId: old.id, newId: fresh.id })}
                    >
                      {t('restore')}
                    </Button>
                  )}
                </span>
              </div>
              <div className="grid gap-3 sm:grid-cols-2">
                <Side system={replacement.old.name} side={old} other={fresh} collection={collection} />
                <Side system={replacement.new.name} side={fresh} other={old} collection={collection} />
              </div>
            </li>
          );
        })}
      </ul>
      <ErrorNotice error={decide.error ?? link.error} />
      {show === 'open' && pairs.length > 1 && (
        <Button
          className="justify-self-start"
          disabled={busy}
          onClick={() =>
            decide.mutate({
              ...of,
              pairs: pairs.map(({ old, fresh }) => ({ oldId: old.id, newId: fresh.id })),
              decision: 'confirm',
            })
          }
        >
          {t('confirmPage', { count: pairs.length })}
        </Button>
      )}
      <Pager page={page} total={data.total} perPage={data.perPage} onPage={setPage} />
    </div>
  );
}

const folded = (text: string | null) => (text ?? '').trim().toLowerCase();

/** One side of a link; what differs from the other side stands out, by weight and by word. */
function Side({
  system,
  side,
  other,
  collection,
}: {
  system: string;
  side: LinkSide;
  other: LinkSide | null;
  collection: Collection;
}) {
  const t = useTranslations('replaceSystem.review');
  return (
    <div className="min-w-0">
      <p className="text-ink-2 text-xs">{system}</p>
      <p className="font-semibold [overflow-wrap:anywhere]">{side.name}</p>
      <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-3 text-sm">
        {compared.map((field) => {
          const value = side[field];
          if (value === null) return null;
          const differs =
            other !== null && field !== 'sourceId' && other[field] !== null && folded(other[field]) !== folded(value);
          return (
            <div key={field} className="contents">
              <dt className="text-ink-2">
                {t(`field.${field === 'number' && collection === 'groups' ? 'code' : field}`)}
              </dt>
              <dd className={classNames('[overflow-wrap:anywhere]', differs && 'font-semibold text-wait')}>
                {value}
                {differs && <span className="ml-1 font-normal text-xs">({t('differs')})</span>}
              </dd>
            </div>
          );
        })}
      </dl>
    </div>
  );
}

function Unmatched({ schoolId, replacement, collection, search, side, onChange }: ListProps & { side: 'old' | 'new' }) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem.review');
  const [page, setPage] = useState(1);
  const { data, error } = useQuery({
    ...trpc.replaceSystem.unmatched.queryOptions({
      schoolId,
      replacementId: replacement.id,
      collection,
      search,
      side,
      page,
    }),
    placeholderData: keepPreviousData,
  });
  if (error !== null) return <ErrorNotice error={error} />;
  if (data === undefined) return <Skeleton lines={5} />;
  if (data.rows.length === 0) {
    return (
      <p className="rounded-control bg-sunken px-4 py-3">{search === '' ? t(`nothing.${side}`) : t('nothingFound')}</p>
    );
  }
  return (
    <div className="grid gap-3">
      <p className="max-w-prose text-ink-2">{t(`${side}Hint`)}</p>
      <ul className="grid gap-2 sm:grid-cols-2 xl:grid-cols-3">
        {data.rows.map((row) => (
          <li key={row.id} className="flex items-start justify-between gap-3 rounded-control border border-line p-3.5">
            <Side system={replacement[side].name} side={row} other={null} collection={collection} />
            {side === 'old' && (
              <LinkByHand
                schoolId={schoolId}
                replacement={replacement}
                collection={collection}
                of={row}
                onChange={onChange}
              />
            )}
          </li>
        ))}
      </ul>
      <Pager page={page} total={data.total} perPage={data.perPage} onPage={setPage} />
    </div>
  );
}

function LinkByHand({
  schoolId,
  replacement,
  collection,
  of,
  onChange,
}: Props & { collection: Collection; of: LinkSide }) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem.review');
  const [open, setOpen] = useState(false);
  const [search, setSearch] = useState(of.name);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const base = { schoolId, replacementId: replacement.id, collection };
  const { data } = useQuery({
    ...trpc.replaceSystem.unmatched.queryOptions({ ...base, side: 'new', search }),
    enabled: open,
    placeholderData: keepPreviousData,
  });
  const link = useMutation(
    trpc.replaceSystem.linkByHand.mutationOptions({
      onSuccess: async () => {
        setOpen(false);
        toast.success(t('linked'));
        await onChange();
      },
    }),
  );
  return (
    <Dialog
      trigger={<Button size="small">{t('link')}</Button>}
      title={t('linkTitle', { name: of.name, system: replacement.new.name })}
      description={t('linkBody')}
      open={open}
      onOpenChange={setOpen}
    >
      <Input
        type="search"
        aria-label={t('search')}
        defaultValue={of.name}
        maxLength={200}
        onChange={(event) => {
          const { value } = event.target;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => setSearch(value.trim()), 250);
        }}
      />
      <ErrorNotice error={link.error} />
      {data === undefined ? (
        <Skeleton lines={4} />
      ) : data.rows.length === 0 ? (
        <p className="text-ink-2">{t('nothingFound')}</p>
      ) : (
        <ul className="grid gap-2">
          {data.rows.map((row) => (
            <li
              key={row.id}
              className="flex items-start justify-between gap-3 rounded-control border border-line p-3.5"
            >
              <Side system={replacement.new.name} side={row} other={of} collection={collection} />
              <Button
                size="small"
                pending={link.isPending}
                aria-label={t('linkChooseLabel', { name: of.name, other: row.name })}
                onClick={() => link.mutate({ ...base, oldId: of.id, newId: row.id })}
              >
                {t('linkChoose')}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
