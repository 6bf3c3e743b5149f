'use client';

import { useTranslations } from 'next-intl';
import { Section } from '#components/ui/card.tsx';
import { CopyBlock } from '#components/ui/copy-block.tsx';
import { Copyable } from '#components/ui/copyable.tsx';
import { useConnectorText } from '../connector-text.ts';
import type { SetUp } from './set-up.ts';

/** The clicks over there, in order, with what is copied from here. Folded away once everything works. */
export function SetUpGuide({ system, open }: { system: SetUp; open: boolean }) {
  const t = useTranslations('systemPage.guide');
  const text = useConnectorText();
  const steps = (
    <ol className="grid gap-3">
      {system.guide.map((step, index) => (
        <li key={step.text} className="grid grid-cols-[26px_minmax(0,1fr)] gap-x-3">
          <span
            aria-hidden
            className="mt-px inline-flex size-[22px] items-center justify-center rounded-full bg-sunken font-semibold text-xs"
          >
            {index + 1}
          </span>
          <div className="grid gap-1.5">
            <p className="max-w-prose">{text(step.text)}</p>
            {step.copy !== null &&
              (step.copy === '' ? (
                <p className="text-ink-2 text-sm">{t('afterAddress')}</p>
              ) : step.copy.includes('\n') ? (
                <CopyBlock text={step.copy} label={t('copyAll', { step: index + 1 })} />
              ) : (
                <span>
                  <Copyable text={step.copy} />
                </span>
              ))}
          </div>
        </li>
      ))}
    </ol>
  );
  return (
    <Section title={t('title')}>
      {open ? (
        <>
          <p className="text-ink-2 text-sm">{t('lead', { system: system.name })}</p>
          {steps}
        </>
      ) : (
        <details>
          <summary className="min-h-6 cursor-pointer text-accent">
            {t('stepsOpen', { count: system.guide.length })}
          </summary>
          <div className="mt-3">{steps}</div>
        </details>
      )}
    </Section>
  );
}
