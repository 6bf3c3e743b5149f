/**
 * The one error type of the house. A code says what happened, a disposition says what to do next, and neither ever
 * holds personal data or a secret: `details` carries only ids, counts, hosts, field names and states.
 */

/** What the caller should do next: try again, renew a credential, leave out one record, or give up. */
export type Disposition = 'retry' | 'reconnect' | 'skip-record' | 'abort';

interface CodeFacts {
  /** HTTP status in which the error leaves the house. */
  readonly http: number;
  readonly disposition: Disposition;
}

/** Every code that Crosswalk can raise. Texts for people stand in `messages/<locale>/errors.json` under the same key. */
export const errorCodes = {
  // who is asking
  'not-signed-in': { http: 401, disposition: 'abort' },
  'second-factor-needed': { http: 401, disposition: 'abort' },
  'sign-in-refused': { http: 401, disposition: 'abort' },
  'second-factor-refused': { http: 401, disposition: 'abort' },
  /** The invitation is for another address than the one that is signed in. */
  'invitation-for-another': { http: 409, disposition: 'abort' },
  /** That OpenID account is linked to nobody here; linking is done on the account page. */
  'identity-not-linked': { http: 401, disposition: 'abort' },
  forbidden: { http: 403, disposition: 'abort' },
  'not-found': { http: 404, disposition: 'abort' },
  'link-unusable': { http: 410, disposition: 'abort' },
  /** A consumer's call without a token or a signature, and one whose token or signature opens nothing (any more). */
  'token-missing': { http: 401, disposition: 'abort' },
  'token-refused': { http: 401, disposition: 'abort' },
  'rate-limited': { http: 429, disposition: 'retry' },
  // what is asked
  'invalid-input': { http: 400, disposition: 'abort' },
  duplicate: { http: 409, disposition: 'abort' },
  /** Several people of a system have the number that was given. */
  'ambiguous-number': { http: 409, disposition: 'abort' },
  /** What was decided on is no longer what stands there; the page must be read again. */
  'changed-meanwhile': { http: 409, disposition: 'abort' },
  'already-decided': { http: 409, disposition: 'abort' },
  'state-forbids': { http: 409, disposition: 'abort' },
  'school-not-trusted': { http: 409, disposition: 'abort' },
  'agreement-not-in-force': { http: 409, disposition: 'abort' },
  'request-not-approved': { http: 409, disposition: 'abort' },
  'credential-not-proved': { http: 409, disposition: 'abort' },
  'host-not-confirmed': { http: 409, disposition: 'abort' },
  'people-not-grantable': { http: 409, disposition: 'abort' },
  'conflict-of-interest': { http: 409, disposition: 'abort' },
  'last-administrator': { http: 409, disposition: 'abort' },
  /** Another system has taken the place of this one. */
  'system-replaced': { http: 409, disposition: 'abort' },
  /** A run of the system is at work; what is asked must wait for its end. */
  'sync-under-way': { http: 409, disposition: 'retry' },
  // pushing a roster into an LMS
  /** This LMS cannot be written to by its connector. */
  'push-not-offered': { http: 409, disposition: 'abort' },
  /** The school has not said yet how people will sign in. */
  'push-not-chosen': { http: 409, disposition: 'abort' },
  /** The credential of the LMS is missing, refused, or does not allow what a push needs. */
  'push-not-permitted': { http: 409, disposition: 'abort' },
  /** Another SIS import is at work in the LMS. */
  'foreign-import': { http: 409, disposition: 'abort' },
  /** The LMS took nothing of what it was handed. */
  'push-refused': { http: 502, disposition: 'abort' },
  /** Proposed links of a replacement wait for somebody's yes or no. */
  'links-unreviewed': { http: 409, disposition: 'abort' },
  'stopped-by-school': { http: 409, disposition: 'abort' },
  // agreements: every refusal of the state machine has its own
  'agreement-not-sent': { http: 409, disposition: 'abort' },
  'agreement-already-sent': { http: 409, disposition: 'abort' },
  'agreement-not-signed': { http: 409, disposition: 'abort' },
  'agreement-already-signed': { http: 409, disposition: 'abort' },
  'agreement-already-countersigned': { http: 409, disposition: 'abort' },
  'agreement-already-in-force': { http: 409, disposition: 'abort' },
  'agreement-notice-already-given': { http: 409, disposition: 'abort' },
  'agreement-declined': { http: 409, disposition: 'abort' },
  'agreement-withdrawn': { http: 409, disposition: 'abort' },
  'agreement-ended': { http: 409, disposition: 'abort' },
  'agreement-grace-ended': { http: 409, disposition: 'abort' },
  'agreement-paper-waits': { http: 409, disposition: 'abort' },
  'agreement-no-paper': { http: 409, disposition: 'abort' },
  'agreement-not-countersigned': { http: 409, disposition: 'abort' },
  'agreement-term-over': { http: 409, disposition: 'abort' },
  /** Another agreement of this school with this agent is in force in the same days. */
  'agreement-overlaps': { http: 409, disposition: 'abort' },
  'countersign-not-mandated': { http: 403, disposition: 'abort' },
  'placeholder-unknown': { http: 400, disposition: 'abort' },
  'file-refused': { http: 422, disposition: 'abort' },
  'list-unreadable': { http: 422, disposition: 'abort' },
  'organisation-not-reviewed': { http: 409, disposition: 'abort' },
  'no-standard-agreement': { http: 409, disposition: 'abort' },
  'host-missing': { http: 409, disposition: 'abort' },
  /** The system has another address than the one that was approved. */
  'host-not-approved': { http: 409, disposition: 'abort' },
  'request-not-sent': { http: 409, disposition: 'abort' },
  'grant-not-live': { http: 409, disposition: 'abort' },
  'connection-ended': { http: 409, disposition: 'abort' },
  /** An approver for one site or system decided about more. */
  'approver-limited': { http: 403, disposition: 'abort' },
  // a consent at a foreign system
  'consent-denied': { http: 409, disposition: 'abort' },
  'consent-scope-refused': { http: 409, disposition: 'abort' },
  'consent-unknown': { http: 400, disposition: 'abort' },
  'consent-used': { http: 409, disposition: 'abort' },
  'consent-expired': { http: 410, disposition: 'abort' },
  'consent-not-yours': { http: 403, disposition: 'abort' },
  // foreign systems
  'address-refused': { http: 422, disposition: 'abort' },
  'host-unknown': { http: 502, disposition: 'retry' },
  'connection-failed': { http: 502, disposition: 'retry' },
  'tls-failed': { http: 502, disposition: 'abort' },
  'timed-out': { http: 504, disposition: 'retry' },
  'answer-too-large': { http: 502, disposition: 'abort' },
  'credential-refused': { http: 502, disposition: 'reconnect' },
  'scope-missing': { http: 502, disposition: 'reconnect' },
  'rights-missing': { http: 502, disposition: 'reconnect' },
  'foreign-not-found': { http: 502, disposition: 'abort' },
  'foreign-throttled': { http: 503, disposition: 'retry' },
  'foreign-unavailable': { http: 502, disposition: 'retry' },
  'foreign-answer-unreadable': { http: 502, disposition: 'retry' },
  'record-unreadable': { http: 422, disposition: 'skip-record' },
  // OneRoster CSV packages: refusals of the zip, `details.file` where one file is meant
  'package-not-zip': { http: 422, disposition: 'abort' },
  'package-cut-short': { http: 422, disposition: 'abort' },
  'package-encrypted': { http: 422, disposition: 'abort' },
  'package-compression-unknown': { http: 422, disposition: 'abort' },
  /** A name that leads out of the folder it would be unpacked in. */
  'package-name-unsafe': { http: 422, disposition: 'abort' },
  'package-in-folders': { http: 422, disposition: 'abort' },
  'package-name-twice': { http: 422, disposition: 'abort' },
  'package-too-large': { http: 422, disposition: 'abort' },
  'package-damaged': { http: 422, disposition: 'abort' },
  'package-without-files': { http: 422, disposition: 'abort' },
  'package-manifest-unreadable': { http: 422, disposition: 'abort' },
  'package-version-unknown': { http: 422, disposition: 'abort' },
  /** It lacks files that what was asked for needs. */
  'package-insufficient': { http: 422, disposition: 'abort' },
  /** This system is asked for its data; nothing is handed in. */
  'package-not-wanted': { http: 409, disposition: 'abort' },
  /** Its packages are handed in, and none waits to be read. */
  'package-awaited': { http: 409, disposition: 'abort' },
  /** The server shows another key than the one that was approved with its address. */
  'host-key-changed': { http: 502, disposition: 'reconnect' },
  'folder-missing': { http: 502, disposition: 'reconnect' },
  // problems of one file of a package
  'csv-manifest-missing': { http: 422, disposition: 'abort' },
  'csv-file-missing': { http: 422, disposition: 'abort' },
  'csv-file-undeclared': { http: 422, disposition: 'abort' },
  'csv-not-utf8': { http: 422, disposition: 'abort' },
  'csv-delimiter': { http: 422, disposition: 'abort' },
  'csv-line-ends': { http: 422, disposition: 'abort' },
  'csv-header-missing': { http: 422, disposition: 'abort' },
  'csv-column-missing': { http: 422, disposition: 'abort' },
  'csv-column-twice': { http: 422, disposition: 'abort' },
  'csv-without-rows': { http: 422, disposition: 'abort' },
  // our own house
  'secret-unreadable': { http: 500, disposition: 'abort' },
  'audit-broken': { http: 500, disposition: 'abort' },
  'database-down': { http: 503, disposition: 'retry' },
  'jobs-down': { http: 503, disposition: 'retry' },
  misconfigured: { http: 500, disposition: 'abort' },
  internal: { http: 500, disposition: 'abort' },
} as const satisfies Record<string, CodeFacts>;

