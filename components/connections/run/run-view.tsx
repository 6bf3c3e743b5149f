'use client';

import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Ask, Section } from '#components/ui/card.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime, useAgo } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { CallLog } from '../call-log.tsx';
import { lookOfRun } from '../state-look.ts';
import { isUnderWay, SyncProgress, useDuration } from '../sync-progress.tsx';
import { HeldDecision } from './held-decision.tsx';
import { RunDiff } from './run-diff.tsx';
import { SetAside } from './set-aside.tsx';
import { UndoRun } from './undo-run.tsx';

type Detail = Outputs['sync']['run'];

/** One sync whole: what came, what changed, oddities of the system, records set aside, and the held diff to decide on. */
export function RunView({
  schoolId,
  connectionId,
  syncRunId,
  roles,
}: {
  schoolId: string;
  connectionId: string;
  syncRunId: string;
  roles: readonly SchoolRole[];
}) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.run');
  const sync = useTranslations('sync');
  const errors = useTranslations('errors');
  const ago = useAgo();
  const duration = useDuration();
  const queryClient = useQueryClient();
  const { data } = useSuspenseQuery({
    ...trpc.sync.run.queryOptions({ schoolId, syncRunId }),
    refetchInterval: (query) => (isUnderWay(query.state.data?.run) ? 1_500 : false),
  });
  const { run, systemName: system } = data;
  const base = `/school/${schoolId}/connections/${connectionId}`;
  const moving = isUnderWay(run);
  const onChange = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: trpc.sync.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() }),
    ]);
  const took =
    run.startedAt === null || run.finishedAt === null
      ? null
      : t('took', { time: duration((run.finishedAt.getTime() - run.startedAt.getTime()) / 1000) });
  return (
    <>
      <PageHeader
        above={
          <span className="inline-flex flex-wrap gap-x-2">
            <Link href={base} className="text-ink-2">
              {t('above')}
            </Link>
            <span aria-hidden>/</span>
            <Link href={`${base}/runs`} className="text-ink-2">
              {t('aboveRuns')}
            </Link>
          </span>
        }
        title={t('title', { system })}
        standing={
          <span role="status">
            <StateBadge look={lookOfRun(run.state)} className="mr-2">
              {sync(`state.${run.state}`)}
            </StateBadge>
            {[
              sync(`trigger.${run.trigger}`),
              ago(run.startedAt ?? run.createdAt),
              ...(took === null ? [] : [took]),
            ].join(' · ')}
          </span>
        }
        action={
          data.undoableUntil !== null && roles.includes('school-administrator') ? (
            <UndoRun
              schoolId={schoolId}
              syncRunId={syncRunId}
              until={data.undoableUntil}
              base={base}
              onChange={onChange}
            />
          ) : undefined
        }
      />
      <div className="grid gap-4">
        {moving && <SyncProgress run={run} />}
        {run.state === 'failed' && (
          <Ask look="fail">
            <strong className="block">{t('failedTitle')}</strong>
            {run.errorCode !== null && errors.has(run.errorCode) ? errors(run.errorCode) : errors('internal')}{' '}
            <span className="text-ink-2">{t('again')}</span>
          </Ask>
        )}
        {data.undoneBy !== null && (
          <Ask>
            {sync('undo.undone')} <Link href={`${base}/runs/${data.undoneBy}`}>{sync('undo.undoneLink')}</Link>
          </Ask>
        )}
        {data.undoOf !== null && (
          <Ask look="live">
            {sync('undo.of')} <Link href={`${base}/runs/${data.undoOf}`}>{sync('undo.ofLink')}</Link>
          </Ask>
        )}
        {data.held !== null && (
          <HeldDecision
            schoolId={schoolId}
            syncRunId={syncRunId}
            data={data}
            held={data.held}
            roles={roles}
            onChange={onChange}
          />
        )}
        {!moving && <Counts run={run} />}
        <RunDiff key={run.state} schoolId={schoolId} syncRunId={syncRunId} data={data} />
        <div className="grid items-start gap-4 md:grid-cols-2">
          {/* While it goes on nobody knows yet that all could be read. */}
          {(!moving || data.setAside.count > 0) && <SetAside schoolId={schoolId} syncRunId={syncRunId} data={data} />}
          <div className="grid gap-4">
            <About data={data} base={base} />
            {(!moving || data.deviations.length > 0) && <Deviations data={data} system={system} />}
          </div>
        </div>
        {roles.some((role) => role !== 'signatory') && !run.imported && (
          <CallLog
            schoolId={schoolId}
            systemId={run.systemId}
            systemName={system}
            syncRunId={syncRunId}
            marketplaceOnly={data.scopes.every(
              (scope) =>
                scope === 'roster.subjects' ||
                scope === 'roster.streams' ||
                scope === 'roster.groups' ||
                scope === 'lms.courses',
            )}
          />
        )}
      </div>
    </>
  );
}

