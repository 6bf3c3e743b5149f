import { unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canvasLogins, type FilledBy } from '#sandbox/canvas/model.ts';
import { type RunningCanvas, startCanvas } from '#sandbox/canvas/server.ts';
import type { OpenPush } from '#server/connectors/open-connector.ts';
import {
  type AnyPushChange,
  type ExistingAsk,
  type ExistingRecord,
  type PackageProblem,
  type PackageState,
  type PushAction,
  type PushContent,
  type PushEntity,
  pushEntities,
} from '#server/connectors/push-contract.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { connectorById } from '../registry.ts';
import { testSession } from '../testing/session.ts';

type PackageLms = Extract<OpenPush, { readonly manner: 'package' }>;

let canvas: RunningCanvas;
let close: () => Promise<void> = async () => undefined;

async function start(filledBy: FilledBy): Promise<void> {
  canvas = await startCanvas({ school: 'lindenhof', filledBy, settings: { quota: 1_000_000 } });
}
beforeEach(() => start('nobody'));
afterEach(async () => {
  await close();
  await canvas.close();
});

function open(login: string = canvasLogins.admin, keyId = canvas.demoKey.id) {
  const user = [...canvas.model.users.values()].find((candidate) => candidate.login === login);
  if (user === undefined) throw new Error(`the sandbox has no ${login}`);
  const test = testSession({
    settings: { baseUrl: canvas.url },
    secret: { clientId: keyId, clientSecret: canvas.oauth.key(keyId)?.secret ?? '' },
    tokens: {
      ...canvas.oauth.mint(keyId, user.id),
      expiresAt: null,
      scopes: null,
      actsAs: user.name,
      clientAuthentication: 'body',
    },
    idleTimeoutMs: 500,
    clock: { now: () => new Date(canvas.clock.now()) },
  });
  ({ close } = test);
  const connector = connectorById('canvas').open(test.session);
  if (connector.push?.manner !== 'package') throw new Error('Canvas takes packages');
  return { ...test, connector, push: connector.push };
}

const dataSet = 'crosswalk-connection';
const reference = (key: string) => ({ key, foreignId: null });
let packages = 0;
const newMark = () => {
  packages += 1;
  return `crosswalk-run-${packages}`;
};

/** A change; where it stands in the stream is told when the package is made. */
function change<E extends PushEntity>(
  entity: E,
  key: string,
  content: PushContent[E] | null,
  more: { action?: PushAction | 'keep'; foreignId?: string; standsAs?: AnyPushChange['standsAs'] } = {},
): AnyPushChange {
  const { action = 'create', foreignId = null, standsAs = null } = more;
  const one: { [X in PushEntity]: unknown }[E] = { entity, action, key, foreignId, content, standsAs, ordinal: 0 };
  return asChange(one);
}
const isChange = (value: unknown): value is AnyPushChange =>
  typeof value === 'object' && value !== null && 'entity' in value;
function asChange(value: unknown): AnyPushChange {
  if (isChange(value)) return value;
  throw new Error('not a change');
}

const person = (key: string, more: Partial<PushContent['user']> = {}) =>
  change('user', key, {
    username: `login-${key}`,
    givenName: 'Ann',
    familyName: key,
    email: `${key}@school.example`,
    signIn: 'school',
    ...more,
  });
const enrolment = (user: string, section: string, role: 'student' | 'teacher' = 'student') =>
  change('enrolment', `${user} ${section} ${role}`, {
    user: reference(user),
    course: reference('bio@2026'),
    section: reference(section),
    role,
  });
