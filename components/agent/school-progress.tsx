import { Check } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { classNames } from '#components/ui/class-names.ts';
import type { PipelineRow } from './stage-badge.tsx';

const steps = ['draw-up', 'sent', 'signed', 'in-force', 'connected'] as const;

/** How many steps are behind this school. */
function doneSteps(row: PipelineRow): number {
  if (row.live > 0) return 5;
  switch (row.agreementState) {
    case 'in-force':
    case 'notice-given':
      return 4;
    case 'signed':
      return 3;
    case 'sent':
      return 2;
    case 'draft':
      return 1;
    default:
      return 0;
  }
}

/** The way of a school from the first draft to the first live connection. */
export function SchoolProgress({ row }: { row: PipelineRow }) {
  const t = useTranslations('schools.progress');
  const done = doneSteps(row);
  return (
    <ol aria-label={t('label')} className="grid gap-3 sm:grid-cols-5">
      {steps.map((step, index) => {
        const state = index < done ? 'done' : index === done ? 'now' : 'later';
        return (
          <li key={step} aria-current={state === 'now' ? 'step' : undefined} className="flex gap-3 sm:grid sm:gap-2">
            <span className="flex items-center gap-2">
              <span
                aria-hidden
                className={classNames(
                  'grid size-6 shrink-0 place-items-center rounded-full border-2 font-semibold text-xs',
                  state === 'done' && 'border-live bg-live text-paper',
                  state === 'now' && 'border-accent text-accent',
                  state === 'later' && 'border-line text-ink-2',
                )}
              >
                {state === 'done' ? <Check className="size-3.5" /> : index + 1}
              </span>
              <span aria-hidden className="hidden h-0.5 flex-1 bg-line sm:block" />
            </span>
            <span className={state === 'later' ? 'text-ink-2' : state === 'now' ? 'font-semibold' : undefined}>
              {t(step)}
              <span className="sr-only"> ({t(state)})</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
