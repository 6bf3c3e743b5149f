import type { CallRecord } from '#server/connectors/contract.ts';
import type { Clock } from '#server/kernel/clock.ts';
import { CrosswalkError, type ErrorCode, isCrosswalkError, type SafeDetails } from '#server/kernel/errors.ts';
import type { Method, OutboundClient, OutboundRequest } from '#server/kernel/outbound/client.ts';
import { retryAfterSeconds } from './retry-after.ts';

/** What of a session an exchange needs. */
export interface Line {
  readonly http: OutboundClient;
  readonly clock: Clock;
  readonly purpose: CallRecord['purpose'];
  readonly signal?: AbortSignal;
  record(call: CallRecord): void;
}

export interface Question {
  readonly url: string;
  readonly method?: Method;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: OutboundRequest['body'];
  /** The origin that the credential is good for: redirects may not leave it. */
  readonly origin: string;
  readonly purpose?: CallRecord['purpose'];
  /** What the log shows; the path of the address where it is not given. */
  readonly shownAs?: string;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as JSON, or undefined where it is none. */
  readonly json: unknown;
  readonly text: string;
  readonly host: string;
}

/** Query parameters whose values can name nobody. */
const harmlessParameters = new Set(['limit', 'offset', 'sort', 'orderBy', 'page', 'per_page', 'recursive']);

/** A filter by words of a role and by a moment, and by nothing else. */
const harmlessFilter =
  /^(?=.)(?:(?:roles\.)?role='(?:student|teacher|guardian|parent|relative)')?(?:(?<='.*) AND )?(?:dateLastModified>='[\d.:TZ-]{10,30}')?$/;
const isHarmless = (name: string, value: string) =>
  (harmlessParameters.has(name) && value.length <= 40) || (name === 'filter' && harmlessFilter.test(value));

/** Path and harmless parameters, as the school's own log shows a call. Others keep their name and lose their value. */
export function shownPath(address: string): string {
  const url = new URL(address);
  const shown = [...url.searchParams]
    .map(([name, value]) => (isHarmless(name, value) ? `${name}=${value}` : `${name}=…`))
    .join('&');
  return shown === '' ? url.pathname : `${url.pathname}?${shown}`;
}

/**
 * One call: asks, reads the body and hands the answer to `judge`, which throws what is wrong with it or gives what it
 * holds and its number of rows. Whatever comes of it is recorded, with neither body nor token.
 */
export async function ask<T>(
  line: Line,
  question: Question,
  judge: (answer: Answer) => { value: T; rows: number | null },
): Promise<T> {
  const at = line.clock.now();
  const started = performance.now();
  const host = new URL(question.url).hostname;
  let status: number | null = null;
  let rows: number | null = null;
  let errorCode: ErrorCode | null = null;
  try {
    const response = await line.http.request({
      url: question.url,
      method: question.method ?? 'GET',
      headers: { accept: 'application/json', ...question.headers },
      ...(question.body === undefined ? {} : { body: question.body }),
      expectOrigin: question.origin,
      redirect: question.method === undefined || question.method === 'GET' ? 'follow-checked' : 'refuse',
      maxBytes: question.maxBytes ?? 32 * 1024 * 1024,
      timeoutMs: question.timeoutMs ?? 45_000,
      ...(line.signal === undefined ? {} : { signal: line.signal }),
    });
    status = response.status;
    const text = await response.text();
    const judged = judge({ status, headers: response.headers, json: parseJson(text), text, host });
    rows = judged.rows;
    return judged.value;
  } catch (error) {
    errorCode = isCrosswalkError(error) ? error.code : 'internal';
    throw error;
  } finally {
    line.record({
      at,
      purpose: question.purpose ?? line.purpose,
      method: question.method ?? 'GET',
      path: question.shownAs ?? shownPath(question.url),
      status,
      rows,
      milliseconds: Math.round(performance.now() - started),
      errorCode,
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would quote the body.
    return undefined;
  }
}

/**
 * Throws for every status that means the same everywhere; a connector judges its own oddities before. Decides by status,
 * never by text.
 */
export function refuseStatus(answer: Answer, now: Date, details: SafeDetails = {}): void {
  const { status } = answer;
  if (status >= 200 && status < 300) return;
  const wait = retryAfterSeconds(answer.headers['retry-after'], now);
  const options = {
    details: { host: answer.host, status, ...details },
    ...(wait === null ? {} : { retryAfterSeconds: wait }),
  };
  if (status === 401) throw new CrosswalkError('credential-refused', options);
  if (status === 403) throw new CrosswalkError('rights-missing', options);
  if (status === 404 || status === 410) throw new CrosswalkError('foreign-not-found', options);
  if (status === 429) throw new CrosswalkError('foreign-throttled', options);
  if (status === 408 || status >= 500) throw new CrosswalkError('foreign-unavailable', options);
  throw new CrosswalkError('foreign-answer-unreadable', {
    ...options,
    // The same question gets the same refusal; asking again helps nobody.
    disposition: 'abort',
  });
}

/** For a successful status whose body is not what was asked for: a sign-in page, cut JSON, another shape. */
export function unreadable(answer: Answer, problem: string, more: SafeDetails = {}): CrosswalkError {
  const mediaType = /^[\w.+-]+\/[\w.+-]+/.exec(answer.headers['content-type'] ?? '')?.[0] ?? 'none';
  return new CrosswalkError('foreign-answer-unreadable', {
    details: { host: answer.host, status: answer.status, mediaType, problem, ...more },
  });
}
