'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask, Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { useAgo } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { CallLog } from './call-log.tsx';
import { lookOfRun } from './state-look.ts';
import { isUnderWay, SyncProgress, useDuration } from './sync-progress.tsx';

type Detail = Outputs['sync']['run'];

/** One sync whole: counts by collection, oddities of the system, records set aside, and the held diff to decide on. */
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
  const { data: progress } = useSuspenseQuery(trpc.sync.progress.queryOptions({ schoolId }));
  const { run } = data;
  const system = progress.find(({ systemId }) => systemId === run.systemId)?.name ?? '';
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
          <Link href={`/school/${schoolId}/connections/${connectionId}`} className="text-ink-2">
            {t('above')}
          </Link>
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
      />
      <div className="grid gap-4">
        {isUnderWay(run) && <SyncProgress run={run} />}
        {run.state === 'failed' && (
          <Ask look="fail">
            <strong className="block">{t('failedTitle')}</strong>
            {run.errorCode !== null && errors.has(run.errorCode) ? errors(run.errorCode) : errors('internal')}{' '}
            <span className="text-ink-2">{t('again')}</span>
          </Ask>
        )}
        {data.held !== null && (
          <Held
            schoolId={schoolId}
            syncRunId={syncRunId}
            data={data}
            held={data.held}
            roles={roles}
            onChange={onChange}
          />
        )}
        <Counts run={run} />
        <div className="grid items-start gap-4 md:grid-cols-2">
          <SetAside data={data} system={system} />
          <Deviations data={data} system={system} />
        </div>
        {roles.some((role) => role !== 'signatory') && (
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

function Held({
  schoolId,
  syncRunId,
  data,
  held,
  roles,
  onChange,
}: {
  schoolId: string;
  syncRunId: string;
  data: Detail;
  held: NonNullable<Detail['held']>;
  roles: readonly SchoolRole[];
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.run');
  const sync = useTranslations('sync');
  const input = { schoolId, syncRunId, fingerprint: held.fingerprint };
  const apply = useMutation(
    trpc.sync.applyHeld.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('applied'));
      },
    }),
  );
  const discard = useMutation(
    trpc.sync.discardHeld.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('discarded'));
      },
    }),
  );
  const mayDecide = roles.includes('school-administrator');
  return (
    <Section title={sync('held.title')} className="border-l-4 border-l-wait">
      <ul className="grid gap-1">
        {held.reasons.map(({ collection, kind, count, of, limit }) => (
          <li key={`${collection}-${kind}`} className="font-semibold">
            {sync(`held.${kind}`, { collection: sync(`collection.${collection}`), count, of, limit })}
          </li>
        ))}
      </ul>
      {Object.entries(held.collections)
        .filter(([, diff]) => diff !== undefined && diff.goneNames.length + diff.changedNames.length > 0)
        .map(([collection, diff]) => (
          <div key={collection} className="grid gap-1 text-sm">
            {diff !== undefined && diff.goneNames.length > 0 && (
              <p>
                <span className="text-ink-2">{t('heldGoneTitle')}: </span>
                {diff.goneNames.join(', ')}
              </p>
            )}
            {diff !== undefined && diff.changedNames.length > 0 && (
              <p>
                <span className="text-ink-2">{t('heldChangedTitle')}: </span>
                {diff.changedNames.join(', ')}
              </p>
            )}
          </div>
        ))}
      {!data.isNewest && <p className="text-ink-2">{t('old')}</p>}
      {mayDecide ? (
        <div className="flex flex-wrap gap-2">
          <ConfirmDialog
            trigger={<Button variant="primary">{sync('held.apply')}</Button>}
            title={t('applyTitle')}
            description={sync('held.applyConsequence')}
            confirm={sync('held.apply')}
            danger={false}
            onConfirm={() => apply.mutateAsync(input)}
          >
            <ErrorNotice error={apply.error} />
          </ConfirmDialog>
          <ConfirmDialog
            trigger={<Button>{sync('held.discard')}</Button>}
            title={t('discardTitle')}
            description={sync('held.discardConsequence')}
            confirm={sync('held.discard')}
            onConfirm={() => discard.mutateAsync(input)}
          >
            <ErrorNotice error={discard.error} />
          </ConfirmDialog>
        </div>
      ) : (
        <p className="text-ink-2">{t('notAdministrator')}</p>
      )}
    </Section>
  );
}

const counted = ['fetched', 'added', 'changed', 'unchanged', 'missing', 'gone', 'setAside'] as const;

function Counts({ run }: { run: Detail['run'] }) {
  const t = useTranslations('connectionPage.run');
  const sync = useTranslations('sync');
  const format = useFormatter();
  if (run.counts.length === 0) return null;
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
              {counted.map((what) => (
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
                {counted.map((what) => {
                  const value = counts[what];
                  return (
                    <td key={what} className="border-line border-b py-2 pl-4 text-right">
                      {value === null ? '–' : format.number(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="text-ink-2 text-sm">
        {sync('count.missing')}: {sync('countHelp.missing')}{' '}
        {run.counts.some(({ complete }) => complete === false) && sync('countHelp.incomplete')}
      </p>
    </Section>
  );
}

function SetAside({ data: { setAside }, system }: { data: Detail; system: string }) {
  const t = useTranslations('connectionPage.run');
  const sync = useTranslations('sync');
  const format = useFormatter();
  const reasonOf = (reason: string) => (sync.has(`reason.${reason}`) ? sync(`reason.${reason}`) : reason);
  const collectionOf = (collection: string) =>
    sync.has(`collection.${collection}`) ? sync(`collection.${collection}`) : collection;
  return (
    <Section title={t('setAside')}>
      {setAside.reasons.length === 0 ? (
        <p className="text-ink-2">{t('setAsideNone')}</p>
      ) : (
        <>
          <p className="max-w-prose text-ink-2 text-sm">{t('setAsideLead')}</p>
          <ul className="grid gap-1">
            {setAside.reasons.map(({ collection, field, reason, count }) => (
              <li key={`${collection}-${field}-${reason}`}>
                <strong>{format.number(count)}</strong> {collectionOf(collection)} · {reasonOf(reason)}
                {field !== null && <code className="ml-2 font-mono text-ink-2 text-sm">{field}</code>}
              </li>
            ))}
          </ul>
          <details>
            <summary className="min-h-6 cursor-pointer text-accent">
              {t('setAsideMore', { count: setAside.records.length })}
            </summary>
            <ul className="mt-2 grid gap-1 text-sm">
              {setAside.records.map((record, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the list of an ended run does not change
                <li key={index} className="break-all">
                  {collectionOf(record.collection)} · {t('sourceId', { system })}{' '}
                  <code className="font-mono">{record.sourceId ?? '–'}</code> · {reasonOf(record.reason)}
                </li>
              ))}
            </ul>
          </details>
        </>
      )}
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
