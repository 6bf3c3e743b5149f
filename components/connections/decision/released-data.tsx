'use client';

import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { Section } from '#components/ui/card.tsx';
import { CountWords } from '../count-words.tsx';
import type { Choice, Decision } from './decision.ts';

/** Exactly which data, with counts and how far they can be relied on; what is optional can be left out. */
export function ReleasedData({
  decision: { scopes, released, state, reach, consumer, system },
  choice,
  onChoice,
  children,
}: {
  decision: Decision;
  /** Narrowing to sites. */
  children?: ReactNode;
  choice: Choice;
  onChoice: (choice: Choice) => void;
}) {
  const t = useTranslations('decision');
  const words = useTranslations('connections');
  const mayDecide = state === 'requested' && reach !== null;
  return (
    <Section title={t('data.title')}>
      <ul>
        {scopes.map(({ scope, required, ...counted }) => {
          const isIn = !choice.withoutScopes.includes(scope);
          const status = required ? t('data.required') : t('data.optional');
          return (
            <li key={scope} className="border-line border-t first:border-0">
              <label className="grid grid-cols-[22px_minmax(0,1fr)] items-start gap-x-3 py-2.5 sm:grid-cols-[22px_minmax(0,1fr)_190px]">
                <input
                  type="checkbox"
                  className="mt-0.5 size-[18px] accent-accent"
                  checked={isIn}
                  disabled={required || !mayDecide}
                  onChange={(event) =>
                    onChoice({
                      ...choice,
                      withoutScopes: event.target.checked
                        ? choice.withoutScopes.filter((other) => other !== scope)
                        : [...choice.withoutScopes, scope],
                    })
                  }
                />
                <span>
                  <span className="inline-block font-semibold first-letter:uppercase">{words(`scope.${scope}`)}</span>{' '}
                  <span className="text-ink-2 text-sm">
                    · {status}
                    {released !== null && ` · ${released.scopes.includes(scope) ? t('data.already') : t('data.new')}`}
                  </span>
                  <span className="block text-ink-2 text-sm">
                    {words(`scopeDetail.${scope}`)}
                    {!required && mayDecide && ` · ${t('data.optionalHint')}`}
                  </span>
                </span>
                <span className="col-start-2 sm:col-start-3 sm:text-right">
                  <CountWords of={counted} />
                </span>
              </label>
            </li>
          );
        })}
      </ul>
      {consumer === 'marketplace' && (
        <p className="border-line border-t pt-3 text-ink-2 text-sm">{t('data.noPeople', { system: system.name })}</p>
      )}
      {children}
    </Section>
  );
}
