import type { OpenPush, PushFacts } from '#server/connectors/open-connector.ts';
import {
  type AnyPushBatch,
  type AnyPushChange,
  type ExistingAsk,
  type ExistingRecord,
  type ForeignImport,
  type PackageProblem,
  type PackageState,
  type PushEntity,
  type PushOutcome,
  pushEntities,
} from '#server/connectors/push-contract.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** A record of the LMS as the test sees it. */
export interface LmsRecord {
  id: string;
  key: string | null;
  name: string | null;
  code: string | null;
  email: string | null;
  state: 'active' | 'suspended' | 'deleted';
  userId: string | null;
  parentId: string | null;
  section: string | null;
  role: 'student' | 'teacher' | null;
}

/** What goes wrong with a delivery, decided before it is done. */
export type Mishap =
  /** It is written, and the answer never comes. */
  | { readonly kind: 'lost-answer' }
  /** Nothing is written, and the answer never comes. */
  | { readonly kind: 'lost-request' }
  /** Half of it is written, then the process is gone. */
  | { readonly kind: 'half' }
  /** 200, and an error inside: refused, each of them. */
  | { readonly kind: 'refused' }
  /** Told as done, under other ids than the records have. */
  | { readonly kind: 'other-ids' }
  /** Told of half of them alone. */
  | { readonly kind: 'silent' };

const reads: PushFacts['reading'] = {
  term: { by: 'pages', most: 50 },
  category: { by: 'pages', most: 50 },
  course: { by: 'pages', most: 50 },
  section: { by: 'within', most: 20 },
  cohort: { by: 'pages', most: 50 },
  user: { by: 'look-up', most: 7 },
  enrolment: { by: 'within', most: 3 },
  membership: { by: 'within', most: 3 },
};
const sevens: PushFacts['batch'] = {
  term: 7,
  category: 7,
  course: 7,
  section: 7,
  cohort: 7,
  user: 7,
  enrolment: 7,
  membership: 7,
};

const facts = {
  entities: [...pushEntities],
  carries: [{ entity: 'term', field: null, how: 'partly', note: 'test.carry.term' }],
  signIn: [
    { id: 'password', label: 'test.sign-in.password', needs: null },
    { id: 'sso', label: 'test.sign-in.sso', needs: 'email' },
  ],
  keyLength: 100,
  codesAreUnique: true,
  reading: reads,
  batch: sevens,
} as const satisfies Omit<PushFacts, 'manner'>;

/** An LMS in memory that keeps what is written to it and goes wrong when it is told to. */
export class ScriptedLms {
  readonly records = new Map<PushEntity, Map<string, LmsRecord>>(pushEntities.map((entity) => [entity, new Map()]));
  /** Called before each delivery; what it answers goes wrong with it. */
  mishap: (batch: AnyPushBatch, number: number) => Mishap | null = () => null;
  foreign: ForeignImport | null = null;
  /** Looks for what may have been sent before, as every connector promises. */
  readonly asked: ExistingAsk[] = [];
  deliveries = 0;
  writes = 0;
  readonly packages = new Map<string, { mark: string; changes: AnyPushChange[]; looks: number }>();
  problemsOf: (changes: readonly AnyPushChange[]) => PackageProblem[] = () => [];
  packageMishap: 'lost-answer' | 'refused' | 'cut-off' | null = null;
  #nextId = 1;

  of(entity: PushEntity): LmsRecord[] {
    return [...(this.records.get(entity)?.values() ?? [])];
  }

  alive(entity: PushEntity): LmsRecord[] {
    return this.of(entity).filter(({ state }) => state !== 'deleted');
  }

  byKey(entity: PushEntity, key: string): LmsRecord | undefined {
    return this.alive(entity).find((record) => record.key === key);
  }

