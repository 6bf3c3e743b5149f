import { useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { shownError } from '#components/ui/error-notice.tsx';
import { type FoundProblem, settingsProblems } from '#server/features/sync-settings/settings-rules.ts';

/** What each of the page's forms gets. */
export interface SettingsForm {
  readonly schoolId: string;
  readonly systemId: string;
  readonly page: Outputs['syncSettings']['page'];
  readonly onSaved: () => Promise<void>;
}

/** What is wrong at a place of the form, in words; what the server found besides counts too. */
export function useProblemWords(found: readonly FoundProblem[], error: unknown) {
  const t = useTranslations('syncSettings.problem');
  const told = error === null || error === undefined ? [] : (shownError(error).details.problems ?? []);
  const all: FoundProblem[] = [...found];
  for (const entry of Array.isArray(told) ? told : []) {
    const at = entry.lastIndexOf(':');
    const problem = settingsProblems.find((candidate) => candidate === entry.slice(at + 1));
    if (problem !== undefined) all.push({ path: entry.slice(0, at), problem });
  }
  return (path: string): string | null => {
    const here = all.find((candidate) => candidate.path === path);
    return here === undefined ? null : t(here.problem);
  };
}