const roster = (): AnyPushChange[] => [
  change('term', '2026', { name: '2026/2027', startsOn: '2026-08-01', endsOn: '2027-08-01' }),
  change('category', 'site-1', { name: 'North "Old" School, =1+1' }),
  change('course', 'bio@2026', {
    name: 'Biology, year 4',
    code: 'BIO',
    category: reference('site-1'),
    term: reference('2026'),
    startsOn: null,
    endsOn: null,
  }),
  change('section', 'bio-a', { name: 'Biology A', course: reference('bio@2026') }),
  change('cohort', 'class-4a', { name: 'Class 4A', of: 'class' }),
  person('t1', { givenName: 'Zoë 😀' }),
  person('s1'),
  person('s2'),
  enrolment('t1', 'bio-a', 'teacher'),
  enrolment('s1', 'bio-a'),
  enrolment('s2', 'bio-a'),
  change('membership', 's1 class-4a', { user: reference('s1'), cohort: reference('class-4a') }),
];
const as = (action: PushAction | 'keep', changes: readonly AnyPushChange[]): AnyPushChange[] =>
  changes.map((one) => asChange({ ...one, action }));
const keep = (changes: readonly AnyPushChange[]) => as('keep', changes);
const without = (changes: readonly AnyPushChange[], ...keys: readonly string[]) =>
  changes.filter(({ key }) => !keys.includes(key));

async function* streamOf(changes: readonly AnyPushChange[]): AsyncGenerator<AnyPushChange> {
  for (const entity of pushEntities) {
    let ordinal = 0;
    for (const one of changes) {
      if (one.entity !== entity) continue;
      ordinal += 1;
      yield asChange({ ...one, ordinal });
    }
  }
}

const submit = (
  push: PackageLms,
  changes: readonly AnyPushChange[],
  more: { mark?: string; isFresh?: boolean } = {},
): Promise<string> =>
  push.submit({
    mark: more.mark ?? newMark(),
    dataSet,
    isFresh: more.isFresh ?? false,
    changes: streamOf(changes),
    onProgress: async () => undefined,
  });

async function follow(push: PackageLms, ticket: string): Promise<Extract<PackageState, { state: 'ended' }>> {
  for (;;) {
    const state = await push.follow(ticket);
    if (state.state === 'ended') return state;
    expect(state.waitSeconds).toBeGreaterThan(0);
    expect(state.waitSeconds).toBeLessThanOrEqual(60);
  }
}
async function problems(push: PackageLms, ticket: string): Promise<PackageProblem[]> {
  const all: PackageProblem[] = [];
  for await (const page of push.problems(ticket)) all.push(...page);
  return all;
}
async function pushAll(
  push: PackageLms,
  changes: readonly AnyPushChange[],
  more: { mark?: string; isFresh?: boolean } = {},
) {
  const ticket = await submit(push, changes, more);
  const ended = await follow(push, ticket);
  return { ticket, ended, problems: await problems(push, ticket) };
}
async function existing(push: PackageLms, ask: ExistingAsk): Promise<ExistingRecord[]> {
  const all: ExistingRecord[] = [];
  for await (const page of push.readExisting(ask)) all.push(...page.records);
  return all;
}

const userOf = (key: string) => [...canvas.model.users.values()].find(({ sisId }) => sisId === key);
const courseOf = (key: string) => [...canvas.model.courses.values()].find(({ sisId }) => sisId === key);
/** States of the enrolments that an import brought, by the person's SIS id. */
const states = () =>
  Object.fromEntries(
    [...canvas.model.enrollments.values()].flatMap(({ userId, importId, state }) =>
      importId === null ? [] : [[canvas.model.users.get(userId)?.sisId ?? userId, state]],
    ),
  );
const uploads = () =>
  canvas.requests().filter(({ method, path }) => method === 'POST' && path.endsWith('/sis_imports'));
const lastImport = () => canvas.imports.list().at(-1);

