/** What of an HTTP request the decision needs. */
interface RequestFacts {
  readonly method: string;
  readonly headers: Headers;
}

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Whether a request that may change something was made by a page of ours: POST, JSON (which a foreign form cannot send
 * without asking first) and an Origin that is our own. `Sec-Fetch-Site`, which no script can set, must agree where a
 * browser sends it. A request without Origin is no browser's page and is refused, too: programs have interfaces of their
 * own. On a machine's own address all loopback names are one.
 */
export function isFromOwnPage(request: RequestFacts, baseUrl: string): boolean {
  return isPostOf(/^application\/json(?:\s*;|$)/i, request, baseUrl);
}

/** The same for a file's bytes: a type that a foreign form cannot send without asking first either. */
export function isUploadOfOwnPage(request: RequestFacts, baseUrl: string): boolean {
  return isPostOf(/^application\/(?:zip|octet-stream)$/i, request, baseUrl);
}

function isPostOf(type: RegExp, request: RequestFacts, baseUrl: string): boolean {
  if (request.method !== 'POST') return false;
  if (!type.test(request.headers.get('content-type') ?? '')) return false;
  const site = request.headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin') return false;
  const origin = URL.parse(request.headers.get('origin') ?? '');
  const own = new URL(baseUrl);
  if (origin === null) return false;
  if (origin.origin === own.origin) return true;
  return (
    loopback.has(own.hostname) &&
    loopback.has(origin.hostname) &&
    own.port === origin.port &&
    own.protocol === origin.protocol
  );
}
