/**
 * What a connector that writes a roster into its LMS promises: the optional `push` of a Connector. The engine (server/roster/push) decides
 * what is to be written and keeps a ledger of what is ours; a connector carries that over and tells what became of each change.
 *
 * Every push keeps these:
 * - **Nobody is told.** No call makes the LMS mail, notify or invite anybody; there is no option that could ask for it.
 * - **No double.** Each record has a key of ours, its SIS id over there (Canvas `sis_*_id`, Moodle `idnumber`). What may have been sent
 *   before is looked for by its key before it is sent again.
 * - **Nothing beyond the changes.** What no change names is never touched, nor a field that the connector was not given.
 * - **Bounded.** A call ends in under a minute and holds no more than it was given.
 * - **No personal data** in tickets, cursors, details or codes; calls are recorded as every other call is.
 */

/** In the order in which they are written; what is taken away goes the other way round. */
export const pushEntities = [
  /** The school year of a course. */
  'term',
  /** Where courses stand: a sub-account, a category; one per site. */
  'category',
  'course',
  /** A teaching group in a course: a section in Canvas, a group in Moodle. */
  'section',
  /** A class or a stream. */
  'cohort',
  'user',
  'enrolment',
  /** Somebody in a cohort. */
  'membership',
] as const;
export type PushEntity = (typeof pushEntities)[number];

/** A record over there that a change refers to: by our key always, by its own id where that is known. */
export interface Reference {
  readonly key: string;
  /** Null until the LMS told it; in a batch, of what was written before, never null. */
  readonly foreignId: string | null;
}

/** What is wanted, in our words. Null: nothing is known, or it is left as somebody over there made it; the field is not written. */
export interface PushContent {
  term: {
    readonly name: string;
    readonly startsOn: string;
    /** Exclusive. */
    readonly endsOn: string;
  };
  category: { readonly name: string };
  course: {
    /** Never null where it is created; so it is with every name. */
    readonly name: string | null;
    /** Short name; Moodle wants it unique in the site, the engine makes it so. */
    readonly code: string | null;
    readonly category: Reference | null;
    readonly term: Reference | null;
    readonly startsOn: string | null;
    /** Exclusive. */
    readonly endsOn: string | null;
  };
  section: { readonly name: string | null; readonly course: Reference };
  cohort: { readonly name: string | null; readonly of: 'class' | 'stream' };
  user: {
    /** By the school's rule where the person has none; lower case. Null of an adopted account: its login stays as it is. */
    readonly username: string | null;
    readonly givenName: string;
    readonly familyName: string;
    /** By the school's rule where the person has none, at a host ending in `.invalid`; never null where it is created. */
    readonly email: string | null;
    /** One of `signIn`; null of an adopted account. */
    readonly signIn: string | null;
  };
  /** In the section where it names one, else in the course itself; one per person, course, section and role. */
  enrolment: {
    readonly user: Reference;
    readonly course: Reference;
    readonly section: Reference | null;
    readonly role: 'student' | 'teacher';
  };
  membership: { readonly user: Reference; readonly cohort: Reference };
}

/**
 * `adopt`: the record `foreignId`, which nobody of ours made, is given our key and nothing else is written; an `update` of the same record
 * follows in a later batch where the content differs. `suspend`: nobody is removed and nothing is lost (a user may not sign in, an enrolment is inactive); `restore` is its
 * opposite. `remove`: only ever of what is ours.
 */
export const pushActions = ['create', 'update', 'adopt', 'suspend', 'restore', 'remove'] as const;
export type PushAction = (typeof pushActions)[number];

export interface PushChange<E extends PushEntity = PushEntity> {
  readonly entity: E;
  /** `keep` only in a package that holds everything: it stands there as it should. */
  readonly action: PushAction | 'keep';
  /** Our key; of an enrolment or a membership, which have none over there, one of our own for telling what became of it. */
  readonly key: string;
  /** Null where it is to be created, or was not told yet. */
  readonly foreignId: string | null;
  /**
   * Null where it is suspended or removed and nothing is known of it here any more; of an enrolment, a membership and a section the
   * references always stand.
   */
  readonly content: PushContent[E] | null;
  /** How it stood over there when it was read: a name and a login or short name that a line may have to repeat. */
  readonly standsAs: { readonly name: string | null; readonly code: string | null } | null;
  /** Its place in the stream of its entity, from 1, without gaps and the same whenever the package is asked for again. */
  readonly ordinal: number;
}
/** A change of whichever entity, with the content of that one. */
export type AnyPushChange = { [E in PushEntity]: PushChange<E> }[PushEntity];