describe('a push into Canvas', () => {
  it('brings all of it, writes to nobody, and is read back by its ids', async () => {
    const { push } = open();
    const { ended, problems: found } = await pushAll(push, roster());
    expect([ended, found]).toEqual([{ state: 'ended', how: 'done', details: {} }, []]);
    expect(canvas.mails.list()).toEqual([]);
    const [course] = (await existing(push, { entity: 'course', by: 'pages', cursor: null })).filter(
      ({ key }) => key === 'bio@2026',
    );
    expect(course).toMatchObject({ name: 'Biology, year 4', code: 'BIO', state: 'active' });
    const parents = [{ key: 'bio@2026', foreignId: course?.foreignId ?? '' }];
    const [section] = await existing(push, { entity: 'section', by: 'within', parents });
    expect(section).toMatchObject({ key: 'bio-a', parentForeignId: course?.foreignId });
    const enrolled = await existing(push, { entity: 'enrolment', by: 'within', parents });
    expect(enrolled.map(({ role, userForeignId, parentForeignId }) => [role, userForeignId, parentForeignId])).toEqual([
      ['teacher', userOf('t1')?.id, course?.foreignId],
      ['student', userOf('s1')?.id, course?.foreignId],
      ['student', userOf('s2')?.id, course?.foreignId],
    ]);
    const [cohort] = await existing(push, { entity: 'cohort', by: 'pages', cursor: null });
    expect(cohort).toMatchObject({ key: 'class-4a', name: 'Class 4A' });
    const groups = [{ key: 'class-4a', foreignId: cohort?.foreignId ?? '' }];
    expect(await existing(push, { entity: 'membership', by: 'within', parents: groups })).toMatchObject([
      { userForeignId: userOf('s1')?.id, parentForeignId: cohort?.foreignId },
    ]);
    const users = await existing(push, { entity: 'user', by: 'pages', cursor: null });
    expect(users.find(({ key }) => key === 't1')).toMatchObject({
      name: 'Zoë 😀 t1',
      code: 'login-t1',
      email: 't1@school.example',
    });
    expect(users.find(({ code }) => code === 'canvas-admin')?.key).toBeNull();
    const categories = await existing(push, { entity: 'category', by: 'pages', cursor: null });
    expect(categories.map(({ name }) => name)).toContain('North "Old" School, =1+1');
    expect((await existing(push, { entity: 'term', by: 'pages', cursor: null })).map(({ key }) => key)).toContain(
      '2026',
    );
  });

  it('the next one holds everything, and Canvas works off the difference alone', async () => {
    const { push } = open();
    await pushAll(push, roster());
    // Rows that bore the mark of the first lose it once.
    await pushAll(push, keep(roster()));
    const added = await pushAll(push, [...keep(roster()), person('s3'), enrolment('s3', 'bio-a')]);
    expect(added.ended.how).toBe('done');
    expect(lastImport()?.counts).toMatchObject({ courses: 0, users: 1, enrollments: 1 });
    expect(states()).toMatchObject({ t1: 'active', s1: 'active', s3: 'active' });
    expect(canvas.mails.list()).toEqual([]);
  });

  it('deletes nothing that is missing, however much that is, and what is named alone', async () => {
    const { push } = open();
    await pushAll(push, roster());
    await pushAll(push, keep(roster().slice(0, 7)));
    await pushAll(push, keep(roster().slice(0, 3)));
    expect(states()).toEqual({ t1: 'active', s1: 'active', s2: 'active' });
    const going = as('remove', [enrolment('s2', 'bio-a')]);
    const removed = await pushAll(push, [...keep(without(roster(), 's2 bio-a student')), ...going]);
    expect([removed.ended.how, removed.problems]).toEqual(['done', []]);
    expect(states()).toEqual({ t1: 'active', s1: 'active', s2: 'deleted' });
    // It is named no more, and stays as it is; the person too.
    await pushAll(push, keep(without(roster(), 's2 bio-a student', 's2')));
    expect([states().s2, userOf('s2')?.state]).toEqual(['deleted', 'active']);
  });

  it('suspends without losing anything, and restores', async () => {
    const { push } = open();
    await pushAll(push, roster());
    const standsAs = { name: 'Ann s1', code: 'login-s1' };
    const suspended = [
      ...as('suspend', [change('user', 's1', null, { standsAs })]),
      ...as('suspend', [enrolment('s1', 'bio-a')]),
    ];
    await pushAll(push, [...keep(without(roster(), 's1', 's1 bio-a student')), ...suspended]);
    expect([userOf('s1')?.state, userOf('s1')?.name, states().s1]).toEqual(['suspended', 'Ann s1', 'inactive']);
    await pushAll(push, keep(without(roster(), 's1', 's1 bio-a student')));
    expect([userOf('s1')?.state, states().s1]).toEqual(['suspended', 'inactive']);
    const back = as('restore', [person('s1'), enrolment('s1', 'bio-a')]);
    await pushAll(push, [...keep(without(roster(), 's1', 's1 bio-a student')), ...back]);
    expect([userOf('s1')?.state, states().s1]).toEqual(['active', 'active']);
  });

  it('makes anew what was undone over there, though it reads as in the last package', async () => {
    const { push } = open();
    await pushAll(push, roster());
    await pushAll(push, keep(roster()));
    for (const one of canvas.model.enrollments.values()) if (one.userId === userOf('s1')?.id) one.state = 'deleted';
    await pushAll(push, [...keep(without(roster(), 's1 bio-a student')), enrolment('s1', 'bio-a')]);
    expect(states().s1).toBe('active');
  });

  it('leaves a name that a teacher gave, and one that it was not told', async () => {
    const { push } = open();
    await pushAll(push, roster());
    const course = courseOf('bio@2026');
    if (course === undefined) throw new Error('the course is missing');
    Object.assign(course, { name: 'Life', stuck: ['name'] });
    await pushAll(push, as('update', roster()));
    expect(course.name).toBe('Life');
    course.stuck = [];
    const untold = change(
      'course',
      'bio@2026',
      { name: null, code: null, category: reference('site-1'), term: reference('2026'), startsOn: null, endsOn: null },
      { action: 'update', standsAs: { name: 'Life', code: 'BIO' } },
    );
    await pushAll(push, [...keep(without(roster(), 'bio@2026')), untold]);
    expect([course.name, course.code]).toEqual(['Life', 'BIO']);
  });

  it('names each row that Canvas refused: by its place, and by its key once rows are compared', async () => {
    const { push } = open();
    const bad = [
      person('s8', { username: 'login-s1' }),
      person('s9', { email: 'nowhere' }),
      enrolment('ghost', 'bio-a'),
      enrolment('s1', 'bio-z'),
      change('membership', 'ghost class-4a', { user: reference('ghost'), cohort: reference('class-4a') }),
    ];
    const first = await pushAll(push, [...roster(), ...bad]);
    expect(first.ended.how).toBe('done');
    const expected = [
      ['user', { ordinal: 4 }, 'username-taken', false],
      ['user', { ordinal: 5 }, 'email-refused', true],
      ['enrolment', { ordinal: 4 }, 'user-missing', false],
      ['enrolment', { ordinal: 5 }, 'parent-missing', false],
      ['membership', { ordinal: 2 }, 'user-missing', false],
    ];
    const told = (found: readonly PackageProblem[]) =>
      found.map(({ entity, at, problem, isTaken }) => [entity, at, problem, isTaken]);
    expect(told(first.problems)).toEqual(expected);
    const again = await pushAll(push, [...keep(roster()), ...bad]);
    expect(told(again.problems)).toEqual([
      ['user', { key: 's8' }, 'username-taken', false],
      ['user', { key: 's9' }, 'email-refused', true],
      ['enrolment', { key: 'ghost bio-a student' }, 'user-missing', false],
      ['enrolment', { key: 's1 bio-z student' }, 'parent-missing', false],
      ['membership', { key: 'ghost class-4a' }, 'user-missing', false],
    ]);
    canvas.settings.errorsTellRows = false;
    const untold = await pushAll(push, [...keep(roster()), ...bad]);
    expect(untold.problems.every(({ at }) => at === null)).toBe(true);
    // What is not there need not go.
    canvas.settings.errorsTellRows = true;
    const gone = await pushAll(push, [...keep(roster()), ...as('remove', [enrolment('ghost', 'bio-a')])]);
    expect(told(gone.problems)).toEqual([['enrolment', { key: 'ghost bio-a student' }, 'user-missing', true]]);
  });

  it('is a zip of one CSV for each entity, its exact values in it, and nothing that makes Canvas write', async () => {
    const { push } = open();
    const sent: Uint8Array[] = [];
    const create = canvas.imports.create.bind(canvas.imports);
    canvas.imports.create = (upload) => {
      sent.push(upload.bytes);
      return create(upload);
    };
    await submit(push, [...roster(), ...as('remove', [person('s7')])], { mark: 'crosswalk-m' });
    const files = sent.map((bytes) =>
      Object.fromEntries(
        Object.entries(unzipSync(bytes)).map(([name, text]) => [name, new TextDecoder().decode(text)]),
      ),
    );
    expect(files).toHaveLength(2);
    expect(Object.keys(files[0] ?? {})).toEqual(['users.crosswalk-m.csv']);
    expect(Object.keys(files[1] ?? {})).toHaveLength(8);
    expect(files[1]?.['accounts.crosswalk-m.csv']).toBe(
      'account_id,parent_account_id,name,status,crosswalk_package\nsite-1,,"North ""Old"" School, =1+1",active,crosswalk-m\n',
    );
    expect(JSON.stringify(files)).not.toMatch(/notif|password/i);
  });
});

