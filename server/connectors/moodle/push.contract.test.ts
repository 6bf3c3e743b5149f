import { beforeEach, describe, expect, it } from 'vitest';
import { deleteCourse, deleteUser, roleIds } from '#sandbox/moodle/model.ts';
import { type RunningMoodle, startMoodle } from '#sandbox/moodle/server.ts';
import { createOutboundClient } from '#server/kernel/outbound/client.ts';
import type { CallRecord } from '../contract.ts';
import type {
  AnyPushBatch,
  ExistingAsk,
  ExistingRecord,
  PushAction,
  PushContent,
  PushEntity,
  PushOutcome,
} from '../push-contract.ts';
import { connectorById } from '../registry.ts';
import { testSession } from '../testing/session.ts';

const scopes = ['lms.courses', 'lms.people', 'lms.roster.write'] as const;

describe('a roster written into Moodle', () => {
  let moodle: RunningMoodle;
  let calls: CallRecord[];
  /** Foreign ids by entity and key, as a ledger keeps them. */
  let ledger: Map<string, string>;
  let push: {
    deliver(batch: AnyPushBatch): Promise<readonly PushOutcome[]>;
    readExisting(ask: ExistingAsk): AsyncIterable<{ records: readonly ExistingRecord[] }>;
    detectForeignImport(ours: { dataSet: string; marks: readonly string[] }): Promise<unknown>;
  };

  beforeEach(async () => {
    moodle = await startMoodle({ school: 'waterkant' });
    const test = testSession({ settings: { baseUrl: moodle.url }, secret: { token: moodle.demoToken } });
    await test.close();
    const http = createOutboundClient({ mode: 'demo', idleTimeoutMs: 400 });
    const opened = connectorById('moodle').open({ ...test.session, http, purpose: 'push' }).push;
    if (opened?.manner !== 'batches') throw new Error('Moodle is written to in batches');
    push = opened;
    calls = test.calls;
    ledger = new Map();
    return async () => {
      await http.close();
      await moodle.close();
    };
  });

  const idOf = (entity: PushEntity, key: string) => ledger.get(`${entity} ${key}`) ?? null;
  const ref = (entity: PushEntity, key: string) => ({ key, foreignId: idOf(entity, key) });
  /** Delivers, keeps the ids that were told, and says in short what became of each. */
  async function deliver<E extends PushEntity>(
    entity: E,
    action: PushAction,
    wanted: Readonly<Record<string, PushContent[E] | null>>,
    mayHaveBeenSent = false,
  ): Promise<Record<string, string>> {
    const changes = Object.entries(wanted).map(([key, content], n) => ({
      entity,
      action,
      key,
      foreignId: idOf(entity, key),
      content,
      standsAs: null,
      ordinal: n + 1,
    }));
    const batch = { entity, action, changes, mayHaveBeenSent };
    // Each entity goes with its own content; one generic function for all cannot say so.
    const outcomes = await push.deliver(Object.assign<object, AnyPushBatch>({}, JSON.parse(JSON.stringify(batch))));
    for (const { key, foreignId } of outcomes) if (foreignId !== null) ledger.set(`${entity} ${key}`, foreignId);
    return Object.fromEntries(outcomes.map(({ key, outcome, problem }) => [key, problem ?? outcome]));
  }
  const person = (username: string, more: Partial<PushContent['user']> = {}): PushContent['user'] => ({
    username,
    givenName: 'Ada',
    familyName: 'Wolf',
    email: `${username}@school.test`,
    signIn: 'oauth2',
    ...more,
  });
  const course = (name: string, code = name): PushContent['course'] => ({
    name,
    code,
    category: null,
    term: null,
    startsOn: '2026-08-17',
    endsOn: '2027-07-10',
  });
  const enrolment = (
    user: string,
    inCourse: string,
    section: string | null,
    role: 'student' | 'teacher' = 'student',
  ): PushContent['enrolment'] => ({
    user: ref('user', user),
    course: ref('course', inCourse),
    section: section === null ? null : ref('section', section),
    role,
  });
  /** A course with two groups, a teacher and two students in the ledger; nobody enrolled. */
  async function scene() {
    await deliver('course', 'create', { 'bio@2026': course('Biology', 'BIO-26') });
    const section = (name: string) => ({ name, course: ref('course', 'bio@2026') });
    await deliver('section', 'create', { 'A@2026': section('A'), 'B@2026': section('B') });
    await deliver('user', 'create', { t1: person('tea'), s1: person('ada'), s2: person('bob') });
    return { courseId: Number(idOf('course', 'bio@2026')), ada: Number(idOf('user', 's1')) };
  }
  const enrolAll = () =>
    deliver('enrolment', 'create', {
      t: enrolment('t1', 'bio@2026', 'A@2026', 'teacher'),
      a: enrolment('s1', 'bio@2026', 'A@2026'),
      b: enrolment('s2', 'bio@2026', 'B@2026'),
    });
  const enrolled = (courseId: number, userId: number) =>
    (moodle.model.enrolled.get(courseId) ?? []).find((row) => row.userId === userId);
  const read = async (ask: ExistingAsk) => {
    const records: ExistingRecord[] = [];
    for await (const page of push.readExisting(ask)) records.push(...page.records);
    return records;
  };
  const operations = () => moodle.requests().map(({ operation }) => operation);

  it('is written whole, is there when it is read, and mails nobody, though this Moodle welcomes whoever is enrolled', async () => {
    const proof = await connectorById('moodle')
      .open(testSession({ settings: { baseUrl: moodle.url }, secret: { token: moodle.demoToken } }).session)
      .prove(scopes);
    expect(proof).toMatchObject({ ok: true });
    expect(await deliver('category', 'create', { site: { name: 'Site & sea' } })).toEqual({ site: 'done' });
    const { courseId, ada } = await scene();
    expect(await deliver('cohort', 'create', { '1a@2026': { name: '1a', of: 'class' } })).toEqual({
      '1a@2026': 'done',
    });
    expect(await enrolAll()).toEqual({ t: 'done', a: 'done', b: 'done' });
    const membership = { m: { user: ref('user', 's1'), cohort: ref('cohort', '1a@2026') } };
    expect(await deliver('membership', 'create', membership)).toEqual({ m: 'done' });
    expect(moodle.model.courses.get(courseId)).toMatchObject({
      fullname: 'Biology',
      shortname: 'BIO-26',
      idnumber: 'bio@2026',
      welcome: 1,
    });
    expect(enrolled(courseId, ada)).toMatchObject({ roleIds: [roleIds.student], suspended: false });
    expect(await read({ entity: 'enrolment', by: 'within', parents: [ref('course', 'bio@2026')] })).toHaveLength(3);
    expect(await read({ entity: 'membership', by: 'within', parents: [ref('cohort', '1a@2026')] })).toMatchObject([
      { userForeignId: String(ada) },
    ]);
    expect(
      (await read({ entity: 'course', by: 'pages', cursor: null })).find(({ key }) => key === 'bio@2026'),
    ).toMatchObject({ code: 'BIO-26', state: 'active' });
    // Suspended, restored and ended again: every one of these calls would have welcomed.
    for (const action of ['suspend', 'restore', 'remove'] as const)
      expect(await deliver('enrolment', action, { a: enrolment('s1', 'bio@2026', 'A@2026') })).toEqual({ a: 'done' });
    expect(enrolled(courseId, ada)).toBeUndefined();
    expect(moodle.model.mails).toEqual([]);
    expect(JSON.stringify(calls)).not.toContain('school.test');
  });

  it('enrols nobody where the welcome cannot be switched off', async () => {
    const { courseId } = await scene();
    moodle.settings.forcesMail = true;
    await expect(enrolAll()).rejects.toMatchObject({ code: 'rights-missing', details: { problem: 'welcome-locked' } });
    moodle.settings.forcesMail = false;
    // A site administrator is told what nobody else may choose for him.
    ledger.set('user admin', '2');
    expect(
      await deliver('enrolment', 'create', {
        x: enrolment('admin', 'bio@2026', null, 'teacher'),
        a: enrolment('s1', 'bio@2026', 'A@2026'),
      }),
    ).toEqual({ x: 'rights-missing', a: 'done' });
    expect(moodle.model.enrolled.get(courseId)).toHaveLength(1);
    expect(moodle.model.mails).toEqual([]);
  });

  it('sent twice it stands there once, whether or not it is known that it was sent', async () => {
    const { courseId } = await scene();
    await enrolAll();
    const before = moodle.model.snapshot();
    for (const mayHaveBeenSent of [false, true]) {
      expect(await deliver('course', 'create', { 'bio@2026': course('Biology', 'BIO-26') }, mayHaveBeenSent)).toEqual({
        'bio@2026': 'done',
      });
      expect(
        await deliver(
          'section',
          'create',
          { 'A@2026': { name: 'A', course: ref('course', 'bio@2026') } },
          mayHaveBeenSent,
        ),
      ).toEqual({ 'A@2026': 'done' });
      expect(
        await deliver('user', 'create', { s1: person('ada'), new: person(`new-${mayHaveBeenSent}`) }, mayHaveBeenSent),
      ).toMatchObject({ s1: 'done', new: 'done' });
      expect(
        await deliver('enrolment', 'create', { a: enrolment('s1', 'bio@2026', 'A@2026') }, mayHaveBeenSent),
      ).toEqual({ a: 'done' });
    }
    expect(moodle.model.courses.size).toBe(before.courses.length);
    expect(moodle.model.users.size).toBe(before.users.length + 1);
    expect(moodle.model.enrolled.get(courseId)).toHaveLength(3);
  });

  it.each(['stalled', 'truncated'] as const)(
    'an answer that is lost (%s) after it was written: the same batch finds it done',
    async (kind) => {
      const people = { s1: person('ada'), s2: person('bob') };
      moodle.faults.add({ kind, operation: 'core_user_create_users' });
      const users = moodle.model.users.size;
      await expect(deliver('user', 'create', people)).rejects.toMatchObject({ disposition: 'retry' });
      moodle.faults.clear();
      expect(moodle.model.users.size).toBe(users + 2);
      expect(await deliver('user', 'create', people, true)).toEqual({ s1: 'done', s2: 'done' });
      expect(moodle.model.users.size).toBe(users + 2);
      moodle.faults.add({ kind, operation: 'core_course_create_courses' });
      await expect(deliver('course', 'create', { c: course('C') })).rejects.toMatchObject({ disposition: 'retry' });
      moodle.faults.clear();
      moodle.log.clear();
      expect(await deliver('course', 'create', { c: course('C') }, true)).toEqual({ c: 'done' });
      expect(operations()).not.toContain('core_course_create_courses');
    },
  );

  it('an error with status 200, another id, a tail that PHP dropped: nothing is taken for done that is not', async () => {
    moodle.faults.add({ kind: 'error-inside', operation: 'core_user_create_users' });
    await expect(deliver('user', 'create', { s1: person('ada'), s2: person('bob') })).rejects.toMatchObject({
      code: 'foreign-unavailable',
      disposition: 'retry',
    });
    moodle.faults.clear();
    moodle.faults.add({ kind: 'another-id', operation: '*_create_*' });
    const { courseId } = await scene();
    expect(moodle.model.courses.get(courseId)?.idnumber).toBe('bio@2026');
    moodle.faults.clear();
    // Too many variables: the function is named last, so that the whole is refused, and halves pass.
    moodle.settings.maxInputVars = 60;
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`p${n}`, person(`p${n}`)]));
    expect(new Set(Object.values(await deliver('user', 'create', many)))).toEqual(new Set(['done']));
    expect([...moodle.model.users.values()].filter(({ idnumber }) => /^p\d+$/.test(idnumber))).toHaveLength(30);
  });

  it('of a batch that is refused the others are taken, each refusal with its reason', async () => {
    await deliver('user', 'create', { x: person('taken') });
    const people = {
      a: person('a'),
      b: person('taken', { email: 'b@school.test' }),
      c: person('c', { email: 'TAKEN@school.test' }),
      d: person('d e'),
      f: person('f', { email: 'none' }),
      g: person('g', { givenName: 'I <3 you', familyName: '' }),
      h: person('h', { signIn: 'manual' }),
    };
    expect(await deliver('user', 'create', people)).toEqual({
      a: 'done',
      b: 'username-taken',
      c: 'email-taken',
      d: 'username-refused',
      f: 'email-refused',
      g: 'done',
      h: 'done',
    });
    expect(operations()).not.toContain('core_user_delete_users');
    const courses = {
      c1: course('One'),
      c2: course('Two', 'One'),
      c3: { ...course('Three'), endsOn: '2026-08-01' },
      c4: { ...course('Four'), category: { key: 'x', foreignId: '99999' } },
    };
    expect(await deliver('course', 'create', courses)).toEqual({
      c1: 'done',
      c2: 'code-taken',
      c3: 'date-refused',
      c4: 'parent-missing',
    });
    expect(
      await deliver('user', 'update', {
        a: person('a', { email: 'taken@school.test' }),
        g: person('taken', { email: null }),
        h: person('h', { givenName: 'Hetty' }),
      }),
    ).toEqual({ a: 'email-taken', g: 'username-taken', h: 'done' });
  });

  it('what a teacher or an administrator did over there: renamed, deleted, given another id', async () => {
    const { courseId, ada } = await scene();
    await enrolAll();
    const standing = moodle.model.courses.get(courseId);
    if (standing === undefined) throw new Error('the course is missing');
    standing.fullname = 'Bees and flowers';
    // No name is wanted: the teacher's stays.
    expect(await deliver('course', 'update', { 'bio@2026': { ...course('x'), name: null, code: null } })).toEqual({
      'bio@2026': 'done',
    });
    expect(standing.fullname).toBe('Bees and flowers');
    deleteUser(moodle.model, ada, 1_800_000_000);
    expect(
      await read({
        entity: 'user',
        by: 'look-up',
        probes: [{ key: 's1', foreignId: String(ada), code: 'ada', email: null }],
      }),
    ).toMatchObject([{ foreignId: String(ada), state: 'deleted' }]);
    expect(await deliver('user', 'update', { s1: person('ada') })).toEqual({ s1: 'gone-over-there' });
    expect(
      await deliver('enrolment', 'create', {
        a: enrolment('s1', 'bio@2026', 'A@2026'),
        b: enrolment('s2', 'bio@2026', 'B@2026'),
      }),
    ).toEqual({ a: 'user-missing', b: 'done' });
    deleteCourse(moodle.model, courseId);
    expect(await deliver('course', 'update', { 'bio@2026': course('Biology') })).toEqual({
      'bio@2026': 'gone-over-there',
    });
    expect(await deliver('enrolment', 'create', { b: enrolment('s2', 'bio@2026', 'B@2026') })).toEqual({
      b: 'parent-missing',
    });
    expect(await deliver('enrolment', 'suspend', { b: enrolment('s2', 'bio@2026', 'B@2026') })).toEqual({ b: 'done' });
    expect(await read({ entity: 'section', by: 'within', parents: [ref('course', 'bio@2026')] })).toEqual([]);
  });

  it('who leaves one of two groups or roles stays in the other; the last one suspends', async () => {
    const { courseId, ada } = await scene();
    await enrolAll();
    await deliver('enrolment', 'create', {
      a2: enrolment('s1', 'bio@2026', 'B@2026'),
      a3: enrolment('s1', 'bio@2026', null, 'teacher'),
    });
    const [a, b] = [Number(idOf('section', 'A@2026')), Number(idOf('section', 'B@2026'))];
    expect(await deliver('enrolment', 'suspend', { a: enrolment('s1', 'bio@2026', 'A@2026') })).toEqual({ a: 'done' });
    expect([
      moodle.model.groups.get(a)?.members.includes(ada),
      moodle.model.groups.get(b)?.members.includes(ada),
    ]).toEqual([false, true]);
    expect(await deliver('enrolment', 'suspend', { a3: enrolment('s1', 'bio@2026', null, 'teacher') })).toEqual({
      a3: 'done',
    });
    expect(enrolled(courseId, ada)).toMatchObject({ roleIds: [roleIds.student], suspended: false });
    expect(await deliver('enrolment', 'suspend', { a2: enrolment('s1', 'bio@2026', 'B@2026') })).toEqual({
      a2: 'done',
    });
    expect(enrolled(courseId, ada)).toMatchObject({ suspended: true });
    expect(await deliver('user', 'suspend', { s1: null })).toEqual({ s1: 'done' });
    expect(await deliver('user', 'remove', { s1: null })).toEqual({ s1: 'done' });
    expect(moodle.model.users.get(ada)).toMatchObject({ suspended: true, deleted: false });
    expect(moodle.model.mails).toEqual([]);
  });

  it('what exists already is adopted once, and nothing of others is removed', async () => {
    const other = [...moodle.model.users.values()].find(
      ({ idnumber, username }) => idnumber === '' && !username.startsWith('moodle-'),
    );
    const linked = [...moodle.model.users.values()].find(({ idnumber }) => idnumber !== '');
    if (other === undefined || linked === undefined) throw new Error('the sandbox has nobody to adopt');
    ledger.set('user p1', String(other.id)).set('user p2', String(linked.id));
    expect(await deliver('user', 'adopt', { p1: null, p2: null })).toEqual({ p1: 'done', p2: 'key-taken' });
    expect(other).toMatchObject({ idnumber: 'p1', suspended: false });
    const { courseId } = await scene();
    moodle.model.courses.get(courseId)?.activities.push('Essay');
    expect(await deliver('course', 'remove', { 'bio@2026': null })).toEqual({ 'bio@2026': 'done' });
    expect(moodle.model.courses.get(courseId)).toMatchObject({ visible: false });
    await deliver('course', 'create', { told: course('Told'), empty: course('Empty') });
    moodle.model.courses.get(Number(idOf('course', 'told')))?.announcements.push('Welcome');
    await deliver('course', 'remove', { told: null });
    expect(moodle.model.courses.get(Number(idOf('course', 'told')))).toMatchObject({ visible: false });
    expect(await deliver('course', 'remove', { empty: null })).toEqual({ empty: 'done' });
    expect(moodle.model.courses.has(Number(idOf('course', 'empty')))).toBe(false);
  });

  it('sees that another import is at work, and what the token may not do', async () => {
    expect(await push.detectForeignImport({ dataSet: 'x', marks: [] })).toBeNull();
    moodle.model.courses.get(5)?.methods.push('imsenterprise');
    expect(await push.detectForeignImport({ dataSet: 'x', marks: [] })).toMatchObject({ by: 'enrol_imsenterprise' });
    const teacher = [...moodle.model.users.values()].find(({ username }) => username === moodle.logins.teacher);
    const { token } = moodle.services.issue(moodle.services.byShortname('crosswalk')?.id ?? 0, teacher?.id ?? 0);
    const test = testSession({ settings: { baseUrl: moodle.url }, secret: { token } });
    const proof = await connectorById('moodle').open(test.session).prove(scopes);
    expect(proof.results.map(({ ok, errorCode }) => [ok, errorCode])).toEqual([
      [true, null],
      [false, 'rights-missing'],
      [false, 'rights-missing'],
    ]);
    await test.close();
  });
});
