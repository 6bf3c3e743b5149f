/** Days of a school's own calendar, `yyyy-mm-dd`; the machine's time zone plays no part. */

/** The day that it is in the time zone at that moment. */
export function dayIn(timeZone: string, at: Date): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).format(at);
  return parts;
}

/**
 * When a grant ends unless said otherwise: 30 September after the school year of that day (DESIGN.md §2). School years
 * are taken to begin on 1 August.
 */
export function defaultUntil(today: string): string {
  const year = Number(today.slice(0, 4));
  return `${Number(today.slice(5, 7)) >= 8 ? year + 1 : year}-09-30`;
}

/** The day that lies so many days after (or, negative, before). */
export function addDays(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** Whole days from one day to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}

/** A grant is good through the whole of its last day in the school's time zone. */
export function isOver(until: string, timeZone: string, at: Date): boolean {
  return dayIn(timeZone, at) > until;
}
