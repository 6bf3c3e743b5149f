'use client';

import { useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask } from '#components/ui/card.tsx';
import { classNames } from '#components/ui/class-names.ts';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { isPeople, type PeopleCollection, type ShownCollection, shownCollections } from './browse-address.ts';
import { BrowseFilters } from './browse-filters.tsx';
import { DataParts } from './data-parts.tsx';
import { PeopleList } from './people-list.tsx';
import { CourseList, GroupList, type ListProps, StreamList, SubjectList } from './received-lists.tsx';
import { useBrowse } from './use-browse.ts';

/** Which scopes let a collection be held. */
const coveredBy: Readonly<Record<ShownCollection, readonly string[]>> = {
  subjects: ['roster.subjects'],
  streams: ['roster.streams'],
  groups: ['roster.groups', 'roster.classes'],
  teachers: ['roster.teachers'],
  students: ['roster.students'],
  guardians: ['roster.guardians'],
  others: ['roster.students', 'roster.teachers', 'roster.guardians'],
  courses: ['lms.courses'],
};
const lists: Readonly<Record<Exclude<ShownCollection, PeopleCollection>, (props: ListProps) => ReactNode>> = {
  subjects: SubjectList,
  streams: StreamList,
  groups: GroupList,
  courses: CourseList,
};

/** What was received of the school's systems, to look through: how much, why it is held, each record. */
export function ReceivedData({ schoolId }: { schoolId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolData');
  const format = useFormatter();
  const browse = useBrowse(schoolId);
  const { data: overview } = useSuspenseQuery(trpc.data.overview.queryOptions({ schoolId }));
  const { data: register } = useSuspenseQuery(trpc.connections.register.queryOptions({ schoolId }));
  const { collection } = browse;

  const counted = (which: ShownCollection) =>
    overview.systems
      .flatMap(({ counts }) => counts)
      .filter((row) => row.collection === which || (which === 'groups' && row.collection === 'classes'));
  const here = (which: ShownCollection) => counted(which).reduce((sum, row) => sum + row.here, 0);
  const more = (which: ShownCollection) => counted(which).some((row) => row.more);
  const number = (which: ShownCollection) =>
    more(which) ? t('moreThan', { count: here(which) }) : format.number(here(which));
  const held = shownCollections.some((which) => counted(which).length > 0);
  const hasPeople = shownCollections.some((which) => isPeople(which) && here(which) > 0);
  // Of people there is a card only where there are any: most schools share none.
  const cards = shownCollections.filter((which) => !isPeople(which) || here(which) > 0 || which === collection);
  const last = Math.max(...overview.systems.map((system) => system.lastReceivedAt?.getTime() ?? 0));
  const recipients = [
    ...new Set(
      register
        .filter((line) => line.state !== 'ended' && line.data.some((scope) => coveredBy[collection].includes(scope)))
        .map((line) => (line.recipient === '' ? t('register.app') : line.recipient)),
    ),
  ];
  const missing = counted(collection).reduce((sum, row) => sum + row.missing, 0);
  const systemName = (id: string) => overview.systems.find((system) => system.id === id)?.name ?? '';
  return (
    <div className="grid gap-5">
      <div className="-mb-5">
        <PageHeader
          title={t('title')}
          standing={
            held ? (
              <>
                {t('standing.received', {
                  counts: format.list(
                    shownCollections
                      .filter((which) => here(which) > 0)
                      .map((which) =>
                        more(which)
                          ? t('countsMore', { count: here(which), what: t(`collection.${which}`).toLowerCase() })
                          : t(`counts.${which}`, { count: here(which) }),
                      ),
                  ),
                })}
                {hasPeople ? '.' : t('standing.nobody')}{' '}
                {last > 0 && t.rich('standing.last', { when: () => <RelativeTime at={new Date(last)} /> })}
              </>
            ) : (
              t('standing.nothing')
            )
          }
        />
      </div>
      <DataParts schoolId={schoolId} />
      {!held ? (
        <EmptyState
          title={t('empty.title')}
          action={
            <Button asChild>
              <Link href={`/school/${schoolId}`}>{t('empty.action')}</Link>
            </Button>
          }
        >
          {t('empty.body')}
        </EmptyState>
      ) : (
        <>
          <nav aria-label={t('collections')}>
            <ul className="grid grid-cols-2 gap-2 md:grid-cols-[repeat(auto-fit,minmax(8rem,1fr))]">
              {cards.map((which) => (
                <li key={which}>
                  <Link
                    href={`/school/${schoolId}/data?show=${which}`}
                    scroll={false}
                    aria-current={which === collection ? 'true' : undefined}
                    className={classNames(
                      'grid gap-0.5 rounded-card border px-4 py-2.5 no-underline',
                      which === collection ? 'border-accent bg-accent-bg' : 'border-line bg-card hover:bg-sunken',
                    )}
                  >
                    <span className="font-semibold text-xl tabular-nums">{number(which)}</span>
                    <span className="font-semibold text-sm">{t(`collection.${which}`)}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
          {overview.systems
            .filter(({ setAside }) => setAside > 0)
            .map((system) => (
              <Ask
                key={system.id}
                action={
                  <Button asChild size="small">
                    <Link href={`/school/${schoolId}/systems/${system.id}`}>{t('setAsideLink')}</Link>
                  </Button>
                }
              >
                {t('setAside', { count: system.setAside, system: system.name })}
              </Ask>
            ))}
          {counted(collection).length === 0 ? (
            <EmptyState title={t('empty.collection')}>{t('empty.collectionHint')}</EmptyState>
          ) : (
            <div className="grid gap-3">
              <p className="max-w-prose text-ink-2">
                {t(`why.${collection}`)}{' '}
                {recipients.length === 0 ? t('heldForNone') : t('heldFor', { recipients: format.list(recipients) })}{' '}
                <Link href={`/school/${schoolId}/data/register`} className="underline underline-offset-3">
                  {t('heldForLink')}
                </Link>
              </p>
              {missing > 0 && <p className="text-ink-2">{t('missing', { count: missing })}</p>}
              {isPeople(collection) && !overview.seesPeople ? (
                <p className="max-w-prose text-ink-2">{t('people.notForYou')}</p>
              ) : isPeople(collection) ? (
                <PeopleList
                  key={collection}
                  browse={browse}
                  collection={collection}
                  overview={overview}
                  filters={<BrowseFilters browse={browse} overview={overview} />}
                />
              ) : (
                <>
                  <BrowseFilters browse={browse} overview={overview} />
                  {lists[collection]({ browse, systemName })}
                </>
              )}
            </div>
          )}
        </>
      )}
    </div>
  );
}
