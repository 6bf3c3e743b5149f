'use client';

import { usePathname, useSearchParams } from 'next/navigation';
import { activityAreas } from '#server/features/operations/activity-areas.ts';

export const activityActors = ['people', 'crosswalk'] as const;

const isDay = (text: string | null) =>
  text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));

/** What of the activity is looked at; the address keeps it. An unknown word there is as if it were not there. */
export function useActivityFilter() {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const area = activityAreas.find((one) => one === parameters.get('area'));
  const by = activityActors.find((one) => one === parameters.get('by'));
  const from = parameters.get('from');
  const until = parameters.get('until');
  const who = (parameters.get('who') ?? '').slice(0, 200);
  const filter = {
    ...(area === undefined ? {} : { area }),
    ...(by === undefined ? {} : { by }),
    ...(who === '' ? {} : { who }),
    ...(from !== null && isDay(from) ? { from } : {}),
    ...(until !== null && isDay(until) ? { until } : {}),
  };
  const write = (next: URLSearchParams) => {
    const query = next.toString();
    // Next.js follows the History API; the page itself need not be rendered anew.
    window.history.replaceState(null, '', query === '' ? pathname : `${pathname}?${query}`);
  };
  return {
    filter,
    filtered: Object.keys(filter).length > 0,
    change: (changes: Readonly<Record<string, string>>) => {
      const next = new URLSearchParams(window.location.search);
      for (const [key, value] of Object.entries(changes)) {
        if (value === '') next.delete(key);
        else next.set(key, value);
      }
      write(next);
    },
    clear: () => write(new URLSearchParams()),
  };
}