/** Why a record was not taken, or was taken with a reserve. Each has its sentence in messages/<locale>/push.json `problem`. */
export const pushProblems = [
  'username-taken',
  'username-refused',
  'email-taken',
  'email-refused',
  'name-refused',
  'code-taken',
  'key-taken',
  'key-refused',
  'role-refused',
  /** What it belongs to (course, section, cohort, category, term) is not there. */
  'parent-missing',
  'user-missing',
  /** It was there and is no longer. */
  'gone-over-there',
  /** The credential may not write this one. */
  'rights-missing',
  /** Accepted, and not there or otherwise when it was read back. */
  'not-written',
  /** The course lets nobody be enrolled from outside. */
  'enrolment-closed',
  'date-refused',
  /** The LMS told another id than the one that was meant: the engine's own finding. */
  'id-differs',
  /** Refused for a reason that the LMS does not tell apart. */
  'refused',
] as const;
export type PushProblem = (typeof pushProblems)[number];

type Details = Readonly<Record<string, string | number | boolean | null>>;

/** What became of one change. */
export interface PushOutcome {
  readonly key: string;
  /**
   * `done`: it stands there, read back where the LMS's answer proves nothing. `refused`: it does not, and would not the next time either.
   * `unknown`: it may or may not; it is looked for before anything is sent again.
   */
  readonly outcome: 'done' | 'refused' | 'unknown';
  /** Its id over there, where it is done and has one. Another than the change named is told as it is: the engine judges. */
  readonly foreignId: string | null;
  /** The name as it stands there after the write, where it was read back: an LMS may trim or rewrite it. */
  readonly name: string | null;
  readonly problem: PushProblem | null;
  /** Harmless facts: an error code of the LMS, a field. Never its message, which may quote the record. */
  readonly details: Details;
}

/** One entity and one action, at most `batch` of them. */
export interface PushBatch<E extends PushEntity = PushEntity> {
  readonly entity: E;
  readonly action: PushAction;
  readonly changes: readonly PushChange<E>[];
  /** An earlier attempt was cut off: any of them may be there already. Look before writing. */
  readonly mayHaveBeenSent: boolean;
}
export type AnyPushBatch = { [E in PushEntity]: PushBatch<E> }[PushEntity];

/** A record that is there, whoever made it. */
export interface ExistingRecord {
  readonly foreignId: string;
  /** Its SIS id; null where it has none. `hidden` where the credential may not see it: then nothing is concluded from it. */
  readonly key: string | null | 'hidden';
  /** Course name, section name, a person's whole name. */
  readonly name: string | null;
  /** Short name of a course, login of a user. */
  readonly code: string | null;
  /** Of a user alone. */
  readonly email: string | null;
  readonly state: 'active' | 'suspended' | 'deleted';
  /** Of an enrolment or a membership: who and in what, by their ids over there; of a section: its course. */
  readonly userForeignId: string | null;
  readonly parentForeignId: string | null;
  readonly role: 'student' | 'teacher' | null;
}

export interface ExistingPage {
  readonly records: readonly ExistingRecord[];
  /** Opaque; null on the last page. Always null where it was looked up or read within. */
  readonly cursor: string | null;
}

/** How a person or a course that may exist already can be recognised. */
export interface Probe {
  readonly key: string;
  /** Known from the ledger: it is asked whether it is still there. */
  readonly foreignId: string | null;
  readonly code: string | null;
  readonly email: string | null;
}

/**
 * `pages`: all of them, page by page. `look-up`: those that one of the probes fits, by any of its fields; nobody else is asked for.
 * `within`: those in each parent (course of a section or enrolment, cohort of a membership).
 */
export type ExistingAsk =
  | { readonly entity: PushEntity; readonly by: 'pages'; readonly cursor: string | null }
  | { readonly entity: PushEntity; readonly by: 'look-up'; readonly probes: readonly Probe[] }
  | { readonly entity: PushEntity; readonly by: 'within'; readonly parents: readonly Reference[] };

/** How an entity is read; `most`: probes or parents of one ask. */
export interface Reading {
  readonly by: ExistingAsk['by'];
  readonly most: number;
}

/** A way in which people can sign in to accounts that are made. */
export interface SignInChoice {
  readonly id: string;
  /** Key below the connector's id in messages/<locale>/connectors.json. */
  readonly label: string;
  /** Without it a person could not sign in this way: no made-up one will do. */
  readonly needs: 'username' | 'email' | null;
}

/** What is lost on the way, said in the preview. */
export interface Carry {
  readonly entity: PushEntity;
  /** Null: the entity as such. */
  readonly field: string | null;
  readonly how: 'partly' | 'not';
  /** Key below the connector's id in messages/<locale>/connectors.json. */
  readonly note: string;
}