const counted = [
  'fetched',
  'added',
  'changed',
  'returned',
  'unchanged',
  'missing',
  'gone',
  'setAside',
] as const satisfies readonly (keyof Detail['run']['counts'][number])[];

function Counts({ run }: { run: Detail['run'] }) {
  const t = useTranslations('connectionPage.run');
  const sync = useTranslations('sync');
  const format = useFormatter();
  if (run.counts.length === 0) return null;
  // A column of noughts says nothing: who returned is told where somebody did.
  const columns = counted.filter((what) => what !== 'returned' || run.counts.some((row) => (row.returned ?? 0) > 0));
  return (
    <Section title={t('table')}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1) */}
      <section className="overflow-x-auto" aria-label={t('table')} tabIndex={0}>
        <table className="w-full border-collapse">
          <thead>
            <tr>
              <th scope="col" className="border-line border-b py-2 pr-4 text-left font-semibold text-ink-2 text-sm">
                {t('collection')}
              </th>
              {columns.map((what) => (
                <th
                  key={what}
                  scope="col"
                  className="border-line border-b py-2 pl-4 text-right font-semibold text-ink-2 text-sm"
                >
                  {sync(`count.${what}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {run.counts.map((counts) => (
              <tr key={counts.collection} className="[&:last-child>*]:border-0">
                <th scope="row" className="border-line border-b py-2 pr-4 text-left font-semibold">
                  {sync(`collection.${counts.collection}`)}
                </th>
                {columns.map((what) => {
                  const value = counts[what];
                  return (
                    <td key={what} className="border-line border-b py-2 pl-4 text-right tabular-nums">
                      {value === null ? '–' : format.number(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="max-w-prose text-ink-2 text-sm">
        {sync('count.missing')}: {sync('countHelp.missing')}{' '}
        {run.counts.some(({ complete }) => complete === false) && sync('countHelp.incomplete')}
      </p>
    </Section>
  );
}

/** How it was read, and what was decided. */
function About({ data, base }: { data: Detail; base: string }) {
  const t = useTranslations('connectionPage.run');
  const sync = useTranslations('sync');
  const format = useFormatter();
  const { run, upload, decidedBy, decidedAt } = data;
  return (
    <Section title={t('about')}>
      <Facts
        items={[
          [
            t('kind'),
            <span key="kind">
              {sync(`kind.${run.kind}`)}
              <span className="block text-ink-2 text-sm">{sync(`kindHelp.${run.kind}`)}</span>
            </span>,
          ],
          [
            t('file'),
            upload === null ? null : (
              <span key="file" className="[overflow-wrap:anywhere]">
                {upload.fileName}
                <span className="block text-ink-2 text-sm">{sync(`via.${upload.via}`)}</span>
                {run.sameAs !== null && (
                  <span className="block">
                    {t('same')} <Link href={`${base}/runs/${run.sameAs}`}>{t('sameLink')}</Link>
                  </span>
                )}
              </span>
            ),
          ],
          [
            t('drift'),
            run.drift === null ? null : (
              <span key="drift">
                {run.drift === 0 ? t('driftNone') : t('driftSome', { count: run.drift })}
                <span className="block text-ink-2 text-sm">{t('driftHelp')}</span>
              </span>
            ),
          ],
          [
            t('decided'),
            decidedAt === null ? null : (
              <span key="decided">
                {run.state === 'discarded'
                  ? t('decidedDiscarded', { by: decidedBy ?? '' })
                  : t('decidedApplied', { by: decidedBy ?? '', as: run.appliedAs ?? 'all' })}{' '}
                <RelativeTime at={decidedAt} />
              </span>
            ),
          ],
          [t('queued'), <RelativeTime key="queued" at={run.createdAt} />],
          [t('records'), run.fetched === 0 ? null : format.number(run.fetched)],
        ]}
      />
    </Section>
  );
}

function Deviations({ data: { deviations }, system }: { data: Detail; system: string }) {
  const t = useTranslations('connectionPage.run');
  const sync = useTranslations('sync');
  return (
    <Section title={t('deviations', { system })}>
      {deviations.length === 0 ? (
        <p className="text-ink-2">{t('deviationsNone', { system })}</p>
      ) : (
        <>
          <p className="max-w-prose text-ink-2 text-sm">{t('deviationsLead', { system })}</p>
          <ul className="grid gap-1.5">
            {deviations.map(({ key, pages }) => (
              <li key={key}>
                {sync.has(`deviation.${key}`) ? sync(`deviation.${key}`) : key}{' '}
                <span className="text-ink-2 text-sm">{t('pages', { count: pages })}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Section>
  );
}
