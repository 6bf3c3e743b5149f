'use client';

import { Check, Lightbulb, X } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useScopeWords } from '../scope-words.tsx';
import type { HeldCredential } from './set-up.ts';

type Proof = NonNullable<HeldCredential['proof']>;
type Result = Proof['results'][number];

/** What a real call for each kind of data answered, and what to do where it did not. */
export function TrialResult({ proof }: { proof: Proof }) {
  const t = useTranslations('systemPage.trial');
  const connectors = useTranslations('connectors');
  const scopeWords = useScopeWords();
  const explain = useExplanation();
  // A wrong secret fails for every kind of data alike: one line says it.
  const lines = [...Map.groupBy(proof.results, (result) => (result.ok ? result.scope : explain(result))).entries()];
  return (
    <div className="grid gap-2">
      <h3>{t('checked')}</h3>
      <ul className="grid gap-2">
        {lines.map(([text, results]) => (
          <li key={text} className="grid grid-cols-[20px_minmax(0,1fr)] gap-x-2">
            {results.every(({ ok }) => ok) ? (
              <Check className="mt-0.5 size-4 text-live" aria-hidden />
            ) : (
              <X className="mt-0.5 size-4 text-fail" aria-hidden />
            )}
            <span>
              <strong className="inline-block font-semibold first-letter:uppercase">
                {scopeWords(results.map(({ scope }) => scope))}
              </strong>{' '}
              {results.every(({ ok }) => ok) ? <span className="text-ink-2">{t('works')}</span> : <span>· {text}</span>}
            </span>
          </li>
        ))}
      </ul>
      {proof.actsAs !== null && <p className="text-ink-2 text-sm">{t('actsAs', { name: proof.actsAs.name })}</p>}
      {proof.advice.map((key) => (
        <p key={key} className="flex items-start gap-2 text-sm">
          <Lightbulb className="mt-0.5 size-4 shrink-0 text-wait" aria-hidden />
          {connectors.has(`advice.${key}`) ? connectors(`advice.${key}`) : key}
        </p>
      ))}
    </div>
  );
}

/** What the system answered, in words: the connector's own problem first, else the error's text and where it arose. */
function useExplanation(): (result: Result) => string {
  const t = useTranslations('systemPage.trial.at');
  const errors = useTranslations('errors');
  const connectors = useTranslations('connectors');
  return ({ errorCode, details }) => {
    const values = Object.fromEntries(
      Object.entries(details).map(([key, value]) => [
        key,
        Array.isArray(value) ? value.join(', ') : value === null ? '' : String(value),
      ]),
    );
    const problem = typeof details.problem === 'string' ? `problem.${details.problem}` : null;
    if (problem !== null && connectors.has(problem)) return connectors(problem, values);
    const code = errorCode ?? 'internal';
    const where = [
      details.at === 'token-address' || details.at === 'base-address' ? t(details.at) : null,
      typeof details.status === 'number' ? t('http', { status: details.status }) : null,
    ].filter((part) => part !== null);
    const text = errors.has(code) ? errors(code, values) : errors('internal');
    return where.length === 0 ? text : `${text} (${where.join(', ')})`;
  };
}