  add(entity: PushEntity, record: Partial<LmsRecord>): LmsRecord {
    const made: LmsRecord = {
      id: String(this.#nextId++),
      key: null,
      name: null,
      code: null,
      email: null,
      state: 'active',
      userId: null,
      parentId: null,
      section: null,
      role: null,
      ...record,
    };
    this.records.get(entity)?.set(made.id, made);
    return made;
  }

  /** More than one living record of one key would be a double. */
  doubles(): string[] {
    return pushEntities.flatMap((entity) => {
      const keys = this.alive(entity).map((record) =>
        entity === 'enrolment' || entity === 'membership'
          ? [record.userId, record.parentId, record.section, record.role].join(' ')
          : record.key,
      );
      return keys.filter((key, at) => key !== null && keys.indexOf(key) !== at).map((key) => `${entity} ${key}`);
    });
  }

  readonly #read = async function* (this: ScriptedLms, ask: ExistingAsk) {
    this.asked.push(ask);
    const told = (record: LmsRecord): ExistingRecord => ({
      foreignId: record.id,
      key: record.key,
      name: record.name,
      code: record.code,
      email: record.email,
      state: record.state,
      userForeignId: record.userId,
      parentForeignId: record.parentId,
      role: record.role,
    });
    const all = this.alive(ask.entity);
    if (ask.by === 'pages') {
      const from = ask.cursor === null ? 0 : Number(ask.cursor);
      const page = all.slice(from, from + 50);
      yield { records: page.map(told), cursor: from + 50 < all.length ? String(from + 50) : null };
      return;
    }
    const fits = (record: LmsRecord) =>
      ask.by === 'within'
        ? ask.parents.some(({ foreignId }) => foreignId === record.parentId)
        : ask.probes.some(
            (probe) =>
              probe.key === record.key ||
              probe.foreignId === record.id ||
              (probe.code !== null && probe.code === record.code) ||
              (probe.email !== null && probe.email.toLowerCase() === record.email?.toLowerCase()),
          );
    yield { records: all.filter(fits).map(told), cursor: null };
  }.bind(this);

