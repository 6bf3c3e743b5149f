'use client';

import { useFormatter, useTranslations } from 'next-intl';
import { Chip } from '#components/ui/state-badge.tsx';
import { type Scope, scopes } from '#db/schema/vocabulary.ts';

const isScope = (text: string): text is Scope => scopes.some((scope) => scope === text);

/** "subjects, streams and groups". */
export function useScopeWords(): (given: readonly string[]) => string {
  const t = useTranslations('connections');
  const format = useFormatter();
  return (given) => format.list(given.filter(isScope).map((scope) => t(`scope.${scope}`)));
}

/** What flows, one chip for each. */
export function ScopeChips({ of }: { of: readonly string[] }) {
  const t = useTranslations('connections');
  return (
    <span className="inline-flex flex-wrap">
      {of.filter(isScope).map((scope) => (
        <Chip key={scope}>{t(`scope.${scope}`)}</Chip>
      ))}
    </span>
  );
}
