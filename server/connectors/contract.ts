import type { z } from 'zod';
import type { Scope, SystemKind } from '#db/schema/vocabulary.ts';
import type { Clock } from '#server/kernel/clock.ts';
import type { ErrorCode } from '#server/kernel/errors.ts';
import type { OutboundClient } from '#server/kernel/outbound/client.ts';

/**
 * What a connector is: one folder and one line in `registry.ts`. It speaks a system's protocol and maps it to our
 * words; it never sees the database. What is regular is declared here as data, only oddities are code.
 */

/** How the school lets us in. */
export type Authentication =
  /** Client id and secret typed in (OneRoster). */
  | { readonly kind: 'client-credentials' }
  /** A token typed in (Moodle). */
  | { readonly kind: 'token' }
  /** A developer key typed in, then a redirect to the system's own consent (Canvas). */
  | { readonly kind: 'authorization-code'; readonly pkce: 'supported' | 'unsupported' };

/** A field of the entry form; `secret` fields are sealed and never shown again. */
export interface Field {
  readonly name: string;
  /** Key in messages/<locale>/connectors.json below the connector's id. */
  readonly label: string;
  readonly kind: 'url' | 'text' | 'secret' | 'choice';
  readonly choices?: readonly string[];
  readonly required: boolean;
  readonly example?: string;
}

export interface GuideStep {
  /** Key in messages/<locale>/connectors.json. */
  readonly text: string;
  /** To copy as it stands: a redirect address, a list of scopes. May hold {{redirectUri}}, {{scopes}}, {{addresses}}. */
  readonly copy?: string;
}

/** A call that we made, for the school's own log: no body, no token, no query value that could name a person. */
export interface CallRecord {
  readonly at: Date;
  readonly purpose: 'proof' | 'preview' | 'sync' | 'token' | 'health';
  readonly method: string;
  /** Path and the names of query parameters with harmless values (limit, offset, page). */
  readonly path: string;
  readonly status: number | null;
  readonly rows: number | null;
  readonly milliseconds: number;
  readonly errorCode: ErrorCode | null;
}

/** Tokens that a credential bought, kept sealed by the caller. */
export interface Tokens {
  readonly accessToken: string;
  /** Null where there is none; a refresh answer without one keeps the old. */
  readonly refreshToken: string | null;
  readonly expiresAt: Date | null;
  /** Scope strings that the server said it gave, in its own words. */
  readonly scopes: readonly string[] | null;
}

/** What a connector gets to work with. It calls out through `http` alone and reports every call. */
export interface Session<Settings, Secret> {
  readonly settings: Settings;
  readonly secret: Secret;
  readonly http: OutboundClient;
  readonly clock: Clock;
  readonly purpose: CallRecord['purpose'];
  readonly signal?: AbortSignal;
  record(call: CallRecord): void;
  /**
   * The tokens in hand, or new ones by `renew`: the caller holds a lock, so that one refreshes and the others wait,
   * and seals what comes back. `rejected` is an access token that the system just refused.
   */
  tokens(renew: (current: Tokens | null) => Promise<Tokens>, rejected?: string): Promise<Tokens>;
}

