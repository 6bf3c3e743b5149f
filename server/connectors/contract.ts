import { z } from 'zod';
import type { Scope, SystemKind } from '#db/schema/vocabulary.ts';
import type { Clock } from '#server/kernel/clock.ts';
import type { ErrorCode } from '#server/kernel/errors.ts';
import type { OutboundClient } from '#server/kernel/outbound/client.ts';
import type { DeviationKey } from './exchange/deviations.ts';
import type { Push } from './push-contract.ts';

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
  /** `key`: a secret of several lines. */
  readonly kind: 'url' | 'text' | 'secret' | 'key' | 'choice';
  readonly choices?: readonly string[];
  /** Whether it may not be left empty, where it is asked for at all. */
  readonly required: boolean;
  readonly example?: string;
  /** Asked for only when another field that is asked for has one of these values. */
  readonly onlyWhen?: { readonly field: string; readonly is: readonly string[] };
}

export interface GuideStep {
  /** Key in messages/<locale>/connectors.json. */
  readonly text: string;
  /** To copy as it stands: a redirect address, a list of scopes. May hold {{redirectUri}}, {{scopes}}, {{addresses}}. */
  readonly copy?: string;
  /** Shown only where the scopes that are asked for name people, or only where none does. */
  readonly onlyFor?: 'people' | 'no-people';
  /** Shown unless the settings say something else. */
  readonly onlyWhen?: { readonly field: string; readonly is: readonly string[] };
}

/** A call that we made, for the school's own log: no body, no token, no query value that could name a person. */
export interface CallRecord {
  readonly at: Date;
  readonly purpose: 'proof' | 'preview' | 'sync' | 'push' | 'token' | 'health';
  readonly method: string;
  /** Path and the names of query parameters with harmless values (limit, offset, page). */
  readonly path: string;
  readonly status: number | null;
  readonly rows: number | null;
  readonly milliseconds: number;
  readonly errorCode: ErrorCode | null;
}

/** Tokens that a credential bought, kept sealed by the caller as JSON; this schema reads them back. */
export const tokensSchema = z.object({
  accessToken: z.string().min(1),
  /** Null where there is none; a refresh answer without one keeps the old. */
  refreshToken: z.string().min(1).nullable(),
  expiresAt: z.coerce.date().nullable(),
  /** Scope strings that the server said it gave, in its own words. */
  scopes: z.array(z.string()).nullable(),
  /** Who consented over there, where the token answer names the person (Canvas does). Shown to the school, never logged. */
  actsAs: z.string().nullable(),
  /** How the client identified itself when it last worked: some servers take the secret in the body alone. */
  clientAuthentication: z.enum(['basic', 'body']).nullable(),
});
export type Tokens = Readonly<z.infer<typeof tokensSchema>>;

/** What the answer to a consent bought. `start-again`: the server knows no PKCE; send the administrator once more without. */
export type ConsentResult =
  | { readonly kind: 'tokens'; readonly tokens: Tokens }
  | { readonly kind: 'start-again'; readonly withPkce: false };

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
   * and seals what comes back. It renews when there are none, when they expire within a minute, or when the ones in hand
   * are still `rejected`, an access token that the system just refused; else another has renewed and those are returned.
   */
  tokens(renew: (current: Tokens | null) => Promise<Tokens>, rejected?: string): Promise<Tokens>;
}

/** A session before there are tokens. */
export type BareSession<Settings, Secret> = Omit<Session<Settings, Secret>, 'tokens'>;

/** What the address of the system's consent page is made of. */
export interface ConsentRequest {
  readonly state: string;
  readonly redirectUri: string;
  readonly scopes: readonly Scope[];
  /** S256 (RFC 7636 §4.2); null where this system was found to know none. */
  readonly codeChallenge: string | null;
}

