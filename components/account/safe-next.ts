/**
 * Where to go after signing in: a path of ours, or the start. Anything that a browser might take for another site's
 * address (`//host`, `/\host`, control characters) is the start.
 */
export function safeNext(next: string | string[] | null | undefined, otherwise = '/start'): string {
  if (typeof next !== 'string' || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(next)) return otherwise;
  const url = URL.parse(next, 'http://own.invalid');
  return url !== null && url.host === 'own.invalid' ? `${url.pathname}${url.search}${url.hash}` : otherwise;
}

/** `next` as a query, empty where it is the start. */
export const nextQuery = (next: string) => (next === '/start' ? '' : `?next=${encodeURIComponent(next)}`);