/** What a real call for one scope answered. */
export interface ProofResult {
  readonly scope: Scope;
  readonly ok: boolean;
  readonly errorCode: ErrorCode | null;
  /** Harmless facts for the explanation: missing functions, HTTP status, the scope string that is lacking. */
  readonly details: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

export interface Proof {
  readonly ok: boolean;
  readonly results: readonly ProofResult[];
  /** Who the credential acts as over there, where the system says (a service account is advised if it is a person). */
  readonly actsAs: { readonly name: string; readonly isServiceAccount: boolean | null } | null;
  /** What the system said of itself: product, version. */
  readonly about: Readonly<Record<string, string>>;
  /** Advice keys (messages/<locale>/connectors.json), e.g. `use-service-account`. */
  readonly advice: readonly string[];
}

export interface PreviewCollection {
  readonly collection: Collection;
  readonly count: number | null;
  readonly precision: 'exact' | 'estimated' | 'after-first-sync';
  /** At most five, already masked where they name people; held in memory only. */
  readonly sample: readonly Readonly<Record<string, string>>[];
}

/** Collections that a connector can read. Later issues add people, classes, guardians, demographics. */
export const collections = ['sites', 'terms', 'subjects', 'groups', 'courses'] as const;
export type Collection = (typeof collections)[number];

/** A record in our words, as `map.ts` makes it; `hash` is over its content and steady across runs. */
export interface SiteRecord {
  readonly sourceId: string;
  readonly name: string;
  readonly kind: string;
  readonly identifier: string | null;
  readonly parentSourceId: string | null;
}
export interface TermRecord {
  readonly sourceId: string;
  readonly name: string;
  readonly kind: string;
  readonly startsOn: string;
  /** Exclusive. */
  readonly endsOn: string;
  readonly schoolYear: string | null;
  readonly parentSourceId: string | null;
}
export interface SubjectRecord {
  readonly sourceId: string;
  readonly title: string;
  readonly courseCode: string | null;
  readonly grades: readonly string[];
  readonly subjects: readonly string[];
  readonly subjectCodes: readonly string[];
  readonly siteSourceId: string | null;
  readonly schoolYearSourceId: string | null;
  readonly stream: StreamHint | null;
}
export interface GroupRecord {
  readonly sourceId: string;
  readonly kind: 'group' | 'class';
  readonly title: string;
  readonly code: string | null;
  readonly grades: readonly string[];
  readonly subjects: readonly string[];
  readonly subjectSourceId: string | null;
  readonly siteSourceId: string | null;
  readonly termSourceIds: readonly string[];
  readonly stream: StreamHint | null;
}
export interface CourseRecord {
  readonly sourceId: string;
  readonly name: string;
  readonly code: string | null;
  readonly sisId: string | null;
  readonly state: string | null;
  readonly termName: string | null;
  readonly accountName: string | null;
}
/** programme × level × year as a class or course tells it, never as a student does. */
export interface StreamHint {
  readonly programme: string | null;
  readonly level: string | null;
  readonly year: string | null;
  readonly from: 'metadata' | 'class-grades' | 'course-grades';
}

export interface RecordOf {
  sites: SiteRecord;
  terms: TermRecord;
  subjects: SubjectRecord;
  groups: GroupRecord;
  courses: CourseRecord;
}

/** A record that could not be read: set aside with its reason, never its content. */
export interface SetAside {
  readonly sourceId: string | null;
  readonly field: string | null;
  readonly reason: string;
}

/** One page of a collection. Pages stream; nobody holds a collection. */
export interface Page<C extends Collection> {
  readonly collection: C;
  readonly records: readonly (RecordOf[C] & { readonly modifiedAt: Date | null; readonly deleted: boolean })[];
  readonly setAside: readonly SetAside[];
  /** Total where the server says so. */
  readonly total: number | null;
  /** Opaque: give it back to `fetch` to go on after this page. */
  readonly cursor: string | null;
  /** Tolerated oddities of the provider seen on this page, by key. */
  readonly deviations: readonly string[];
}

export interface Capabilities {
  readonly reads: readonly Collection[];
  /** Scopes that the connector can serve at all. */
  readonly scopes: readonly Scope[];
  /** Requests at once that the system bears. */
  readonly concurrency: number;
}

export interface Connector<Settings = unknown, Secret = unknown> {
  readonly id: string;
  readonly kind: SystemKind;
  /** Products that it is offered under, e.g. `OneRoster 1.2`, `OneRoster 1.1`. */
  readonly products: readonly {
    readonly id: string;
    readonly name: string;
    readonly preset: Readonly<Record<string, string>>;
  }[];
  readonly authentication: Authentication;
  readonly settingsFields: readonly Field[];
  readonly secretFields: readonly Field[];
  readonly settings: z.ZodType<Settings>;
  readonly secret: z.ZodType<Secret>;
  readonly guide: readonly GuideStep[];
  readonly capabilities: Capabilities;
  /** The system's own scope strings or functions that our scopes need: shown in the guide, asked for in the token. */
  foreignScopes(scopes: readonly Scope[], settings: Settings): readonly string[];
  /** Origins that the credential will be sent to; the approver confirms them, a change voids proof and request. */
  origins(settings: Settings): readonly string[];
  /** Collections to fetch for a union of granted scopes: nothing that no grant needs. */
  collectionsFor(scopes: readonly Scope[]): readonly Collection[];
  /** The last four characters of a client id, the login of a service account: recognisable and harmless. */
  hint(secret: Secret): string;
  /** A real call for each scope. Never throws for what the system answers: it explains it per scope. */
  prove(session: Session<Settings, Secret>, scopes: readonly Scope[]): Promise<Proof>;
  /** At most five records and a count per collection. */
  preview(session: Session<Settings, Secret>, scopes: readonly Scope[]): Promise<readonly PreviewCollection[]>;
  /** Streams a collection page by page from `cursor` (null: from the start). */
  fetch<C extends Collection>(
    session: Session<Settings, Secret>,
    collection: C,
    cursor: string | null,
  ): AsyncIterable<Page<C>>;
  /** Only for `authorization-code`. */
  readonly consent?: {
    /** Where to send the administrator. */
    authorizeUrl(
      settings: Settings,
      secret: Secret,
      request: { state: string; redirectUri: string; scopes: readonly Scope[]; codeChallenge: string | null },
    ): string;
    exchange(
      session: Pick<Session<Settings, Secret>, 'settings' | 'secret' | 'http' | 'clock' | 'record'>,
      answer: { code: string; redirectUri: string; codeVerifier: string | null },
    ): Promise<Tokens>;
    /** Ends the tokens over there, best effort, when the credential is destroyed. */
    revoke(
      session: Pick<Session<Settings, Secret>, 'settings' | 'secret' | 'http' | 'clock' | 'record'>,
      tokens: Tokens,
    ): Promise<void>;
  };
}