describe('e-mail addresses', () => {
  it('that somebody without SIS id has are left out, so that Canvas offers nobody a merge', async () => {
    const { push } = open();
    const taken = `${canvasLogins.teacher}@lindenhof.example`;
    await pushAll(push, [person('a', { email: taken }), person('b', { email: 'b@no-mail.invalid' }), person('c')]);
    expect(['a', 'b', 'c'].map((key) => userOf(key)?.email)).toEqual([null, null, 'c@school.example']);
    await pushAll(push, keep([person('a', { email: taken }), person('b'), person('c')]));
    expect(userOf('a')?.email).toBeNull();
    expect(canvas.mails.list()).toEqual([]);
  });

  it('are given to nobody where they cannot be seen', async () => {
    const key = canvas.oauth.key(canvas.demoKey.id);
    if (key === undefined) throw new Error('the sandbox has no key');
    const blind = canvas.oauth.createKey({ ...key, id: '170000000000008', allowIncludes: false });
    const { push, connector } = open(canvasLogins.admin, blind.id);
    expect((await connector.prove(['lms.people'])).advice).toContain('emails-not-visible');
    await pushAll(push, [person('c')]);
    expect(userOf('c')).toMatchObject({ email: null, login: 'login-c' });
  });
});

describe('a package that meets with trouble', () => {
  const path = '*/sis_imports';
  const since = () => new Date(canvas.clock.now() - 1_000);
  const refusal = async (work: Promise<unknown>) => {
    const error: unknown = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!isCrosswalkError(error)) throw new Error('it was not refused');
    return error;
  };

  it.each([
    ['is cut off after it was written', { kind: 'truncated', keep: 0 }, 'connection-failed'],
    ['hears nothing after it was written', { kind: 'stalled' }, 'timed-out'],
  ] as const)('%s: it is found again and not sent twice', async (_name, fault, code) => {
    const { push } = open();
    const mark = newMark();
    canvas.faults.add({ ...fault, path, method: 'POST', nth: 1 });
    expect(await refusal(submit(push, roster(), { mark }))).toMatchObject({ code, disposition: 'retry' });
    const ticket = await push.find({ mark, since: since() });
    if (ticket === null) throw new Error('it was not found');
    expect((await follow(push, ticket)).how).toBe('done');
    expect([canvas.imports.list(), states()]).toMatchObject([[{ options: { dataSet } }], { s1: 'active' }]);
    expect(await push.find({ mark: 'crosswalk-another', since: since() })).toBeNull();
  });

  it('lost between its two parts: what goes is not sent twice', async () => {
    const { push } = open();
    await pushAll(push, roster());
    const mark = newMark();
    const changes = [...keep(without(roster(), 's2 bio-a student')), ...as('remove', [enrolment('s2', 'bio-a')])];
    canvas.faults.add({ kind: 'reset', path, method: 'POST', nth: 2 });
    expect(await refusal(submit(push, changes, { mark }))).toMatchObject({ code: 'connection-failed' });
    expect(await push.find({ mark, since: since() })).toBeNull();
    canvas.faults.clear();
    expect((await pushAll(push, changes, { mark })).ended.how).toBe('done');
    expect(canvas.imports.list().map((one) => one.options.dataSet)).toEqual([dataSet, `${mark}-removals`, dataSet]);
    expect(states().s2).toBe('deleted');
    const found = await push.find({ mark, since: since() });
    expect(JSON.parse(found ?? '{}')).toEqual({ root: '1', removals: '79', picture: '80' });
  });

  it.each([
    [
      'throttled',
      () => canvas.faults.add({ kind: 'rate-limit', seconds: 7, path, method: 'POST' }),
      'foreign-throttled',
    ],
    ['reset', () => canvas.faults.add({ kind: 'reset', path, method: 'POST' }), 'connection-failed'],
    ['unavailable', () => canvas.faults.add({ kind: 'server-error', path, method: 'POST' }), 'foreign-unavailable'],
    [
      'answered by a sign-in page',
      () => canvas.faults.add({ kind: 'html', path, method: 'POST' }),
      'foreign-answer-unreadable',
    ],
    [
      'told with 200 that another import is at work',
      () => {
        canvas.settings.uploadAnswer = 'in-process';
      },
      'foreign-unavailable',
    ],
  ] as const)('%s: nothing is kept, and it is sent again later', async (_name, meet, code) => {
    const { push, calls } = open();
    const mark = newMark();
    meet();
    expect(await refusal(submit(push, roster(), { mark }))).toMatchObject({ code, disposition: 'retry' });
    expect([canvas.imports.list(), await push.find({ mark, since: since() })]).toEqual([[], null]);
    canvas.faults.clear();
    canvas.settings.uploadAnswer = 'import';
    expect((await pushAll(push, roster(), { mark })).ended.how).toBe('done');
    expect(JSON.stringify(calls)).not.toContain('school.example');
  });

  it('a token that ended while it was made is renewed, and the whole package sent', async () => {
    const { push } = open();
    canvas.faults.add({ kind: 'expired-token', path, method: 'POST', nth: 1 });
    expect((await pushAll(push, roster())).ended.how).toBe('done');
    expect([uploads().map(({ status }) => status), states().s1]).toEqual([[401, 200], 'active']);
  });

  it.each([
    ['aborted-midway', 'cut-off', 'aborted'],
    ['failed', 'cut-off', 'failed_with_messages'],
  ] as const)('%s: part of it may be there', async (nextImport, how, state) => {
    const { push } = open();
    canvas.settings.nextImport = nextImport;
    const { ended } = await pushAll(push, roster());
    expect(ended).toEqual({ state: 'ended', how, details: { state } });
    canvas.clock.advance(600_001);
    expect((await pushAll(push, roster(), { isFresh: true })).ended.how).toBe('done');
    expect(states()).toEqual({ t1: 'active', s1: 'active', s2: 'active' });
  });

  it('aborted before it began, or never created: nothing of it is there', async () => {
    const { push } = open();
    const ticket = await submit(push, roster());
    canvas.imports.abortAllPending();
    expect(await push.follow(ticket)).toMatchObject({ state: 'ended', how: 'refused' });
    canvas.settings.nextImport = 'stuck-initializing';
    const stuck = await submit(push, roster());
    expect(await push.follow(stuck)).toMatchObject({ state: 'working' });
    canvas.clock.advance(1_000_000);
    expect(await push.follow(stuck)).toMatchObject({ state: 'working', waitSeconds: 60 });
    canvas.clock.advance(1_000_000);
    expect(await push.follow(stuck)).toMatchObject({
      state: 'ended',
      how: 'refused',
      details: { state: 'initializing' },
    });
  });

  it('waits behind the imports of others', async () => {
    const { push } = open();
    const [first, second] = [await submit(push, roster()), await submit(push, keep(roster()))];
    expect(await push.follow(second)).toMatchObject({ state: 'working', percent: 0 });
    expect((await follow(push, second)).how).toBe('done');
    expect((await push.follow(first)).state).toBe('ended');
  });
});