  #write(change: AnyPushChange, look: boolean): PushOutcome {
    this.writes += 1;
    const done = (record: LmsRecord): PushOutcome => ({
      key: change.key,
      outcome: 'done',
      foreignId: record.id,
      name: record.name,
      problem: null,
      details: {},
    });
    const refused = (problem: PushOutcome['problem']): PushOutcome => ({
      key: change.key,
      outcome: 'refused',
      foreignId: null,
      name: null,
      problem,
      details: {},
    });
    if (change.entity === 'enrolment' || change.entity === 'membership') {
      const content = change.content;
      if (content === null) return refused('refused');
      const parent = 'cohort' in content ? content.cohort : content.course;
      const role = 'role' in content ? content.role : null;
      const section = 'section' in content ? (content.section?.foreignId ?? null) : null;
      if (content.user.foreignId === null || parent.foreignId === null) return refused('parent-missing');
      const userId = content.user.foreignId;
      const known = this.alive(change.entity).find(
        (record) =>
          record.userId === userId &&
          record.parentId === parent.foreignId &&
          record.role === role &&
          record.section === section,
      );
      if (change.action === 'create' || change.action === 'restore') {
        if (known !== undefined) known.state = 'active';
        return done(known ?? this.add(change.entity, { userId, parentId: parent.foreignId, role, section }));
      }
      if (known === undefined) return refused('gone-over-there');
      known.state = change.action === 'suspend' ? 'suspended' : 'deleted';
      return done(known);
    }
    const byId = change.foreignId === null ? undefined : this.records.get(change.entity)?.get(change.foreignId);
    if (change.action === 'create') {
      const known = look ? this.byKey(change.entity, change.key) : undefined;
      if (known !== undefined) return done(known);
      const content = this.#contentOf(change);
      const taken = this.alive(change.entity).some(
        (record) => change.entity === 'user' && record.code !== null && record.code === content.code,
      );
      if (taken) return refused('username-taken');
      return done(this.add(change.entity, { ...content, key: change.key }));
    }
    if (byId === undefined || byId.state === 'deleted') return refused('gone-over-there');
    if (change.action === 'adopt') byId.key = change.key;
    if (change.action === 'update' || change.action === 'restore') {
      const { name, code, email } = this.#contentOf(change);
      if (name !== null) byId.name = name;
      if (code !== null) byId.code = code;
      if (email !== null) byId.email = email;
      byId.state = 'active';
    }
    if (change.action === 'suspend') byId.state = 'suspended';
    if (change.action === 'remove') byId.state = 'deleted';
    return done(byId);
  }

  #contentOf(change: AnyPushChange): Pick<LmsRecord, 'name' | 'code' | 'email' | 'parentId'> {
    const nothing = { name: null, code: null, email: null, parentId: null };
    if (change.content === null) return nothing;
    switch (change.entity) {
      case 'user':
        return {
          ...nothing,
          name: `${change.content.givenName} ${change.content.familyName}`,
          code: change.content.username,
          email: change.content.email,
        };
      case 'course':
        return { ...nothing, name: change.content.name, code: change.content.code };
      case 'section':
        return { ...nothing, name: change.content.name, parentId: change.content.course.foreignId };
      case 'term':
      case 'category':
      case 'cohort':
        return { ...nothing, name: change.content.name };
      case 'enrolment':
      case 'membership':
        return nothing;
    }
  }

  #deliver(batch: AnyPushBatch): Promise<readonly PushOutcome[]> {
    const mishap = this.mishap(batch, this.deliveries);
    this.deliveries += 1;
    const lost = () => Promise.reject(new CrosswalkError('timed-out'));
    if (mishap?.kind === 'lost-request') return lost();
    const changes: readonly AnyPushChange[] = batch.changes;
    if (mishap?.kind === 'refused') {
      return Promise.resolve(
        changes.map(({ key }) => ({
          key,
          outcome: 'refused',
          foreignId: null,
          name: null,
          problem: 'refused',
          details: { errorcode: 'dml' },
        })),
      );
    }
    const part = mishap?.kind === 'half' ? changes.slice(0, Math.ceil(changes.length / 2)) : changes;
    const outcomes = part.map((change) => this.#write(change, batch.mayHaveBeenSent));
    if (mishap?.kind === 'half' || mishap?.kind === 'lost-answer') return lost();
    if (mishap?.kind === 'other-ids') {
      return Promise.resolve(outcomes.map((outcome) => ({ ...outcome, foreignId: `9${outcome.foreignId}` })));
    }
    return Promise.resolve(mishap?.kind === 'silent' ? outcomes.slice(0, Math.floor(outcomes.length / 2)) : outcomes);
  }

  get batchFacts(): PushFacts {
    return { ...facts, manner: 'batches' };
  }

  /** Written to call by call. */
  asBatches(): OpenPush {
    return {
      ...facts,
      manner: 'batches',
      readExisting: (ask) => this.#read(ask),
      detectForeignImport: () => Promise.resolve(this.foreign),
      deliver: (batch) => this.#deliver(batch),
    };
  }

  get packageFacts(): PushFacts {
    return { ...facts, manner: 'package', reading: { ...reads, section: null } };
  }

  /** Handed everything at once. */
  asPackage(): OpenPush {
    return {
      ...facts,
      ...this.packageFacts,
      manner: 'package',
      holds: 'everything',
      readExisting: (ask) => this.#read(ask),
      detectForeignImport: () => Promise.resolve(this.foreign),
      deliver: (batch) => this.#deliver(batch),
      find: ({ mark }) =>
        Promise.resolve([...this.packages].find(([, submitted]) => submitted.mark === mark)?.[0] ?? null),
      submit: async ({ mark, changes, onProgress }) => {
        const taken: AnyPushChange[] = [];
        for await (const change of changes) taken.push(change);
        await onProgress(taken.length);
        const ticket = String(this.packages.size + 1);
        this.packages.set(ticket, { mark, changes: taken, looks: 0 });
        if (this.packageMishap === 'lost-answer') {
          this.packageMishap = null;
          throw new CrosswalkError('timed-out');
        }
        return ticket;
      },
      follow: (ticket): Promise<PackageState> => {
        const submitted = this.packages.get(ticket);
        if (submitted === undefined) return Promise.reject(new CrosswalkError('foreign-not-found'));
        submitted.looks += 1;
        if (submitted.looks === 1) return Promise.resolve({ state: 'working', percent: 40, waitSeconds: 5 });
        if (this.packageMishap === 'refused') return Promise.resolve({ state: 'ended', how: 'refused', details: {} });
        const refused = this.problemsOf(submitted.changes).filter(({ isTaken }) => !isTaken);
        const isRefused = (change: AnyPushChange) =>
          refused.some(
            ({ entity, at }) =>
              entity === change.entity && at !== null && 'ordinal' in at && at.ordinal === change.ordinal,
          );
        const cut =
          this.packageMishap === 'cut-off' ? Math.floor(submitted.changes.length / 2) : submitted.changes.length;
        if (submitted.looks === 2) {
          for (const change of submitted.changes.slice(0, cut)) {
            if (!isRefused(change) && change.action !== 'keep') this.#write(this.#resolved(change), true);
          }
        }
        return Promise.resolve({
          state: 'ended',
          how: this.packageMishap === 'cut-off' ? 'cut-off' : 'done',
          details: {},
        });
      },
      problems: async function* (this: ScriptedLms, ticket: string) {
        yield this.problemsOf(this.packages.get(ticket)?.changes ?? []);
      }.bind(this),
    };
  }

  /** A package refers by our keys: the LMS finds the records itself. */
  #resolved(change: AnyPushChange): AnyPushChange {
    const found = (entity: PushEntity, reference: { readonly key: string; readonly foreignId: string | null }) => ({
      key: reference.key,
      foreignId: this.byKey(entity, reference.key)?.id ?? null,
    });
    if (change.content === null) return change;
    switch (change.entity) {
      case 'enrolment': {
        const { user, course, section, role } = change.content;
        const content = {
          user: found('user', user),
          course: found('course', course),
          section: section === null ? null : found('section', section),
          role,
        };
        return { ...change, content };
      }
      case 'membership':
        return {
          ...change,
          content: { user: found('user', change.content.user), cohort: found('cohort', change.content.cohort) },
        };
      case 'section':
        return { ...change, content: { ...change.content, course: found('course', change.content.course) } };
      default:
        return change;
    }
  }
}
