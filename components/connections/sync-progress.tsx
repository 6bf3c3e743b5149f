'use client';

import { useFormatter, useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { Card } from '#components/ui/card.tsx';
import { classNames } from '#components/ui/class-names.ts';
import { Progress } from '#components/ui/progress.tsx';
import { syncPhases } from '#db/schema/vocabulary.ts';

type Run = NonNullable<Outputs['sync']['progress'][number]['run']>;

/** Whether a run still goes on, so that a page asks again soon. */
export function isUnderWay(run: { readonly state: string } | null | undefined): boolean {
  return run?.state === 'queued' || run?.state === 'running';
}

/** "2 minutes", "40 seconds". */
export function useDuration(): (seconds: number) => string {
  const t = useTranslations('connectionPage.progress');
  return (seconds) =>
    seconds < 90
      ? t('seconds', { count: Math.max(1, Math.round(seconds)) })
      : t('minutes', { count: Math.round(seconds / 60) });
}

/** A sync under way: phase, counts, rate, time left. It lives on the server; leaving or reloading the page changes nothing. */
export function SyncProgress({ run }: { run: Run }) {
  const t = useTranslations('connectionPage.progress');
  const sync = useTranslations('sync');
  const format = useFormatter();
  const duration = useDuration();
  if (run.state === 'queued') {
    return (
      <Card className="grid gap-2" aria-live="polite">
        <h2>{t('queuedTitle')}</h2>
        <p className="text-ink-2">{t('queuedBody')}</p>
        <Progress value={null} label={t('queuedTitle')} />
      </Card>
    );
  }
  const known = run.counts.every(({ total }) => total !== null)
    ? run.counts.reduce((sum, { total }) => sum + (total ?? 0), 0)
    : null;
  // What the phase tells of itself, else what the counts say of fetching.
  const { done, total } = run.live ?? { done: run.fetched, total: run.phase === 'fetch' ? known : null };
  const at = run.phase === null ? 0 : syncPhases.indexOf(run.phase);
  const line = [
    run.live?.collection == null ? null : sync(`collection.${run.live.collection}`),
    total === null || total === 0
      ? t('recordsUnknown', { fetched: format.number(done) })
      : t('records', { fetched: format.number(done), total: format.number(total) }),
    run.rate === null ? null : t('rate', { rate: format.number(run.rate) }),
    run.secondsLeft === null ? null : t('left', { time: duration(run.secondsLeft) }),
  ].filter((part) => part !== null);
  return (
    <Card className="grid gap-3">
      <h2>{t('title')}</h2>
      <ol aria-label={t('phases')} className="flex flex-wrap gap-x-4 gap-y-1 text-sm">
        {syncPhases.map((phase, index) => (
          <li
            key={phase}
            aria-current={index === at ? 'step' : undefined}
            className={classNames(
              index === at ? 'font-semibold text-ink' : 'text-ink-2',
              index < at && 'line-through decoration-1',
            )}
          >
            {sync(`phase.${phase}`)}
          </li>
        ))}
      </ol>
      <Progress value={total !== null && total > 0 ? done / total : null} label={t('title')} />
      <p role="status">
        {line.join(' · ')} <span className="text-ink-2 text-sm">{t('reload')}</span>
      </p>
      <ul className="grid gap-x-6 gap-y-1 text-sm sm:grid-cols-3">
        {run.counts.map(({ collection, fetched, total: inSystem }) => (
          <li key={collection} className="flex justify-between gap-3">
            <span className="text-ink-2">{sync(`collection.${collection}`)}</span>
            <span className="tabular-nums">
              {format.number(fetched ?? 0)}
              {inSystem !== null && ` / ${format.number(inSystem)}`}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