describe('what exists already', () => {
  beforeEach(async () => {
    await canvas.close();
    await start('hand');
  });
  const batch = (entity: PushEntity, key: string, foreignId: string) => ({
    entity,
    action: 'adopt' as const,
    changes: [change(entity, key, null, { action: 'adopt', foreignId })],
    mayHaveBeenSent: false,
  });
  const adopt = async (push: PackageLms, entity: PushEntity, key: string, foreignId: string) => {
    const wanted: unknown = batch(entity, key, foreignId);
    const isBatch = (value: unknown): value is Parameters<PackageLms['deliver']>[0] => isChangeBatch(value);
    if (!isBatch(wanted)) throw new Error('not a batch');
    const [outcome] = await push.deliver(wanted);
    return outcome;
  };
  const isChangeBatch = (value: unknown): boolean => typeof value === 'object' && value !== null && 'changes' in value;

  it('is given our key and nothing else; what has another, or is gone, is left alone', async () => {
    const { push } = open();
    const course = [...canvas.model.courses.values()].find(({ state }) => state === 'available');
    const section = [...canvas.model.sections.values()].find(({ courseId }) => courseId === course?.id);
    const [user, other] = [...canvas.model.users.values()].slice(10, 12);
    if (course === undefined || section === undefined || user === undefined || other === undefined)
      throw new Error('the sandbox is empty');
    const before = structuredClone({ course, user });
    const ids: readonly (readonly [PushEntity, string])[] = [
      ['course', course.id],
      ['section', section.id],
      ['user', user.id],
      ['term', '21'],
      ['category', '101'],
    ];
    for (const [entity, foreignId] of ids) {
      expect(await adopt(push, entity, `${entity}-key`, foreignId)).toMatchObject({ outcome: 'done', foreignId });
      expect(await adopt(push, entity, `${entity}-key`, foreignId)).toMatchObject({ outcome: 'done' });
      expect(await adopt(push, entity, 'other-key', foreignId)).toMatchObject({
        outcome: 'refused',
        problem: 'key-taken',
      });
    }
    expect([course, user]).toEqual([
      { ...before.course, sisId: 'course-key' },
      { ...before.user, sisId: 'user-key' },
    ]);
    expect(await adopt(push, 'user', 'user-key', other.id)).toMatchObject({ problem: 'key-taken' });
    expect(await adopt(push, 'course', 'new-key', '4711')).toMatchObject({
      problem: 'gone-over-there',
      foreignId: null,
    });
    // From then on rows refer to it, and it is nobody's double.
    const adopted = change('user', 'user-key', null, {
      action: 'keep',
      standsAs: { name: user.name, code: user.login },
    });
    const enrolled = change('enrolment', 'user-key section-key student', {
      user: reference('user-key'),
      course: reference('course-key'),
      section: reference('section-key'),
      role: 'student',
    });
    const count = canvas.model.users.size;
    const { problems: found } = await pushAll(push, [adopted, enrolled]);
    expect([found, canvas.model.users.size, user.name, user.login]).toEqual([
      [],
      count,
      before.user.name,
      before.user.login,
    ]);
    expect(states()['user-key']).toBe('active');
  });

  it('is read in pages that go on from a cursor', async () => {
    const { push } = open();
    const first = await push.readExisting({ entity: 'user', by: 'pages', cursor: null })[Symbol.asyncIterator]().next();
    const page = first.done === true ? undefined : first.value;
    const rest = await existing(push, { entity: 'user', by: 'pages', cursor: page?.cursor ?? '' });
    const all = [...(page?.records ?? []), ...rest].map(({ foreignId }) => foreignId);
    expect(new Set(all).size).toBe(canvas.model.users.size);
    expect(all).toHaveLength(canvas.model.users.size);
    await expect(existing(push, { entity: 'user', by: 'look-up', probes: [] })).rejects.toMatchObject({
      code: 'internal',
    });
    expect(
      await existing(push, { entity: 'section', by: 'within', parents: [{ key: 'x', foreignId: '4711' }] }),
    ).toEqual([]);
  });
});

