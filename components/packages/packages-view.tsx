'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { lookOfRun } from '#components/connections/state-look.ts';
import { SystemParts } from '#components/school/system-parts.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask, Section } from '#components/ui/card.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { HandIn, useSize } from './hand-in.tsx';
import { useAsideReason, useProblemText } from './problem-text.ts';

type Page = Outputs['packages']['page'];
type Handed = Page['packages'][number];

/** While something is being read the page looks again by itself. */
const everyMs = 2_500;
const isMoving = ({ packages }: Page) =>
  packages.some(({ state, run }) => state === 'receiving' || run?.state === 'queued' || run?.state === 'running');

/** Packages of one SIS: hand one in, and what came of those before. */
export function PackagesView({
  schoolId,
  systemId,
  roles,
}: {
  schoolId: string;
  systemId: string;
  roles: readonly SchoolRole[];
}) {
  const trpc = useTRPC();
  const t = useTranslations('packages');
  const queryClient = useQueryClient();
  const { data } = useSuspenseQuery({
    ...trpc.packages.page.queryOptions({ schoolId, systemId }),
    refetchInterval: (query) => (query.state.data !== undefined && isMoving(query.state.data) ? everyMs : false),
  });
  const onDone = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: trpc.packages.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.systems.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() }),
    ]);
  const { system, source, way, mayHandIn, proved } = data;
  const standing = source === 'asked' ? 'asked' : (way ?? 'unset');
  const isReady = way !== null && data.addressConfirmed;
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}`} className="text-ink-2">
            {system.product}
          </Link>
        }
        title={t('title', { system: system.name })}
        standing={t(`standing.${standing}`)}
      />
      <SystemParts schoolId={schoolId} systemId={systemId} kind={system.kind} roles={roles} />
      <div className="grid gap-4">
        {source === 'handed-in' && !isReady && (
          <Ask
            action={
              <Button asChild>
                <Link href={`/school/${schoolId}/systems/${systemId}`}>{t('unsetAction')}</Link>
              </Button>
            }
          >
            <strong>{t('standing.unset')}</strong>
          </Ask>
        )}
        {isReady && (
          <Section title={t('handIn.title')}>
            <p className="max-w-prose text-ink-2 text-sm">
              {t(way === 'upload' && !proved ? 'handIn.first' : 'handIn.lead')}
            </p>
            {mayHandIn ? (
              <HandIn schoolId={schoolId} systemId={systemId} onDone={onDone} />
            ) : (
              <p className="text-ink-2">{t('handIn.notAllowed')}</p>
            )}
          </Section>
        )}
        {way === 'sftp' && <Folder schoolId={schoolId} systemId={systemId} data={data} />}
        {source === 'handed-in' && <HandedIn schoolId={schoolId} packages={data.packages} runsAt={data.runsAt} />}
      </div>
    </>
  );
}

const folderLooks = { seen: 'wait', 'handed-in': 'live', refused: 'fail', 'passed-over': 'rest' } as const;

function Folder({ schoolId, systemId, data }: { schoolId: string; systemId: string; data: Page }) {
  const trpc = useTRPC();
  const t = useTranslations('packages.folder');
  const size = useSize();
  const problem = useProblemText();
  const look = useMutation(trpc.packages.lookNow.mutationOptions());
  return (
    <Section
      title={t('title')}
      action={
        data.mayHandIn && data.proved && data.granted ? (
          <Button size="small" pending={look.isPending} onClick={() => look.mutate({ schoolId, systemId })}>
            {t('look')}
          </Button>
        ) : undefined
      }
    >
      <p className="max-w-prose text-ink-2 text-sm">{t('lead')}</p>
      <ErrorNotice error={look.error} />
      {look.isSuccess && <p role="status">{t('looked')}</p>}
      {data.folder.length === 0 ? (
        <p className="text-ink-2">{t('none')}</p>
      ) : (
        <ul className="grid gap-2">
          {data.folder.map((file) => (
            <li key={file.name} className="grid gap-x-4 border-line border-t pt-2 sm:grid-cols-[minmax(0,1fr)_auto]">
              <span className="min-w-0 break-words">
                {file.name}{' '}
                <span className="text-ink-2 text-sm">
                  · {size(file.bytes)} · <RelativeTime at={file.modifiedAt} />
                </span>
              </span>
              <StateBadge look={folderLooks[file.state]}>{t(`state.${file.state}`)}</StateBadge>
              {file.problem !== null && (
                <span className="text-sm sm:col-span-2">{problem(file.problem.code, file.problem.details)}</span>
              )}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

const looks = { receiving: 'wait', waiting: 'wait', read: 'live', refused: 'fail', dropped: 'rest' } as const;

function HandedIn({
  schoolId,
  packages,
  runsAt,
}: {
  schoolId: string;
  packages: readonly Handed[];
  runsAt: string | null;
}) {
  const t = useTranslations('packages.list');
  if (packages.length === 0) return <EmptyState title={t('none')}>{t('noneBody')}</EmptyState>;
  return (
    <Section title={t('title')}>
      <ul className="grid gap-3">
        {packages.map((handed) => (
          <Package
            key={handed.uploadId}
            handed={handed}
            base={runsAt === null ? null : `/school/${schoolId}/connections/${runsAt}/runs`}
          />
        ))}
      </ul>
    </Section>
  );
}

function Package({ handed, base }: { handed: Handed; base: string | null }) {
  const t = useTranslations('packages.list');
  const sync = useTranslations('sync');
  const size = useSize();
  const { fileName, via, by, at, bytes, state, run } = handed;
  const isRead = run !== null && run.state !== 'discarded';
  return (
    <li className="grid gap-1 border-line border-t pt-3">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <strong className="min-w-0 break-words font-semibold">{fileName}</strong>
        <StateBadge look={isRead ? lookOfRun(run.state) : looks[state]}>
          {isRead ? sync(`state.${run.state}`) : t(`state.${state}`)}
        </StateBadge>
      </div>
      <p className="text-ink-2 text-sm">
        {by === null ? t('byNobody', { way: via }) : t('by', { way: via, person: by })} · <RelativeTime at={at} /> ·{' '}
        {size(bytes)}
        {run !== null && base !== null && (
          <>
            {' '}
            · <Link href={`${base}/${run.syncRunId}`}>{t('run')}</Link>
          </>
        )}
      </p>
      {run !== null && <WhatCame run={run} />}
    </li>
  );
}

function WhatCame({ run }: { run: NonNullable<Handed['run']> }) {
  const t = useTranslations('packages.list');
  const format = useFormatter();
  const problem = useProblemText();
  const reason = useAsideReason();
  const sum = (what: 'added' | 'changed' | 'gone' | 'returned') =>
    run.counts.reduce((total, counts) => total + (counts[what] ?? 0), 0);
  return (
    <>
      {run.state === 'succeeded' && (
        <p className="tabular-nums">
          {t('changes', { added: sum('added') + sum('returned'), changed: sum('changed'), gone: sum('gone') })}
        </p>
      )}
      {run.state === 'held' && <p className="font-semibold">{t('held')}</p>}
      {run.errorCode !== null && (
        <p className="font-semibold text-fail">
          {problem(run.errorCode, typeof run.errorDetails === 'object' ? { ...run.errorDetails } : {})}
        </p>
      )}
      {run.setAside > 0 && (
        <div className="text-sm">
          <p className="font-semibold">{t('setAside', { count: run.setAside })}</p>
          <ul className="grid gap-1">
            {run.problems.map(({ file, line, column, reason: why }) => (
              <li key={`${file} ${line} ${column} ${why}`} className="break-words">
                <span className="text-ink-2">
                  {t('place', {
                    file: file ?? '',
                    line: line === null ? 'none' : format.number(line),
                    column: column ?? 'none',
                  })}
                </span>{' '}
                {reason(why, { file, column })}
              </li>
            ))}
          </ul>
          {run.setAside > run.problems.length && (
            <p className="text-ink-2">{t('more', { count: run.setAside - run.problems.length })}</p>
          )}
        </div>
      )}
    </>
  );
}
