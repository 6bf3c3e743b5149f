import { localDate } from '#server/kernel/local-date.ts';

/**
 * When a grant ends unless said otherwise: 30 September after the school year of that day (DESIGN.md §2). School years
 * are taken to begin on 1 August.
 */
export function defaultUntil(today: string): string {
  const year = Number(today.slice(0, 4));
  return `${Number(today.slice(5, 7)) >= 8 ? year + 1 : year}-09-30`;
}

/** A grant is good through the whole of its last day in the school's time zone. */
export function isOver(until: string, timeZone: string, at: Date): boolean {
  return localDate(at, timeZone) > until;
}