describe('the SIS import of somebody else', () => {
  const detect = (push: PackageLms, marks: readonly string[] = []) => push.detectForeignImport({ dataSet, marks });

  it('is told from ours, whichever connection of the school made it', async () => {
    const { push } = open();
    expect(await detect(push)).toBeNull();
    const mark = newMark();
    await pushAll(push, [...roster(), ...as('remove', [enrolment('s9', 'bio-a')])], { mark });
    expect(await detect(push, [mark])).toBeNull();
    const another = newMark();
    const ticket = await push.submit({
      mark: another,
      dataSet: 'crosswalk-an-older-connection',
      isFresh: true,
      changes: streamOf(roster()),
      onProgress: async () => undefined,
    });
    await follow(push, ticket);
    expect(await detect(push, [mark, another])).toBeNull();
    expect(await detect(push, [mark])).toMatchObject({ by: 'crosswalk-an-older-connection' });
  });

  it('forbids a push for a school year', async () => {
    await canvas.close();
    await start('sis');
    const { push } = open();
    expect(await detect(push)).toEqual({ by: 'registra-nightly', lastAt: expect.any(Date) });
    canvas.clock.advance(400 * 24 * 3_600_000);
    const later = open();
    expect(await detect(later.push)).toBeNull();
  });
});

describe('the proof', () => {
  const scopes = ['lms.people', 'lms.roster.write'] as const;

  it('asks each scope a real question and imports nothing', async () => {
    await canvas.close();
    await start('hand');
    const { connector } = open();
    const proof = await connector.prove(scopes);
    expect(proof).toMatchObject({ ok: true, results: scopes.map((scope) => ({ scope, ok: true })) });
    expect([uploads().map(({ status }) => status), canvas.imports.list()]).toEqual([[400], []]);
  });

  it('an administrator of one site may not import, and a key without the scope neither', async () => {
    const site = open(canvasLogins.siteAdmin);
    expect((await site.connector.prove(scopes)).results).toMatchObject(
      scopes.map(() => ({ ok: false, errorCode: 'rights-missing', details: { problem: 'root-account-needed' } })),
    );
    await site.close();
    const key = canvas.oauth.key(canvas.demoKey.id);
    if (key === undefined) throw new Error('the sandbox has no key');
    const post = 'url:POST|/api/v1/accounts/:account_id/sis_imports';
    canvas.oauth.createKey({ ...key, scopes: key.scopes.filter((scope) => scope !== post) });
    expect((await open().connector.prove(scopes)).results).toMatchObject([
      { ok: true },
      { ok: false, errorCode: 'scope-missing', details: { scopes: [post] } },
    ]);
    expect(connectorById('canvas').foreignScopes(['lms.roster.write'], { baseUrl: canvas.url })).toContain(post);
  });

  it('a Canvas that allows no SIS imports says so', async () => {
    canvas.settings.sisImports = false;
    expect((await open().connector.prove(['lms.roster.write'])).results).toMatchObject([
      { ok: false, errorCode: 'rights-missing' },
    ]);
  });
});
