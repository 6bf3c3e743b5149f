/** No system may make us wait longer than a day by a header. */
const longest = 86_400;

/**
 * Seconds to wait by a Retry-After header (RFC 9110 §10.2.3: seconds or an HTTP date), read leniently: RFC 3339 dates
 * and fractions too. Null for what is absent, negative, past or no time at all: then our own backoff decides.
 */
export function retryAfterSeconds(header: string | undefined, now: Date): number | null {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text)), longest);
  // A date needs a letter (`GMT`, `T`): `Date.parse` would make a date of `-5`.
  const at = /[a-z]/i.test(text) && /\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) return null;
  const seconds = Math.ceil((at - now.getTime()) / 1000);
  return seconds > 0 ? Math.min(seconds, longest) : null;
}
