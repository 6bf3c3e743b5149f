import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { cell, TableFrame, wideCell } from '#components/operator/table-frame.tsx';
import { TrustBadge } from '#components/schools/trust-badge.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { Input, Select } from '#components/ui/input.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { trustStates } from '#db/schema/vocabulary.ts';

interface Address {
  readonly searchParams: Promise<{ search?: string | string[]; trust?: string | string[]; page?: string | string[] }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('operations.schools'))('title') };
}

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value) ?? '';

/** Every school, searched and paged in the database: there may be thousands. */
export default async function Schools({ searchParams }: Address) {
  const parameters = await searchParams;
  const search = one(parameters.search).slice(0, 200);
  const trust = trustStates.find((state) => state === one(parameters.trust));
  const page = Math.min(10_000, Math.max(1, Math.trunc(Number(one(parameters.page))) || 1));
  const caller = await pageCaller();
  const list = await orRefuse(
    caller.schools.listSchools({ search, page, ...(trust === undefined ? {} : { trust }) }),
    '/operator/schools',
  );
  const counts = await caller.operations.overview({});
  const t = await getTranslations('operations.schools');
  const trustWords = await getTranslations('schools.trust');
  const numbers = await getTranslations('schools.school');
  const pages = Math.max(1, Math.ceil(list.total / list.perPage));
  const to = (which: number) => {
    const next = new URLSearchParams();
    if (search !== '') next.set('search', search);
    if (trust !== undefined) next.set('trust', trust);
    if (which > 1) next.set('page', String(which));
    return `/operator/schools?${next.toString()}`;
  };
  return (
    <>
      <PageHeader
        title={t('title')}
        standing={t('standing', { total: counts.schools, waiting: counts.inReview })}
        action={
          <Button asChild>
            <Link href="/operator/register">{t('import')}</Link>
          </Button>
        }
      />
      {counts.schools === 0 ? (
        <EmptyState title={t('empty')}>{t('emptyBody')}</EmptyState>
      ) : (
        <div className="grid gap-3">
          <search>
            <form action="/operator/schools" className="flex flex-wrap gap-2">
              <Input
                type="search"
                name="search"
                aria-label={t('search')}
                placeholder={t('search')}
                defaultValue={search}
                className="max-w-80"
              />
              <Select name="trust" aria-label={t('trust')} defaultValue={trust ?? ''} className="max-w-52">
                <option value="">{t('all')}</option>
                {trustStates.map((state) => (
                  <option key={state} value={state}>
                    {trustWords(state)}
                  </option>
                ))}
              </Select>
              <Button type="submit">{t('find')}</Button>
            </form>
          </search>
          <TableFrame caption={t('caption')}>
            <thead className="text-ink-2 text-sm">
              <tr>
                <th scope="col" className={cell}>
                  {t('name')}
                </th>
                <th scope="col" className={cell}>
                  {t('trust')}
                </th>
                <th scope="col" className={wideCell}>
                  {t('connections')}
                </th>
                {(['agreements', 'people', 'agents'] as const).map((name) => (
                  <th key={name} scope="col" className={`${wideCell} text-right`}>
                    {t(name)}
                  </th>
                ))}
                <th scope="col" className={wideCell}>
                  {t('since')}
                </th>
              </tr>
            </thead>
            <tbody>
              {list.rows.map((row) => (
                <tr key={row.schoolId} className="[&:last-child>td]:border-0">
                  <td className={cell}>
                    <Link href={`/operator/schools/${row.schoolId}`} className="break-words font-semibold">
                      {row.name}
                    </Link>
                    <span className="block text-ink-2 text-sm">
                      {numbers('number', { register: row.register, number: row.registerNumber })} · {row.country}
                    </span>
                  </td>
                  <td className={cell}>
                    <TrustBadge trust={row.trust} />
                  </td>
                  <td className={wideCell}>
                    {(['live', 'waiting', 'failing'] as const)
                      .filter((state) => row[state] > 0)
                      .map((state) => t(`connectionsOf.${state}`, { count: row[state] }))
                      .join(', ') || '–'}
                  </td>
                  <td className={`${wideCell} text-right`}>{row.agreementsInForce}</td>
                  <td className={`${wideCell} text-right`}>{row.members}</td>
                  <td className={`${wideCell} text-right`}>{row.agents}</td>
                  <td className={`${wideCell} whitespace-nowrap`}>
                    <RelativeTime at={row.createdAt} />
                  </td>
                </tr>
              ))}
              {list.rows.length === 0 && (
                <tr>
                  <td colSpan={7} className="px-4 py-8 text-center text-ink-2">
                    {t('nothing')}
                  </td>
                </tr>
              )}
            </tbody>
          </TableFrame>
          {pages > 1 && (
            <nav aria-label={t('caption')} className="flex items-center justify-between gap-3">
              {page > 1 ? (
                <Button asChild size="small">
                  <Link href={to(page - 1)}>{t('previous')}</Link>
                </Button>
              ) : (
                <span />
              )}
              <span className="text-ink-2 text-sm">{t('page', { page, pages })}</span>
              {page < pages ? (
                <Button asChild size="small">
                  <Link href={to(page + 1)}>{t('next')}</Link>
                </Button>
              ) : (
                <span />
              )}
            </nav>
          )}
        </div>
      )}
    </>
  );
}
