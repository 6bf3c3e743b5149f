'use client';

import { useFormatter, useNow } from 'next-intl';
import { useSyncExternalStore } from 'react';

const subscribe = () => () => undefined;

/** Says a moment as people do ("4 minutes ago"), where it stands within a sentence. */
export function useAgo(): (at: Date) => string {
  const format = useFormatter();
  const now = useNow({ updateInterval: 30_000 });
  return (at) => format.relativeTime(at, isJustNow(at, now) ? at : now);
}

/** The page's own "now" can lie a moment behind what was just done: that was not in the future. */
const isJustNow = (at: Date, now: Date) => at > now && at.getTime() - now.getTime() < 60_000;

/** A time as people say it ("4 minutes ago"), the exact one on hover and to a screen reader. */
export function RelativeTime({ at }: { at: Date | string }) {
  const format = useFormatter();
  const now = useNow({ updateInterval: 30_000 });
  const date = typeof at === 'string' ? new Date(at) : at;
  // The exact time is in the reader's zone, which the server does not know: it follows after hydration.
  const exact = useSyncExternalStore(
    subscribe,
    () => date.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' }),
    () => date.toISOString(),
  );
  return (
    <time dateTime={date.toISOString()} title={exact} suppressHydrationWarning>
      {format.relativeTime(date, isJustNow(date, now) ? date : now)}
    </time>
  );
}

/** A calendar day, written out ("30 September 2027"). */
export function Day({ on }: { on: string | Date }) {
  const format = useFormatter();
  const date = typeof on === 'string' ? new Date(`${on.slice(0, 10)}T00:00:00Z`) : on;
  return (
    <time dateTime={date.toISOString().slice(0, 10)}>
      {format.dateTime(date, { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })}
    </time>
  );
}
