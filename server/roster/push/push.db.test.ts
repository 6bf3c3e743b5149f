import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { runWork } from '#server/kernel/verb.ts';
import { systemContext } from '#server/testing/actors.ts';
import {
  Killed,
  makePushedSchool,
  type PushedSchool,
  type RecordedPushPorts,
  recordedPushPorts,
  runPush,
} from '../testing/push-harness.ts';
import { ScriptedLms } from '../testing/scripted-lms.ts';
import { requestPush } from './request-push.ts';

describe('a push into an LMS', () => {
  let database: TestDatabase;
  let web: Context;
  let sync: Context;
  let school: PushedSchool;
  let lms: ScriptedLms;
  let ports: RecordedPushPorts;

  beforeAll(async () => {
    database = await createTestDatabase();
    web = await systemContext(database, { clock: fixedClock('2026-11-20T09:00:00Z') });
    sync = { ...web, database: database.sync };
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    lms = new ScriptedLms();
    ports = recordedPushPorts(() => lms.asBatches(), lms.batchFacts);
    school = await makePushedSchool(database);
  });

  const push = (options: Parameters<typeof runPush>[3] = {}) => runPush({ web, sync }, ports, school, options);
  const yes = (pushRunId: string) =>
    database.admin`update push_run set state = 'queued', approved_at = now(), held = null where id = ${pushRunId}`;
  /** Planned, looked at, approved and done. */
  const pushed = async (options: Parameters<typeof runPush>[3] = {}) => {
    const { pushRunId, outcome } = await push({ trigger: 'first' });
    expect(outcome).toBe('held');
    await yes(pushRunId);
    return push({ ...options, pushRunId });
  };
  const rows = (pushRunId: string, what: object = {}) =>
    database.admin<
      { entity: string; key: string; action: string; reason: string | null; state: string; problem: string | null }[]
    >`
      select entity, key, action, reason, state, problem, foreign_id from push_row where push_run_id = ${pushRunId} order by entity, key`.then(
      (all) => all.filter((row) => Object.entries(what).every(([name, value]) => Reflect.get(row, name) === value)),
    );
  const ledger = async (entity: string) =>
    database.admin`select * from push_ledger where connection_id = ${school.connectionId} and entity = ${entity} order by key`;
  const answer = (entity: string, key: string, answer: string, foreignId: string | null) =>
    database.admin`
      insert into push_choice (school_id, connection_id, entity, key, answer, foreign_id, chosen_by, chosen_at)
      values (${school.schoolId}, ${school.connectionId}, ${entity}, ${key}, ${answer}, ${foreignId}, ${newId()}, now())`;
  const whole = { term: 1, category: 1, course: 2, section: 0, cohort: 2, user: 11, enrolment: 13, membership: 13 };
  const standing = () =>
    Object.fromEntries([...lms.records.keys()].map((entity) => [entity, lms.alive(entity).length]));

  it('waits for a yes before its first write, then makes what the grant names; the next one writes nothing', async () => {
    const first = await push({ trigger: 'first' });
    expect(first.outcome).toBe('held');
    expect(lms.writes).toBe(0);
    await yes(first.pushRunId);
    expect((await push({ pushRunId: first.pushRunId })).outcome).toBe('done');
    expect(standing()).toEqual(whole);
    expect(lms.byKey('course', 'bio1@y26')).toMatchObject({ name: 'Biology 1', code: 'BIO1 2027' });
    // No username, no e-mail: by the rule, and to a host that is nobody's.
    expect(lms.byKey('user', 'student-9')).toMatchObject({
      code: 'given.family9student',
      email: 'student9@school.example',
    });
    expect(lms.byKey('user', 'student-4')).toMatchObject({ code: 'student4', email: 'student4@school.invalid' });
    expect((await ledger('user')).every(({ origin, foreign_id }) => origin === 'made' && foreign_id !== null)).toBe(
      true,
    );
    const { writes } = lms;
    const second = await push({ trigger: 'sync' });
    expect(second.outcome).toBe('done');
    expect(lms.writes).toBe(writes);
    expect(await rows(second.pushRunId)).toEqual([]);
    expect(ports.told.map(({ what }) => what)).toEqual(['held', 'done', 'done']);
    const [staged] = await database.admin`
      select count(*)::int as n from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'staging' and c.relname like 'push\_%'`;
    expect(staged?.n).toBe(0);
  });

  it('is taken up where it was killed, at every boundary, and doubles nothing', async () => {
    let boundaries = 0;
    for (let at = 0; ; at++) {
      lms = new ScriptedLms();
      school = await makePushedSchool(database);
      const { pushRunId } = await push({ trigger: 'first' });
      await yes(pushRunId);
      let seen = 0;
      let delivered = 0;
      // Between two batches too: the process goes when the LMS is asked for the `at`-th time.
      lms.mishap = () => {
        if (delivered++ === at) throw new Killed();
        return null;
      };
      let isOver = true;
      try {
        await push({
          pushRunId,
          boundary: () => {
            if (seen++ === at) throw new Killed();
          },
        });
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        isOver = false;
      }
      if (isOver) break;
      boundaries += 1;
      // Another process takes it up; what was on its way may have arrived or not.
      lms.mishap = () => null;
      expect((await push({ pushRunId })).outcome).toBe('done');
      expect(standing()).toEqual(whole);
      expect(lms.doubles()).toEqual([]);
    }
    expect(boundaries).toBeGreaterThan(3);
  });

  it.each(['lost-answer', 'half', 'lost-request'] as const)(
    'doubles nothing where an answer is lost (%s), whether it is tried again or given up',
    async (kind) => {
      const every = new Set([0, 2, 5, 6, 8]);
      lms.mishap = (_batch, number) => (every.delete(number) ? { kind } : null);
      expect((await pushed({ attempts: 8 })).outcome).toBe('done');
      expect(standing()).toEqual(whole);
      expect(lms.doubles()).toEqual([]);
      // Given up in the middle of the next one: what was sent is known for ours.
      lms = new ScriptedLms();
      school = await makePushedSchool(database);
      let failed = false;
      lms.mishap = ({ entity }) => {
        if (entity !== 'user' || failed) return null;
        failed = true;
        return { kind };
      };
      expect((await pushed()).outcome).toBe('failed');
      expect(ports.told.at(-1)).toEqual({ what: 'failed', code: 'timed-out' });
      const { pushRunId, outcome } = await push({ trigger: 'sync' });
      expect(outcome).toBe('done');
      expect(await rows(pushRunId, { action: 'propose' })).toEqual([]);
      expect(standing()).toEqual(whole);
      expect(lms.doubles()).toEqual([]);
    },
  );

  it('tells what an LMS refused inside a good answer, and tries it again the next time', async () => {
    lms.mishap = ({ entity }) => (entity === 'course' ? { kind: 'refused' } : null);
    const first = await pushed();
    expect(first.outcome).toBe('done');
    expect(await rows(first.pushRunId, { entity: 'course', state: 'failed', problem: 'refused' })).toHaveLength(2);
    expect(
      await rows(first.pushRunId, { entity: 'enrolment', state: 'failed', problem: 'parent-missing' }),
    ).toHaveLength(13);
    expect(await ledger('course')).toEqual([]);
    lms.mishap = () => null;
    expect((await push({ trigger: 'sync' })).outcome).toBe('done');
    expect(standing()).toEqual(whole);
  });

  it('takes nothing for done that the LMS kept silent about, and looks before it writes it again', async () => {
    lms.mishap = ({ entity }) => (entity === 'user' ? { kind: 'silent' } : null);
    const first = await pushed();
    expect((await rows(first.pushRunId, { entity: 'user', state: 'unknown' })).length).toBeGreaterThan(4);
    lms.mishap = () => null;
    expect((await push({ trigger: 'sync' })).outcome).toBe('done');
    expect(standing()).toEqual(whole);
    expect(lms.doubles()).toEqual([]);
  });

  it('believes no other id than the one it knows', async () => {
    await pushed();
    await database.admin`update roster_person set family_name = 'Renamed' where school_id = ${school.schoolId} and source_id = 'student-1'`;
    lms.mishap = () => ({ kind: 'other-ids' });
    const { pushRunId } = await push({ trigger: 'sync' });
    expect(await rows(pushRunId, { state: 'failed' })).toMatchObject([{ key: 'student-1', problem: 'id-differs' }]);
    const known = lms.byKey('user', 'student-1');
    expect(await ledger('user')).toContainEqual(expect.objectContaining({ key: 'student-1', foreign_id: known?.id }));
    lms.mishap = () => null;
    await push({ trigger: 'sync' });
    expect(standing()).toEqual(whole);
    // The LMS was restored from a copy: our key under another id is the same account.
    if (known !== undefined) {
      known.state = 'deleted';
      lms.add('user', { ...known, id: '777', state: 'active' });
    }
    await database.admin`update roster_person set family_name = 'Again' where school_id = ${school.schoolId} and source_id = 'student-1'`;
    await push({ trigger: 'sync' });
    expect(lms.byKey('user', 'student-1')).toMatchObject({ id: '777', name: 'Given Again' });
    expect(lms.doubles()).toEqual([]);
  });

  it('leaves the name that a teacher gave a course, and does not make again without a word what was deleted over there', async () => {
    await pushed();
    await database.admin`update push_settings set guard_changed = 1 where connection_id = ${school.connectionId}`;
    const [one, other] = [lms.byKey('course', 'bio1@y26'), lms.byKey('course', 'bio2@y26')];
    if (one === undefined || other === undefined) throw new Error('the courses are not there');
    one.name = 'Biology with Ms Vega';
    other.state = 'deleted';
    await database.admin`update roster_group set title = 'Biology one' where school_id = ${school.schoolId} and source_id = 'bio1'`;
    const { pushRunId } = await push({ trigger: 'sync' });
    expect(one.name).toBe('Biology with Ms Vega');
    expect(await rows(pushRunId, { entity: 'course' })).toMatchObject([
      { key: 'bio1@y26', action: 'update', reason: 'renamed-there', state: 'done' },
      { key: 'bio2@y26', action: 'ask', reason: 'gone-over-there' },
    ]);
    expect(lms.byKey('course', 'bio2@y26')).toBeUndefined();
    await answer('course', 'bio2@y26', 'remake', null);
    await push({ trigger: 'hand' });
    expect(lms.byKey('course', 'bio2@y26')).toMatchObject({ name: 'Biology 2' });
    const remade = lms.byKey('course', 'bio2@y26')?.id;
    expect(lms.alive('enrolment').filter(({ parentId }) => parentId === remade).length).toBeGreaterThan(4);
  });

  it('adopts by id where somebody looks, proposes what looks alike, and never makes a second one', async () => {
    const same = lms.add('user', {
      key: 'teacher-1',
      name: 'Given Family1teacher',
      code: 'old-login',
      email: 'mine@school.example',
    });
    const alike = lms.add('user', { name: 'Somebody', code: 'student1', email: 'student1@school.example' });
    const course = lms.add('course', { name: 'Biology 1', code: 'B1' });
    const stranger = lms.add('user', { key: 'other-sis-5', name: 'Not ours', code: 'stranger' });
    const first = await push({ trigger: 'first' });
    expect(await rows(first.pushRunId, { action: 'adopt' })).toMatchObject([
      { entity: 'user', key: 'teacher-1', reason: 'same-id' },
    ]);
    expect(await rows(first.pushRunId, { action: 'propose' })).toMatchObject([
      { entity: 'course', key: 'bio1@y26', reason: 'same-name', foreign_id: course.id },
      { entity: 'user', key: 'student-1', reason: 'same-username', foreign_id: alike.id },
    ]);
    expect((await rows(first.pushRunId, { action: 'wait', entity: 'enrolment' })).length).toBeGreaterThan(5);
    await answer('course', 'bio1@y26', 'adopt', course.id);
    await yes(first.pushRunId);
    expect((await push({ pushRunId: first.pushRunId })).outcome).toBe('done');
    // Adopted: our key, and nothing else of it is touched.
    expect(same).toMatchObject({ code: 'old-login', email: 'mine@school.example', name: 'Given Family1teacher' });
    expect(course).toMatchObject({ key: 'bio1@y26', name: 'Biology 1', code: 'B1' });
    expect(alike).toMatchObject({ key: null, name: 'Somebody' });
    expect(lms.byKey('user', 'student-1')).toBeUndefined();
    // Answered later; an account of somebody else's SIS is nobody of ours.
    await answer('user', 'student-1', 'adopt', alike.id);
    await push({ trigger: 'sync' });
    expect(alike.key).toBe('student-1');
    expect(standing()).toEqual({ ...whole, user: whole.user + 1 });
    expect(stranger).toMatchObject({ key: 'other-sis-5', state: 'active' });
    expect(lms.doubles()).toEqual([]);
    // In a push that nobody looks at, an account with our id is asked about.
    await database.admin`update roster_person set source_id = 'student-10' where school_id = ${school.schoolId} and source_id = 'student-9'`;
    lms.add('user', { key: 'student-10', name: 'Who', code: 'who' });
    const { pushRunId } = await push({ trigger: 'sync' });
    expect(await rows(pushRunId, { action: 'propose' })).toMatchObject([{ key: 'student-10', reason: 'same-id' }]);
  });

  it('takes away only what it made: whom a teacher had enrolled stays', async () => {
    const teacher = lms.add('user', { key: 'teacher-1', name: 'T', code: 't1' });
    const course = lms.add('course', { key: 'bio1@y26', name: 'Biology 1', code: 'B1' });
    lms.add('enrolment', { userId: teacher.id, parentId: course.id, role: 'teacher' });
    await pushed();
    expect(lms.doubles()).toEqual([]);
    expect(await ledger('enrolment')).toContainEqual(
      expect.objectContaining({ user_key: 'teacher-1', course_key: 'bio1@y26', origin: 'found' }),
    );
    await database.admin`update roster_enrolment set gone_at = now() where school_id = ${school.schoolId} and source_id in ('teacher-1-bio1', 'teacher-1-bio2')`;
    await push({ trigger: 'sync' });
    expect(
      lms
        .of('enrolment')
        .filter(({ userId }) => userId === teacher.id)
        .map(({ state }) => state),
    ).toEqual(['active', 'suspended']);
  });

  it('suspends who leaves, brings him back, and holds a push that takes too much away', async () => {
    await pushed();
    const leave = (...ids: string[]) =>
      database.admin`update roster_person set gone_at = now() where school_id = ${school.schoolId} and source_id = any(${ids})`;
    await database.admin`update push_settings set guard_leaving = 0.2 where connection_id = ${school.connectionId}`;
    await leave('student-1');
    expect((await push({ trigger: 'sync' })).outcome).toBe('done');
    expect(lms.byKey('user', 'student-1')?.state).toBe('suspended');
    await database.admin`update roster_person set gone_at = null where school_id = ${school.schoolId} and source_id = 'student-1'`;
    await push({ trigger: 'sync' });
    expect(lms.byKey('user', 'student-1')?.state).toBe('active');
    expect(standing()).toEqual(whole);
    // A narrowed grant is planned like any other loss: beyond the threshold it is looked at first.
    await database.admin`update "grant" set scopes = '{roster.groups,roster.classes,roster.teachers}' where connection_id = ${school.connectionId}`;
    const narrowed = await push({ trigger: 'sync' });
    expect(narrowed.outcome).toBe('held');
    const [{ held }] =
      (await database.admin`select held from push_run where id = ${narrowed.pushRunId}`) as unknown as [
        { held: { reasons: object[] } },
      ];
    expect(held.reasons).toContainEqual({
      kind: 'leaving',
      entity: 'user',
      count: 9,
      of: 11,
      limit: expect.closeTo(0.2),
    });
    expect(lms.byKey('user', 'student-1')?.state).toBe('active');
    await yes(narrowed.pushRunId);
    await push({ pushRunId: narrowed.pushRunId });
    expect(lms.alive('user').filter(({ state }) => state === 'suspended')).toHaveLength(9);
    expect(lms.of('user').filter(({ state }) => state === 'deleted')).toEqual([]);
  });

  it('sets aside, before anything is written, whose username another account has over there', async () => {
    const holder = lms.add('user', { key: 'other-sis-6', name: 'Holder', code: 'student2' });
    const alike = lms.add('user', { name: 'Somebody', code: 'student1' });
    const first = await push({ trigger: 'first' });
    expect(await rows(first.pushRunId, { action: 'set-aside', entity: 'user' })).toMatchObject([
      { key: 'student-2', reason: 'username-of-another' },
    ]);
    // Told to be two, they cannot have one username either.
    await answer('user', 'student-1', 'separate', alike.id);
    await yes(first.pushRunId);
    expect((await push({ pushRunId: first.pushRunId })).outcome).toBe('done');
    expect(await rows(first.pushRunId, { state: 'failed' })).toEqual([]);
    expect(await rows(first.pushRunId, { action: 'set-aside', entity: 'user' })).toMatchObject([
      { key: 'student-1', reason: 'username-of-another' },
      { key: 'student-2', reason: 'username-of-another' },
    ]);
    expect(standing().user).toBe(whole.user);
    expect([holder, alike]).toMatchObject([{ key: 'other-sis-6' }, { key: null }]);
  });

  it('gives nobody last year’s course: a new year has its own, and the old one is left as it is', async () => {
    await pushed();
    await database.admin`update push_settings set guard_leaving = 1 where connection_id = ${school.connectionId}`;
    await database.admin`update roster_term set starts_on = '2025-08-01', ends_on = '2026-08-01' where school_id = ${school.schoolId}`;
    const of = {
      school_id: school.schoolId,
      system_id: school.sisId,
      content_hash: 1,
      first_seen_at: new Date(),
    };
    await database.admin`insert into roster_term ${database.admin([
      {
        ...of,
        id: newId(),
        source_id: 'y27',
        name: '2026/27',
        kind: 'schoolYear',
        starts_on: '2026-08-01',
        ends_on: '2027-08-01',
        school_year: '2028',
      },
    ])}`;
    // The SIS uses the ids of its groups again.
    await database.admin`update roster_group set term_source_ids = '{y27}' where school_id = ${school.schoolId}`;
    await database.admin`update push_ledger set ends_on = '2026-08-01' where connection_id = ${school.connectionId} and ends_on is not null`;
    const old = lms.byKey('course', 'bio1@y26');
    await push({ trigger: 'sync' });
    expect(lms.byKey('course', 'bio1@y27')).toMatchObject({ code: 'BIO1 2028' });
    expect(old).toMatchObject({ state: 'active', name: 'Biology 1' });
    expect(
      lms.alive('enrolment').filter(({ parentId, state }) => parentId === old?.id && state === 'active').length,
    ).toBeGreaterThan(4);
  });

  it('sets aside who cannot have an account, and says why', async () => {
    await database.admin`update push_settings set username_pattern = null, sign_in = 'sso' where connection_id = ${school.connectionId}`;
    await database.admin`update roster_person set username = 'student1' where school_id = ${school.schoolId} and source_id = 'student-2'`;
    const { pushRunId } = await push({ trigger: 'first' });
    const aside = Object.fromEntries(
      (await rows(pushRunId, { entity: 'user', action: 'set-aside' })).map(({ key, reason }) => [key, reason]),
    );
    expect(aside).toEqual({
      'student-1': 'username-twice',
      'student-2': 'username-twice',
      'student-3': 'no-username',
      'student-4': 'sign-in-needs-email',
      'student-6': 'no-username',
      'student-8': 'sign-in-needs-email',
      'student-9': 'no-username',
    });
    expect((await rows(pushRunId, { entity: 'enrolment', reason: 'user-set-aside' })).length).toBeGreaterThan(5);
  });

  it('is refused where another SIS import is at work', async () => {
    lms.foreign = { by: 'instructure_csv', lastAt: new Date('2026-11-19T02:00:00Z') };
    expect((await push({ trigger: 'first' })).outcome).toBe('failed');
    expect(ports.told).toEqual([{ what: 'failed', code: 'foreign-import' }]);
    expect(lms.writes).toBe(0);
  });

  it('runs one at a time: the second waits, a third joins it', async () => {
    const { pushRunId } = await push({ trigger: 'first' });
    await yes(pushRunId);
    const ask = () =>
      runWork(web, { schoolId: school.schoolId }, (work) =>
        requestPush(work, {
          schoolId: school.schoolId,
          connectionId: school.connectionId,
          systemId: school.lmsId,
          producerSystemId: school.sisId,
          trigger: 'sync',
        }),
      );
    let second: Awaited<ReturnType<typeof ask>> | null = null;
    let during: string | null = null;
    await push({
      pushRunId,
      boundary: async (step) => {
        if (step !== 'deliver' || second !== null) return;
        second = await ask();
        expect(await ask()).toEqual({ pushRunId: second.pushRunId, joined: true });
        during = (await push({ pushRunId: second.pushRunId })).outcome;
      },
    });
    expect(during).toBe('busy');
    expect(second).toMatchObject({ joined: false });
    expect((await push({ pushRunId: (second as unknown as { pushRunId: string }).pushRunId })).outcome).toBe('done');
    expect(standing()).toEqual(whole);
    expect(lms.doubles()).toEqual([]);
  });

  it.each([
    ['leave', whole, 0],
    ['suspend', whole, 10],
    ['remove', { term: 0, category: 0, course: 1, section: 0, cohort: 0, user: 1, enrolment: 0, membership: 0 }, 0],
  ] as const)('ends as the school chose: %s', async (ending, left, suspended) => {
    const adopted = lms.add('user', { key: 'teacher-1', name: 'T', code: 't1' });
    lms.add('course', { key: 'bio1@y26', name: 'Biology 1', code: 'B1' });
    await pushed();
    expect(standing()).toEqual(whole);
    const { pushRunId } = await runWork(web, { schoolId: school.schoolId }, (work) =>
      requestPush(work, {
        schoolId: school.schoolId,
        connectionId: school.connectionId,
        systemId: school.lmsId,
        producerSystemId: school.sisId,
        trigger: 'ending',
        ending,
      }),
    );
    expect((await push({ pushRunId })).outcome).toBe('done');
    expect(ports.told.at(-1)).toEqual({ what: 'ended' });
    expect(standing()).toEqual(left);
    expect(lms.alive('user').filter(({ state, id }) => state === 'suspended' && id !== adopted.id)).toHaveLength(
      suspended,
    );
    expect(await ledger('user')).toEqual([]);
    await expect(
      database.admin`select reason from receipt where school_id = ${school.schoolId} and reason like 'push-ended%'`,
    ).resolves.toMatchObject([{ reason: `push-ended-${ending}` }]);
  });

  describe('handed over as a package', () => {
    beforeEach(() => {
      ports = recordedPushPorts(() => lms.asPackage(), lms.packageFacts);
    });

    it('holds everything each time, and its problems find their rows', async () => {
      lms.problemsOf = (changes) =>
        changes
          .filter(({ entity, key, action }) => entity === 'user' && key === 'student-3' && action === 'create')
          .map(({ entity, ordinal }) => ({
            entity,
            at: { ordinal },
            isTaken: false,
            problem: 'username-taken',
            details: { row: ordinal },
          }));
      const first = await pushed();
      expect(first.outcome).toBe('done');
      expect(await rows(first.pushRunId, { state: 'failed' })).toMatchObject([
        { key: 'student-3', problem: 'username-taken' },
      ]);
      expect((await ledger('user')).map(({ foreign_id }) => foreign_id)).not.toContain(null);
      lms.problemsOf = () => [];
      const second = await push({ trigger: 'sync' });
      expect(second.outcome).toBe('done');
      expect(standing().user).toBe(11);
      const [, submitted] = [...lms.packages.values()];
      expect(submitted?.changes.filter(({ action }) => action === 'keep').length).toBeGreaterThan(20);
      expect(lms.doubles()).toEqual([]);
      // Nothing to write, nothing handed over.
      await push({ trigger: 'sync' });
      expect(lms.packages.size).toBe(2);
    });

    it('is handed over once, though the answer was lost', async () => {
      lms.packageMishap = 'lost-answer';
      expect((await pushed({ attempts: 2 })).outcome).toBe('done');
      expect(lms.packages.size).toBe(1);
      expect(standing()).toEqual(whole);
    });

    it('is followed by whoever takes it up after a kill', async () => {
      const { pushRunId } = await push({ trigger: 'first' });
      await yes(pushRunId);
      await expect(
        push({
          pushRunId,
          boundary: (step) => {
            if (step === 'working') throw new Killed();
          },
        }),
      ).rejects.toThrow(Killed);
      expect((await push({ pushRunId })).outcome).toBe('done');
      expect(lms.packages.size).toBe(1);
      expect(standing()).toEqual(whole);
    });

    it('fails where the LMS took nothing, and finds out what stands there where it was cut off', async () => {
      lms.packageMishap = 'refused';
      expect((await pushed()).outcome).toBe('failed');
      expect(ports.told.at(-1)).toEqual({ what: 'failed', code: 'push-refused' });
      lms.packageMishap = 'cut-off';
      await push({ trigger: 'sync' });
      lms.packageMishap = null;
      await push({ trigger: 'sync' });
      expect(standing()).toEqual(whole);
      expect(lms.doubles()).toEqual([]);
    });
  });
});