/** Another import that is at work in the same LMS. */
export interface ForeignImport {
  /** What it is called over there: an import's kind, a plugin's name. */
  readonly by: string;
  readonly lastAt: Date | null;
}

interface EveryPush<S> {
  /** What is sent at all, in the order of `pushEntities`; what is not among them is told by `carries`. */
  readonly entities: readonly PushEntity[];
  readonly carries: readonly Carry[];
  readonly signIn: readonly SignInChoice[];
  /** Characters that a key may have; a longer one is cut and given a hash. */
  readonly keyLength: number;
  /** Whether a course's short name may stand only once in the whole LMS. */
  readonly codesAreUnique: boolean;
  /** How what is there is read; null where it cannot be. Whatever `entities` names of terms to users is readable. */
  readonly reading: Readonly<Record<PushEntity, Reading | null>>;
  /** @throws CrosswalkError whatever a call throws */
  readExisting(session: S, ask: ExistingAsk): AsyncIterable<ExistingPage>;
  /**
   * Whether somebody else feeds this LMS from a SIS: then nothing is pushed. `dataSet` is ours, `marks` are those of our packages.
   */
  detectForeignImport(
    session: S,
    ours: { readonly dataSet: string; readonly marks: readonly string[] },
  ): Promise<ForeignImport | null>;
  /** Most changes of one call of `deliver`, of each entity. */
  readonly batch: Readonly<Record<PushEntity, number>>;
}

/**
 * An LMS that is written to call by call (Moodle): every change goes by `deliver`, in the order of `pushEntities`. An outcome for each change
 * of the batch, in any order; what is missing counts as `unknown`. Told again what it has done, it finds it done.
 * @throws CrosswalkError where the whole batch met with something else than a refusal (no network, throttled, no rights): it is sent again.
 */
export interface BatchPush<S> extends EveryPush<S> {
  readonly manner: 'batches';
  deliver(session: S, batch: AnyPushBatch): Promise<readonly PushOutcome[]>;
}

/** How far a package is. */
export type PackageState =
  | { readonly state: 'working'; readonly percent: number | null; readonly waitSeconds: number }
  | {
      readonly state: 'ended';
      /**
       * `done`: whatever `problems` does not name as refused stands there. `refused`: nothing of it does. `cut-off`: some may, and it is looked
       * for before anything is sent again.
       */
      readonly how: 'done' | 'refused' | 'cut-off';
      readonly details: Details;
    };

/** What the LMS said of one change of a package: named by its place in the stream of its entity, or by its key. */
export interface PackageProblem {
  readonly entity: PushEntity;
  readonly at: { readonly ordinal: number } | { readonly key: string } | null;
  /** A warning: it was taken all the same. */
  readonly isTaken: boolean;
  readonly problem: PushProblem;
  readonly details: Details;
}

export interface PackageToSubmit {
  /** Names this package for good: an earlier attempt that was cut off is found by it. */
  readonly mark: string;
  /** Steady name of the data set that is compared with the one before, at most 100 characters. */
  readonly dataSet: string;
  /** The LMS is to forget what it was sent before, and to take this as the whole. */
  readonly isFresh: boolean;
  /** Streamed in the order of `pushEntities`; holding them all is forbidden. What is taken away is among them, with its action. */
  readonly changes: AsyncIterable<AnyPushChange>;
  /** Called now and then while the package is made, so that a lease is kept. */
  onProgress(changes: number): Promise<void>;
}

/**
 * An LMS that is handed everything at once and works it off by itself (Canvas). Adoptions alone go call by call, by `deliver`, before the
 * package. Foreign ids are read back by `readExisting` after its end.
 */
export interface PackagePush<S> extends EveryPush<S> {
  readonly manner: 'package';
  /** `everything`: what stands there as it should is in the package too, as `keep`, since the LMS compares it with the last one. */
  readonly holds: 'everything' | 'changes';
  deliver(session: S, batch: AnyPushBatch & { readonly action: 'adopt' }): Promise<readonly PushOutcome[]>;
  /** The ticket of a package with this mark that the LMS has already, or null. */
  find(session: S, submitted: { readonly mark: string; readonly since: Date }): Promise<string | null>;
  /** Hands a package over and answers its ticket. @throws CrosswalkError: whether it arrived is then asked by `find` */
  submit(session: S, toSubmit: PackageToSubmit): Promise<string>;
  follow(session: S, ticket: string): Promise<PackageState>;
  /** Page by page; only after its end. */
  problems(session: S, ticket: string): AsyncIterable<readonly PackageProblem[]>;
}

export type Push<S> = BatchPush<S> | PackagePush<S>;