export interface ConsentAnswer {
  readonly code: string;
  readonly redirectUri: string;
  readonly codeVerifier: string | null;
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

/** Collections that a connector can read. Home classes come among the groups. */
export const collections = [
  'sites',
  'terms',
  'subjects',
  'groups',
  'teachers',
  'students',
  'guardians',
  'enrolments',
  'demographics',
  'courses',
] as const;
export type Collection = (typeof collections)[number];
/** Collections that tell of people: nothing of them is asked for unless a scope of the fetch needs it. */
export const peopleCollections = [
  'teachers',
  'students',
  'guardians',
  'enrolments',
  'demographics',
] as const satisfies readonly Collection[];

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
/** The standard's words for the roles that make each kind of person. */
export const rolesOfKind = {
  student: ['student'],
  teacher: ['teacher'],
  guardian: ['guardian', 'parent', 'relative'],
} as const;

/** A role that a person has in a site; a person of several sites has several. */
export interface PersonRole {
  /** In the standard's words: `student`, `teacher`, `guardian`, `parent`, `relative`. */
  readonly role: string;
  readonly roleType: string | null;
  readonly siteSourceId: string | null;
  readonly beginsOn: string | null;
  readonly endsOn: string | null;
}
/**
 * A teacher, a student or a guardian. Of one who is deleted over there nothing is told but that; a person with several rows in the
 * source (one per site) comes as several records. No password is ever read.
 */
export interface PersonRecord {
  readonly sourceId: string;
  readonly enabled: boolean | null;
  readonly username: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly middleName: string | null;
  readonly preferredGivenName: string | null;
  readonly preferredFamilyName: string | null;
  readonly pronouns: string | null;
  readonly identifier: string | null;
  readonly masterIdentifier: string | null;
  readonly email: string | null;
  readonly sms: string | null;
  readonly phone: string | null;
  readonly grades: readonly string[];
  /** Each `type:identifier`; without a type nothing stands before the colon. */
  readonly userIds: readonly string[];
  /** Guardians of a student, students of a guardian. */
  readonly agentSourceIds: readonly string[];
  readonly primarySiteSourceId: string | null;
  /** Only roles of the collection that was asked for: what else the person is over there is nobody's business here. */
  readonly roles: readonly PersonRole[];
  readonly stream: StreamHint | null;
}
export interface EnrolmentRecord {
  readonly sourceId: string;
  /** Null of a deleted one alone. */
  readonly groupSourceId: string | null;
  /** Null of a deleted one alone. */
  readonly personSourceId: string | null;
  readonly siteSourceId: string | null;
  /** `student` or `teacher`; null of a deleted one alone. */
  readonly role: string | null;
  readonly isPrimary: boolean | null;
  readonly beginsOn: string | null;
  /** Exclusive. */
  readonly endsOn: string | null;
}
/** `sourceId` is the person's. Whose they are, students' or teachers', is not told: the caller keeps those of people whom it may have. */
export interface DemographicsRecord {
  readonly sourceId: string;
  readonly birthDate: string | null;
  readonly sex: string | null;
  /** The standard's flags that are true, by their names: `asian`, `hispanicOrLatinoEthnicity`. */
  readonly races: readonly string[];
  readonly countryOfBirth: string | null;
  readonly stateOfBirth: string | null;
  readonly cityOfBirth: string | null;
  readonly publicSchoolResidence: string | null;
}
/** programme × level × year as a class or course tells it; as a student does only in a student's own record. */
export interface StreamHint {
  /** The school's own short word for it, e.g. `H4-NT`, and what people call it. */
  readonly code: string | null;
  readonly name: string | null;
  readonly programme: string | null;
  readonly level: string | null;
  readonly year: string | null;
  readonly from: 'metadata' | 'class-grades' | 'course-grades' | 'student-programme' | 'student-grades';
}

export interface RecordOf {
  sites: SiteRecord;
  terms: TermRecord;
  subjects: SubjectRecord;
  groups: GroupRecord;
  teachers: PersonRecord;
  students: PersonRecord;
  guardians: PersonRecord;
  enrolments: EnrolmentRecord;
  demographics: DemographicsRecord;
  courses: CourseRecord;
}

/** Why a record could not be read; each has its sentence in messages/<locale>/sync.json `reason`. */
export const setAsideReasons = [
  'not-an-object',
  'source-id-missing',
  'source-id-unusable',
  'name-missing',
  'date-unreadable',
  'dates-reversed',
  'role-missing',
  'person-missing',
  'group-missing',
] as const;
export type SetAsideReason = (typeof setAsideReasons)[number];

/** A record that could not be read: set aside with its reason, never its content. */
export interface SetAside {
  readonly sourceId: string | null;
  readonly field: string | null;
  readonly reason: SetAsideReason;
}

/** One page of a collection. Pages stream; nobody holds a collection. */
export interface Page<C extends Collection> {
  readonly collection: C;
  readonly records: readonly (RecordOf[C] & { readonly modifiedAt: Date | null; readonly deleted: boolean })[];
  readonly setAside: readonly SetAside[];
  /** Records that were read and dropped at once, since no scope needs them: of another role than was asked for, or told before. */
  readonly cut: number;
  /** A mark of each of those, one-way, so that one that comes again is noticed: a list that moves while it is read is not complete. */
  readonly cutMarks?: readonly string[];
  /**
   * Total where the server says so, of all parts that the collection is read in so far; on the last page it is to be reached by records,
   * set aside and cut of all pages.
   */
  readonly total: number | null;
  /** Opaque and free of personal data: give it back to `fetch` to go on after this page. Null on the last page. */
  readonly cursor: string | null;
  /**
   * On the last page: `said` where the provider said so (total reached, no further link); `assumed` where it never says and an empty
   * page is all there is to go by; `doubtful` where it contradicts itself. A fetch that ends in doubt is never complete.
   */
  readonly end: 'said' | 'assumed' | 'doubtful' | null;
  /** Tolerated oddities of the provider seen on this page, by key. */
  readonly deviations: readonly DeviationKey[];
}

export interface FetchOptions {
  /**
   * A delta: only what was modified at or after this moment, with what was marked as deleted since. Overlap is the caller's to choose. Where
   * the system does not do as it was asked, the fetch ends at once: `doubtful`, with one of `deltaDeviations`; then the
   * caller reads all. Only where `capabilities.deltas` says so.
   */
  readonly since?: Date | null;
  /** The union of granted scopes. Without one that needs it, a collection of people is not asked for. */
  readonly scopes?: readonly Scope[];
}

export interface Capabilities {
  readonly reads: readonly Collection[];
  /** Whether `fetch` can be asked for what was modified since a moment; a single server may still not do it. */
  readonly deltas: boolean;
  /** Scopes that the connector can serve at all. */
  readonly scopes: readonly Scope[];
  /** Requests at once that the system bears. */
  readonly concurrency: number;
}

/** A file in a folder that is looked into. */
interface WatchedFile {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
}

export interface WatchedFolder extends AsyncDisposable {
  list(): Promise<readonly WatchedFile[]>;
  read(name: string): AsyncIterable<Uint8Array>;
}

/** How packages of a source that is not asked come here. */
export interface Packages<Settings = unknown, Secret = unknown> {
  way(settings: Settings): 'upload' | 'sftp';
  /** The server that is connected to, for a form to check before anything is asked of it. */
  server(settings: Settings): { readonly host: string; readonly port: number } | null;
  /** Only where the way is a folder. @throws CrosswalkError whatever connecting may throw */
  openFolder(session: Session<Settings, Secret>): Promise<WatchedFolder>;
}

export interface Connector<Settings = unknown, Secret = unknown> {
  readonly id: string;
  readonly kind: SystemKind;
  /** `asked` (default): Crosswalk asks the system when its data is due. `handed-in`: packages come, and nothing is ever asked for. */
  readonly source?: 'asked' | 'handed-in';
  /** Only for `handed-in`. */
  readonly packages?: Packages<Settings, Secret>;
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
  /** Set-up guide to forward: clicks and what to copy. */
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
  /**
   * Streams a collection page by page from `cursor` (null: from the start); what goes on from a cursor has the same options.
   * @throws CrosswalkError `internal` where no scope of the options needs a collection of people, and whatever a call throws
   */
  fetch<C extends Collection>(
    session: Session<Settings, Secret>,
    collection: C,
    cursor: string | null,
    options?: FetchOptions,
  ): AsyncIterable<Page<C>>;
  /** Only of an LMS that Crosswalk can write a roster into: see `push-contract.ts` for what it promises. */
  readonly push?: Push<Session<Settings, Secret>>;
  /** Only for `authorization-code`. */
  readonly consent?: {
    /** Where to send the administrator. */
    authorizeUrl(settings: Settings, secret: Secret, request: ConsentRequest): string;
    exchange(session: BareSession<Settings, Secret>, answer: ConsentAnswer): Promise<ConsentResult>;
    /** Ends the tokens over there when the credential is destroyed. Throws where that failed; the caller goes on. */
    revoke(session: BareSession<Settings, Secret>, tokens: Tokens): Promise<void>;
  };
}
