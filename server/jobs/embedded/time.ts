/** Length of a time string of the SDK in milliseconds (`300ms`, `10s`, `2h45m`, `1d`, `1w`), or null. */
export function parseDuration(text: string): number | null {
  const units: Readonly<Record<string, number>> = {
    ms: 1,
    s: 1_000,
    m: 60_000,
    h: 3_600_000,
    d: 86_400_000,
    w: 604_800_000,
  };
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    total += Number(amount) * (units[unit ?? ''] ?? 0);
  }
  return Math.round(total);
}

/** A moment given as a time string from `now` or as an ISO 8601 date; null if it is neither. */
export function parseMoment(text: string, now: Date): Date | null {
  const duration = parseDuration(text);
  if (duration !== null) return new Date(now.getTime() + duration);
  if (!/^\d{4}-\d{2}-\d{2}T/.test(text)) return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** `Retry-After` as the SDK sends it: seconds or an RFC 3339 date; milliseconds from now between 1 s and 24 h, or null. */
export function parseRetryAfter(text: string | null, now: Date): number | null {
  if (text === null) return null;
  const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime();
  if (Number.isNaN(wait)) return null;
  return Math.min(86_400_000, Math.max(1_000, Math.round(wait)));
}

export interface BackOff {
  /** Wait before the first retry, doubled for each further one. */
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Exponential with ±25 % jitter, so that what failed together does not come back together. `random` is in [0, 1). */
export function backOff(attempt: number, { baseMs, maxMs }: BackOff, random: number): number {
  return Math.round(Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 40)) * (0.75 + random / 2));
}