export type ErrorCode = keyof typeof errorCodes;

/** Values that may stand in an error: never names, addresses of persons, tokens or bodies. */
export type SafeDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export class CrosswalkError extends Error {
  override readonly name = 'CrosswalkError';
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  readonly http: number;
  readonly details: SafeDetails;
  /** Seconds after which a retry makes sense, where the other side said so. */
  readonly retryAfterSeconds: number | null;

  constructor(
    code: ErrorCode,
    options: { details?: SafeDetails; cause?: unknown; disposition?: Disposition; retryAfterSeconds?: number } = {},
  ) {
    super(code, options.cause === undefined ? undefined : { cause: options.cause });
    const facts = errorCodes[code];
    this.code = code;
    this.disposition = options.disposition ?? facts.disposition;
    this.http = facts.http;
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** Narrows an unknown thrown value; decide by `code`, never by message text. */
export function isCrosswalkError(value: unknown, code?: ErrorCode): value is CrosswalkError {
  return value instanceof CrosswalkError && (code === undefined || value.code === code);
}

/** Turns whatever was thrown into one of ours, so that a boundary has one shape to answer with. */
export function toCrosswalkError(value: unknown): CrosswalkError {
  return value instanceof CrosswalkError ? value : new CrosswalkError('internal', { cause: value });
}

/** For exhaustive switches: the compiler refuses it while a case is missing. */
export function unreachable(value: never): never {
  throw new CrosswalkError('internal', { details: { unexpected: String(value) } });
}
