'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { SystemParts } from '#components/school/system-parts.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask } from '#components/ui/card.tsx';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { Chip } from '#components/ui/state-badge.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { AddStream, ImportList } from './add-streams.tsx';
import { FileGroups } from './file-groups.tsx';
import { StreamActions } from './stream-actions.tsx';

const tabs = ['streams', 'groups'] as const;
type Stream = Outputs['streams']['page']['streams'][number];

/** A system's streams: where each comes from, what the school made of it, and how to make it something else. */
export function StreamsView({
  schoolId,
  systemId,
  roles,
}: {
  schoolId: string;
  systemId: string;
  roles: readonly SchoolRole[];
}) {
  const trpc = useTRPC();
  const t = useTranslations('streams');
  const queryClient = useQueryClient();
  const { data: page } = useSuspenseQuery(trpc.streams.page.queryOptions({ schoolId, systemId }));
  const [tab, setTab] = useState<(typeof tabs)[number]>('streams');
  const [filing, setFiling] = useState<string | null>(null);
  const showGroupsOf = (sourceId: string | null) => {
    setFiling(sourceId);
    setTab('groups');
  };
  const { system, streams } = page;
  const of = { schoolId, systemId };
  const onChange = () => queryClient.invalidateQueries({ queryKey: trpc.streams.pathKey() });
  const ask = useMutation(trpc.sync.request.mutationOptions({ onSuccess: () => toast.success(t('syncAsked')) }));
  const reset = useMutation(
    trpc.streams.reset.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('resetDone'));
      },
    }),
  );
  const nameOf = (sourceId: string | null) =>
    streams.find((stream) => stream.sourceId === sourceId)?.name ?? sourceId ?? '';
  const from = (stream: Stream) => t(`from.${stream.derivedFrom}`);
  const marks = (stream: Stream) => (
    <>
      {stream.mergedInto !== null && <Chip>{t('mergedInto', { stream: nameOf(stream.mergedInto) })}</Chip>}
      {stream.choice !== null && stream.mergedInto === null && stream.derivedFrom !== 'school-list' && (
        <Chip>{t('changed')}</Chip>
      )}
      {!stream.inRoster && stream.mergedInto === null && <Chip>{t('notYet')}</Chip>}
    </>
  );
  const facet = (id: 'programme' | 'level' | 'year'): Column<Stream> => ({
    id,
    header: t(`column.${id}`),
    cell: (stream) => stream[id],
    sortBy: (stream) => (stream[id] ?? '').toLowerCase(),
    wideOnly: true,
  });
  const columns: Column<Stream>[] = [
    {
      id: 'name',
      header: t('column.name'),
      cell: (stream) => (
        <>
          <span className="font-semibold [overflow-wrap:anywhere]">{stream.name}</span> {marks(stream)}
          <span className="block text-ink-2 text-sm md:hidden">
            {[stream.programme, stream.level, stream.year, from(stream)].filter((part) => part !== null).join(' · ')}
          </span>
        </>
      ),
      sortBy: (stream) => stream.name.toLowerCase(),
      searchIn: (stream) =>
        [stream.name, stream.programme, stream.level, stream.year, stream.code, from(stream)].join(' '),
    },
    facet('programme'),
    facet('level'),
    facet('year'),
    { id: 'from', header: t('column.from'), cell: from, sortBy: from, wideOnly: true },
    {
      id: 'groups',
      header: t('column.groups'),
      cell: (stream) => (
        <>
          <button
            type="button"
            className="min-h-6 cursor-pointer underline decoration-line underline-offset-3 hover:decoration-current"
            aria-label={t('showGroups', { stream: stream.name })}
            onClick={() => showGroupsOf(stream.sourceId)}
          >
            {stream.groups}
          </button>
          {stream.byHand > 0 && (
            <span className="block text-ink-2 text-sm">{t('byHand', { count: stream.byHand })}</span>
          )}
        </>
      ),
      sortBy: (stream) => stream.groups,
      numeric: true,
    },
    ...(page.mayChange
      ? [
          {
            id: 'actions',
            header: t('column.actions'),
            cell: (stream: Stream) => (
              <StreamActions of={of} stream={stream} streams={streams} onChange={onChange} onFile={showGroupsOf} />
            ),
          },
        ]
      : []),
  ];
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}`} className="text-ink-2">
            {system.name}
          </Link>
        }
        title={t('title', { system: system.name })}
        standing={t('standing', {
          count: streams.length,
          merged: streams.filter(({ mergedInto }) => mergedInto !== null).length,
          without: page.groupsWithout,
        })}
        action={
          page.mayChange && (
            <>
              <AddStream of={of} onChange={onChange} />
              <ImportList of={of} onChange={onChange} />
            </>
          )
        }
      />
      <SystemParts schoolId={schoolId} systemId={systemId} kind={system.kind} roles={roles} />
      <div className="grid gap-5">
        {page.unappliedSince !== null && (
          <Ask
            action={
              <Button variant="primary" pending={ask.isPending} onClick={() => ask.mutate(of)}>
                {t('syncNow')}
              </Button>
            }
          >
            <strong className="block">{t('unapplied')}</strong>
            <span className="text-ink-2">
              {t.rich('unappliedSince', { when: () => <RelativeTime at={page.unappliedSince ?? new Date(0)} /> })}
            </span>
            <ErrorNotice error={ask.error} />
          </Ask>
        )}
        <p className="max-w-prose text-ink-2">{t('lead', { system: system.name })}</p>
        <div className="flex flex-wrap gap-2">
          {tabs.map((which) => (
            <Button
              key={which}
              size="small"
              aria-pressed={tab === which}
              className={tab === which ? 'border-accent bg-accent-bg' : undefined}
              onClick={() => (which === 'streams' ? setTab('streams') : showGroupsOf(null))}
            >
              {t(`tab.${which}`)}
            </Button>
          ))}
        </div>
        {tab === 'groups' ? (
          <FileGroups
            key={filing ?? ''}
            of={of}
            streams={streams}
            mayChange={page.mayChange}
            stream={filing}
            onChange={onChange}
          />
        ) : (
          <>
            <DataTable
              rows={streams}
              columns={columns}
              rowId={(stream) => stream.sourceId}
              caption={t('caption')}
              pageSize={50}
              empty={<EmptyState title={t('empty')}>{t('emptyBody', { system: system.name })}</EmptyState>}
            />
            {page.mayChange && streams.some(({ choice, byHand }) => choice !== null || byHand > 0) && (
              <div className="justify-self-start">
                <ConfirmDialog
                  trigger={<Button variant="danger">{t('resetAll')}</Button>}
                  title={t('resetAllTitle', { system: system.name })}
                  description={t('resetAllBody')}
                  confirm={t('resetAllConfirm')}
                  onConfirm={() => reset.mutateAsync({ ...of, stream: null })}
                >
                  <ErrorNotice error={reset.error} />
                </ConfirmDialog>
              </div>
            )}
          </>
        )}
      </div>
    </>
  );
}
