'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { lookOfRun } from '#components/connections/state-look.ts';
import { isUnderWay } from '#components/connections/sync-progress.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask, Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { CarryList } from './carry-list.tsx';
import { PushProgress } from './push-progress.tsx';
import { PushRows } from './push-rows.tsx';

type Detail = Outputs['push']['run'];

/** One push whole: what it would write or wrote, and the decision where it waits for one. */
export function PushRunView({
  schoolId,
  connectionId,
  pushRunId,
}: {
  schoolId: string;
  connectionId: string;
  pushRunId: string;
}) {
  const trpc = useTRPC();
  const t = useTranslations('push');
  const sync = useTranslations('sync');
  const errors = useTranslations('errors');
  const queryClient = useQueryClient();
  const { data: run } = useSuspenseQuery({
    ...trpc.push.run.queryOptions({ schoolId, pushRunId }),
    refetchInterval: (query) => (isUnderWay(query.state.data) ? 1_500 : false),
  });
  const base = `/school/${schoolId}/connections/${connectionId}`;
  const onChange = () => queryClient.invalidateQueries({ queryKey: trpc.push.pathKey() });
  const moving = isUnderWay(run);
  return (
    <>
      <PageHeader
        above={
          <Link href={`${base}/push`} className="text-ink-2">
            {t('run.above', { lms: run.lms.name })}
          </Link>
        }
        title={t(run.ending === null ? 'run.heading' : 'run.headingEnding', { lms: run.lms.name })}
        standing={
          <span role="status">
            <StateBadge look={lookOfRun(run.state)} className="mr-2">
              {run.state === 'held' ? t('held.badge') : sync(`state.${run.state}`)}
            </StateBadge>
            {t(run.ending === null ? `trigger.${run.trigger}` : `ending.${run.ending}.short`)} ·{' '}
            <RelativeTime at={run.startedAt ?? run.createdAt} />
          </span>
        }
      />
      <div className="grid gap-4">
        {moving && <PushProgress run={run} />}
        {run.state === 'failed' && (
          <Ask look="fail">
            <strong className="block">{t('run.failed')}</strong>
            {run.errorCode !== null && errors.has(run.errorCode) ? errors(run.errorCode) : errors('internal')}{' '}
            <span className="text-ink-2">{t('run.failedNext')}</span>
          </Ask>
        )}
        {run.held !== null && <Held schoolId={schoolId} run={run} held={run.held} onChange={onChange} />}
        <Counts run={run} />
        {run.state === 'held' && <CarryList lms={run.lms} carries={run.carries} />}
        <PushRows key={run.state} schoolId={schoolId} run={run} onChange={onChange} />
      </div>
    </>
  );
}

/** Why it waits, and the yes or no to exactly this plan. */
function Held({
  schoolId,
  run,
  held,
  onChange,
}: {
  schoolId: string;
  run: Detail;
  held: NonNullable<Detail['held']>;
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('push');
  const format = useFormatter();
  const { pushRunId } = run;
  const approve = useMutation(trpc.push.approve.mutationOptions({ onSuccess: onChange }));
  const discard = useMutation(trpc.push.discard.mutationOptions({ onSuccess: onChange }));
  return (
    <Ask
      action={
        run.mayDecide ? (
          <div className="flex flex-wrap gap-2">
            <Button
              variant="primary"
              pending={approve.isPending}
              onClick={() => approve.mutate({ schoolId, pushRunId, mark: held.mark })}
            >
              {t('held.approve')}
            </Button>
            <Button pending={discard.isPending} onClick={() => discard.mutate({ schoolId, pushRunId })}>
              {t('held.discard')}
            </Button>
          </div>
        ) : undefined
      }
    >
      <strong className="block">{t('held.title')}</strong>
      <ul className="text-ink-2">
        {held.reasons.map(({ kind, entity, count, of, limit }) => (
          <li key={`${kind} ${entity ?? ''}`}>
            {t(`held.reason.${kind}`, {
              entity: entity !== null && t.has(`entity.${entity}`) ? t(`entity.${entity}`) : '',
              count: format.number(count),
              of: format.number(of),
              limit: format.number(limit, { style: 'percent' }),
            })}
          </li>
        ))}
        {run.unanswered > 0 && <li>{t('held.asked', { count: run.unanswered })}</li>}
      </ul>
      <ErrorNotice error={approve.error ?? discard.error} />
    </Ask>
  );
}

const shown = [
  'create',
  'adopt',
  'update',
  'restore',
  'suspend',
  'remove',
  'propose',
  'ask',
  'wait',
  'set-aside',
] as const;

/** What is planned and what became of it, by what it is about. */
function Counts({ run }: { run: Detail }) {
  const t = useTranslations('push');
  const format = useFormatter();
  const words = shown.filter((word) => run.counts.some(({ of }) => (of[word] ?? 0) > 0));
  const isOver = run.state !== 'held' && run.state !== 'queued';
  const ends = isOver
    ? (['done', 'failed', 'unknown'] as const).filter((word) => run.counts.some(({ of }) => (of[word] ?? 0) > 0))
    : [];
  if (run.counts.length === 0) {
    return run.state === 'succeeded' ? <p className="text-ink-2">{t('run.nothing')}</p> : null;
  }
  return (
    <Section title={t(isOver ? 'run.result' : 'run.plan')}>
      <div className="overflow-x-auto">
        <table className="w-full text-sm">
          <caption className="sr-only">{t('run.plan')}</caption>
          <thead>
            <tr className="text-ink-2">
              <th scope="col" className="py-1 pr-2 text-left font-normal">
                {t('ledger.what')}
              </th>
              {[...words, ...ends].map((word) => (
                <th key={word} scope="col" className="px-2 py-1 text-right font-normal">
                  {t(`action.${word}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {run.counts.map(({ entity, of }) => (
              <tr key={entity} className="border-line border-t">
                <th scope="row" className="py-1 pr-2 text-left font-normal">
                  {t(`entity.${entity}`)}
                </th>
                {[...words, ...ends].map((word) => (
                  <td key={word} className="px-2 py-1 text-right tabular-nums">
                    {(of[word] ?? 0) === 0 ? <span className="text-ink-2">–</span> : format.number(of[word] ?? 0)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}
