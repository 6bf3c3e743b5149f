'use client';

import { useFormatter, useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { Card } from '#components/ui/card.tsx';
import { Progress } from '#components/ui/progress.tsx';

type Run = Outputs['push']['page']['runs'][number];

/** A push under way. It lives on the server; leaving or reloading the page changes nothing. */
export function PushProgress({ run }: { run: Pick<Run, 'state' | 'phase' | 'progress'> }) {
  const t = useTranslations('push');
  const format = useFormatter();
  const phase = run.state === 'queued' || run.phase === null ? 'queued' : run.phase;
  const done = run.progress?.done ?? null;
  const total = run.progress?.total ?? null;
  const entity = run.progress?.entity ?? null;
  return (
    <Card className="grid gap-2" aria-live="polite">
      <h2>{t(`phase.${phase}`)}</h2>
      <p className="text-ink-2 text-sm tabular-nums">
        {[
          ...(entity === null ? [] : [t(`entity.${entity}`)]),
          ...(done === null || total === null
            ? []
            : [t('progress', { done: format.number(done), total: format.number(total) })]),
        ].join(' · ')}
      </p>
      <Progress
        value={done === null || total === null || total === 0 ? null : done / total}
        label={t(`phase.${phase}`)}
      />
    </Card>
  );
}
