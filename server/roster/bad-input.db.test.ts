import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import type { SchoolData } from '#sandbox/sis/data.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import type { Context } from '#server/kernel/context.ts';
import { systemContext } from '#server/testing/actors.ts';
import { rosterContent } from './testing/roster-content.ts';
import { shrinkSchool } from './testing/small-school.ts';
import {
  makeSyncedSchool,
  type RecordedPorts,
  recordedPorts,
  runSync,
  type SyncedSchool,
} from './testing/sync-harness.ts';

const slug = 'lindenhof';
const everything = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
  'roster.guardians',
  'roster.demographics',
];

describe('what a source may send', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  let web: Context;
  let sync: Context;
  let ports: RecordedPorts;
  let school: SyncedSchool;
  let data: SchoolData;
  let now = new Date('2026-11-20T09:00:00Z');
  const clock = { now: () => now };

  beforeAll(async () => {
    database = await createTestDatabase();
    web = await systemContext(database, { clock });
    sync = { ...web, database: database.sync };
  });
  afterAll(() => database?.drop());

  const start = async (scopes: readonly string[] = everything) => {
    const { baseV1p2, tokenUrl, client } = sis.school(slug);
    const settings = { version: '1.2', baseUrl: baseV1p2, tokenUrl };
    ports = recordedPorts({ connector: 'oneroster', settings, secret: client });
    school = await makeSyncedSchool(database, { connector: 'oneroster', kind: 'sis', scopes, settings });
  };
  beforeEach(async () => {
    sis = await startSis({ schools: [slug], schoolYear: 2026 });
    data = sis.data(slug);
    shrinkSchool(data, 30);
    await start();
    return () => sis.close();
  });

  const run = async (trigger: 'hand' | 'schedule' = 'hand') => {
    now = new Date(now.getTime() + 3_600_000);
    const { syncRunId, applied } = await runSync({ web, sync }, ports, school, undefined, { trigger });
    const [row] = await database.admin`select * from sync_run where id = ${syncRunId}`;
    return { syncRunId, outcome: applied?.outcome, row };
  };
  const approve = async (syncRunId: string, as: 'all' | 'additions' = 'all') => {
    await database.admin`update sync_run set state = 'queued', approved_fingerprint = held ->> 'fingerprint', applied_as = ${as} where id = ${syncRunId}`;
    return (await runSync({ web, sync }, ports, school, syncRunId)).applied?.outcome;
  };
  const people = (where = 'gone_at is null') =>
    database.admin.unsafe(
      `select id, source_id, given_name, family_name, kind, kinds, email from roster_person where system_id = '${school.systemId}' and ${where} order by source_id`,
    );
  const first = <T>(map: ReadonlyMap<string, T>, is: (value: T) => boolean = () => true): T => {
    const found = [...map.values()].find(is);
    if (found === undefined) throw new Error('the sandbox has none');
    return found;
  };
  const student = () => first(data.users, ({ kind }) => kind === 'student');
  const asideOf = (syncRunId: string) =>
    database.admin`select collection, source_id, field, reason from set_aside_record where sync_run_id = ${syncRunId} order by source_id`;

  it('an id that is a word of JavaScript is an id like any other', async () => {
    const someone = student();
    for (const id of ['__proto__', 'constructor', 'toString']) {
      data.users.set(id, { ...someone, id, given: id, identifier: `n-${id}` });
      data.classes.set(id, { ...first(data.classes), id, title: `class ${id}` });
    }
    data.enrollments.set('hasOwnProperty', {
      ...first(data.enrollments),
      id: 'hasOwnProperty',
      personId: '__proto__',
      classId: 'constructor',
    });
    data.changed();
    expect((await run()).outcome).toBe('applied');
    expect((await people("source_id in ('__proto__', 'constructor', 'toString')")).length).toBe(3);
    const [enrolment] = await database.admin`
      select g.source_id as "group", p.source_id as person from roster_enrolment e join roster_group g on g.id = e.group_id join roster_person p on p.id = e.person_id
       where e.system_id = ${school.systemId} and e.source_id = 'hasOwnProperty'`;
    expect(enrolment).toEqual({ group: 'constructor', person: '__proto__' });
  });

  it('sites that are each other’s parents end nobody’s run', async () => {
    const [one, other] = [...data.orgs.values()];
    if (one === undefined || other === undefined) throw new Error('two sites');
    data.orgs.set(one.id, { ...one, parentId: other.id });
    data.orgs.set(other.id, { ...other, parentId: one.id });
    data.changed();
    const [own] =
      await database.admin`insert into site (id, school_id, name) values (gen_random_uuid(), ${school.schoolId}, ${one.name}) returning id`;
    await database.admin`update "grant" set sharing_rule = ${database.admin.json({ sites: [own?.id], streams: [], subjects: [], groups: [] })} where school_id = ${school.schoolId}`;
    expect((await run()).outcome).toBe('applied');
  });

  it('an enrolment of somebody unknown, or in an unknown class, is set aside with its reason', async () => {
    const like = first(data.enrollments);
    data.enrollments.set('of-nobody', { ...like, id: 'of-nobody', personId: 'nobody' });
    data.enrollments.set('in-nothing', { ...like, id: 'in-nothing', classId: 'nothing' });
    data.changed();
    const { syncRunId, outcome } = await run();
    expect(outcome).toBe('applied');
    const aside = await asideOf(syncRunId);
    expect(aside).toContainEqual({
      collection: 'enrolments',
      source_id: 'in-nothing',
      field: 'class',
      reason: 'reference-unknown',
    });
    expect(aside).toContainEqual({
      collection: 'enrolments',
      source_id: 'of-nobody',
      field: 'user',
      reason: 'reference-unknown',
    });
  });

  it('a date in the future poisons no cursor, and deltas go on from our own clock', async () => {
    const someone = student();
    data.users.set(someone.id, { ...someone, modified: '2096-01-01T00:00:00Z' });
    data.changed();
    await run();
    const cursors =
      await database.admin`select collection, modified_until from roster_fetch where system_id = ${school.systemId} and modified_until is not null`;
    expect(cursors.length).toBeGreaterThan(3);
    for (const { modified_until } of cursors) expect(modified_until.getTime()).toBeLessThan(now.getTime());
    const changed = first(data.users, ({ kind, id }) => kind === 'student' && id !== someone.id);
    data.users.set(changed.id, { ...changed, given: 'Delta', modified: now.toISOString() });
    data.changed();
    const delta = await run('schedule');
    expect(delta.row).toMatchObject({ kind: 'delta', state: 'succeeded' });
    expect((await people("given_name = 'Delta'")).length).toBe(1);
  });

  it('what a delta ought to have told and did not is counted by the next full run', async () => {
    await run();
    expect((await run('schedule')).row).toMatchObject({ kind: 'delta', drift: null });
    const changed = student();
    // Changed without a word: the source keeps the old moment.
    data.users.set(changed.id, { ...changed, given: 'Silent' });
    data.changed();
    expect((await run('schedule')).row).toMatchObject({ kind: 'delta' });
    expect(await people("given_name = 'Silent'")).toEqual([]);
    expect((await run()).row).toMatchObject({ kind: 'full', drift: 1 });
    expect((await people("given_name = 'Silent'")).length).toBe(1);
    expect((await run()).row).toMatchObject({ drift: null });
  });

  it.each(['ignored', 'refused'] as const)(
    'a server by which the filter of deltas is %s is read whole, at once',
    async (deltaFilter) => {
      await run();
      sis.set(slug, { deltaFilter });
      const { row, outcome } = await run('schedule');
      expect(outcome).toBe('applied');
      expect(row).toMatchObject({ kind: 'full', state: 'succeeded' });
      expect(await people('missed_fetches > 0')).toEqual([]);
    },
  );

  it.each(['same-id', 'own-ids'] as const)(
    'a person with a row per site (%s) is one person, with all that is his',
    async (rowPerSite) => {
      await run();
      const one = await rosterContent(database, school.systemId);
      sis.set(slug, { rowPerSite });
      await start();
      expect((await run()).outcome).toBe('applied');
      const rows = await rosterContent(database, school.systemId);
      expect(Object.keys(rows.roster_person ?? {}).length).toBe(Object.keys(one.roster_person ?? {}).length);
      expect(Object.keys(rows.roster_enrolment ?? {}).length).toBe(Object.keys(one.roster_enrolment ?? {}).length);
      const { row } = await run();
      expect(row?.progress.students).toMatchObject({ added: 0, changed: 0, missing: 0 });
      expect(row?.progress.enrolments).toMatchObject({ added: 0, changed: 0, missing: 0 });
    },
  );

  it('people who come to be told under several ids later stay who they are, and so does what points at them', async () => {
    await run();
    const before = await people();
    const enrolments = () => database.admin`
      select e.source_id from roster_enrolment e left join roster_person p on p.id = e.person_id and p.gone_at is null
       where e.system_id = ${school.systemId} and e.gone_at is null and p.id is null`;
    const someone = student();
    const second = { ...someone, id: '000-second', roles: someone.roles };
    data.users.set(second.id, second);
    const enrolment = first(data.enrollments, ({ personId }) => personId === someone.id);
    data.enrollments.set('of-second', { ...enrolment, id: 'of-second', personId: second.id });
    data.changed();
    expect((await run()).outcome).toBe('applied');
    expect(await people()).toEqual(before);
    expect(
      await database.admin`select p.source_id from roster_enrolment e join roster_person p on p.id = e.person_id where e.system_id = ${school.systemId} and e.source_id = 'of-second'`,
    ).toEqual([{ source_id: someone.id }]);
    data.users.delete(second.id);
    data.enrollments.delete('of-second');
    data.changed();
    for (let n = 0; n < 3; n++) await run();
    expect(await people()).toEqual(before);
    expect(await enrolments()).toEqual([]);
  });

  it('an id that now names another person is held, then that one comes under an id of his own and what points at him follows', async () => {
    await run();
    const someone = student();
    const [known] = await people(`source_id = '${someone.id}'`);
    data.users.set(someone.id, { ...someone, given: 'Somebody', family: 'Else', identifier: 'another-number' });
    data.changed();
    const { syncRunId, outcome, row } = await run();
    expect(outcome).toBe('held');
    expect(row?.held.reasons).toContainEqual(
      expect.objectContaining({ collection: 'students', kind: 'reused', count: 1 }),
    );
    expect(await people(`source_id = '${someone.id}'`)).toEqual([known]);
    expect(await approve(syncRunId)).toBe('applied');
    const [other] = await people(`source_id = '${someone.id}'`);
    expect(other).toMatchObject({ given_name: 'Somebody' });
    expect(other?.id).not.toBe(known?.id);
    expect(
      await database.admin`select count(*)::int as n from roster_enrolment where person_id = ${known?.id} and gone_at is null`,
    ).toEqual([{ n: 0 }]);
    expect(await database.admin`select gone_at is not null as gone from roster_person where id = ${known?.id}`).toEqual(
      [{ gone: true }],
    );
    expect((await run()).outcome).toBe('applied');
  });

  it('an enrolment that comes back, of somebody who goes in the same run, is not told of', async () => {
    const { id: personId } = student();
    const [enrolment] = [...data.enrollments.values()].filter((one) => one.personId === personId);
    if (enrolment === undefined) throw new Error('no enrolment');
    const set = async (enrolled: 'active' | 'tobedeleted', there: 'active' | 'tobedeleted') => {
      data.enrollments.set(enrolment.id, { ...enrolment, status: enrolled });
      const user = data.users.get(personId);
      if (user !== undefined) data.users.set(personId, { ...user, status: there });
      data.changed();
      return run();
    };
    const told = (syncRunId: string) =>
      database.admin`select kind from roster_change c join roster_enrolment e on e.id = c.record_id
                      where c.sync_run_id = ${syncRunId} and e.source_id = ${enrolment.id}`;
    await run();
    await set('tobedeleted', 'active');
    // Here it is gone, and he is missing for the first time.
    expect(await told((await set('tobedeleted', 'tobedeleted')).syncRunId)).toEqual([{ kind: 'deleted' }]);
    expect(await told((await set('active', 'tobedeleted')).syncRunId)).toEqual([]);
    expect(await told((await set('active', 'active')).syncRunId)).toEqual([{ kind: 'created' }]);
  });

  it('additions only: what is new comes in, nothing changes and nothing goes', async () => {
    await run();
    const users = [...data.users.values()].filter(({ kind }) => kind === 'student');
    for (const user of users.slice(0, 10)) data.users.delete(user.id);
    for (const user of users.slice(10, 15)) data.users.set(user.id, { ...user, given: 'Changed' });
    data.users.set('new', { ...student(), id: 'new', given: 'New', identifier: 'new' });
    data.changed();
    await run();
    const { syncRunId, outcome } = await run();
    const before = await people('true');
    expect(outcome).toBe('held');
    data.users.set('newer', { ...student(), id: 'newer', given: 'Newer', identifier: 'newer' });
    data.changed();
    const held = await run();
    expect(await database.admin`select state from sync_run where id = ${syncRunId}`).toEqual([{ state: 'discarded' }]);
    expect(await approve(held.syncRunId, 'additions')).toBe('applied');
    expect((await people('gone_at is not null')).length).toBe(0);
    expect((await people()).length).toBe(before.length + 1);
  });

  it('a field that the grant leaves out is nowhere, and comes once a grant leaves it in', async () => {
    await database.admin`update "grant" set without_fields = '{roster.students:email}' where school_id = ${school.schoolId}`;
    await run();
    expect(await people("kind = 'student' and email is not null")).toEqual([]);
    expect((await people("kind = 'teacher' and email is not null")).length).toBeGreaterThan(0);
    await database.admin`update "grant" set without_fields = '{}' where school_id = ${school.schoolId}`;
    await run();
    expect((await people("kind = 'student' and email is not null")).length).toBeGreaterThan(0);
    await database.admin`update "grant" set without_fields = '{roster.students:email}' where school_id = ${school.schoolId}`;
    await run();
    expect(await people("kind = 'student' and email is not null")).toEqual([]);
    expect(
      JSON.stringify(
        await database.admin`select before, after from roster_change where school_id = ${school.schoolId} and collection = 'students'`,
      ),
    ).not.toContain('@');
  });

  it('more grants bring more, fewer take it away with a receipt', async () => {
    await start(['roster.subjects', 'roster.groups', 'roster.students']);
    await database.admin`update "grant" set scopes = '{roster.subjects,roster.groups}' where school_id = ${school.schoolId}`;
    await run();
    expect(await people()).toEqual([]);
    await database.admin`update "grant" set scopes = '{roster.subjects,roster.groups,roster.students}' where school_id = ${school.schoolId}`;
    expect((await run()).outcome).toBe('applied');
    expect((await people()).length).toBe(30);
    expect(new Set((await people()).map(({ kind }) => kind))).toEqual(new Set(['student']));
    await database.admin`update "grant" set scopes = '{roster.subjects,roster.groups}' where school_id = ${school.schoolId}`;
    await run();
    expect(await people('true')).toEqual([]);
    expect(
      await database.admin`select facts ->> 'students' as students, reason from receipt where school_id = ${school.schoolId}`,
    ).toEqual([{ students: '30', reason: 'grants-narrowed' }]);
  });

  it('the next school year comes early, and the one that ended is archived, not gone', async () => {
    await run();
    const groups = (
      await database.admin`select count(*)::int as n from roster_group where system_id = ${school.systemId} and gone_at is null`
    )[0]?.n;
    now = new Date('2027-09-01T09:00:00Z');
    await database.admin`update "grant" set valid_until = '2028-09-30' where school_id = ${school.schoolId}`;
    const [term] = [...data.academicSessions.values()].filter(({ kind }) => kind === 'term' || kind === 'semester');
    if (term === undefined) throw new Error('a term');
    const next = { ...term, id: 'next-term', start: '2027-08-20', end: '2028-02-01', title: 'Next' };
    data.academicSessions.set(next.id, next);
    for (const [id, entry] of [...data.classes]) {
      data.classes.delete(id);
      data.classes.set(`next-${id}`, { ...entry, id: `next-${id}`, termIds: [next.id] });
    }
    data.enrollments.clear();
    data.changed();
    for (let n = 0; n < 3; n++) expect((await run()).outcome).toBe('applied');
    expect(
      await database.admin`select count(*)::int as n, count(gone_at)::int as gone from roster_group where system_id = ${school.systemId}`,
    ).toEqual([{ n: 2 * (groups ?? 0), gone: 0 }]);
    expect(
      await database.admin`select count(gone_at)::int as gone from roster_enrolment where system_id = ${school.systemId}`,
    ).toEqual([{ gone: 0 }]);
    now = new Date('2026-11-20T09:00:00Z');
  });

  it('every surname changed at once is held, whatever the share of records', async () => {
    await run();
    for (const [id, user] of data.users)
      if (user.kind === 'student' && user.id < 'b') data.users.set(id, { ...user, family: 'X' });
    const students = [...data.users.values()].filter(({ kind }) => kind === 'student');
    for (const user of students.slice(0, 18)) data.users.set(user.id, { ...user, family: 'Churn' });
    data.changed();
    const { outcome, row } = await run();
    expect(outcome).toBe('held');
    expect(row?.held.reasons).toContainEqual(
      expect.objectContaining({ collection: 'students', kind: 'field', field: 'family_name' }),
    );
  });

  it('a yes to what was held makes no fetch complete that was not', async () => {
    await run();
    const students = [...data.users.values()].filter(({ kind }) => kind === 'student');
    for (const user of students) data.users.set(user.id, { ...user, family: 'Churn' });
    data.changed();
    sis.faults.add({ kind: 'clamped-limit', max: 10, path: '*/students' });
    sis.faults.add({ kind: 'duplicate-page', path: '*/students', nth: 2 });
    const { syncRunId, outcome } = await run();
    sis.faults.clear();
    expect(outcome).toBe('held');
    expect(await approve(syncRunId)).toBe('applied');
    expect(await people('missed_fetches > 0')).toEqual([]);
    const [row] = await database.admin`select progress from sync_run where id = ${syncRunId}`;
    expect(row?.progress.students).toMatchObject({ complete: 0, missing: 0, gone: 0 });
  });

  it('a first sync that brings under nine tenths of what was previewed and approved is held', async () => {
    const { schoolId, systemId } = school;
    const [asked] = await database.admin`select id from request where school_id = ${schoolId}`;
    const counts = [{ collection: 'students', count: 40, precision: 'exact' }];
    await database.admin`
      insert into preview (id, school_id, request_id, system_id, counts, by_user_id, at)
      values (gen_random_uuid(), ${schoolId}, ${asked?.id}, ${systemId}, ${database.admin.json(counts)}, ${school.people.approver.userId}, now())`;
    const { syncRunId, outcome, row } = await run();
    expect(outcome).toBe('held');
    expect(row?.held.reasons).toEqual([
      expect.objectContaining({ collection: 'students', kind: 'first', count: 30, of: 40, limit: 0.9 }),
    ]);
    expect(await people()).toEqual([]);
    expect(await approve(syncRunId)).toBe('applied');
    expect(await people("kind = 'student'")).toHaveLength(30);
  });

  it('a school’s own threshold for one site holds what the others would let pass', async () => {
    await run();
    const bySite = new Map<string, string[]>();
    for (const { id, siteId: site } of data.classes.values()) bySite.set(site, [...(bySite.get(site) ?? []), id]);
    const [largest] = [...bySite].sort((a, b) => b[1].length - a[1].length);
    if (largest === undefined) throw new Error('no site has classes');
    const [site, ids] = largest;
    for (const id of ids.slice(0, 1)) {
      const entry = data.classes.get(id);
      if (entry !== undefined) data.classes.set(id, { ...entry, title: 'Another title' });
    }
    data.changed();
    const collection = data.classes.get(ids[0] ?? '')?.kind === 'homeroom' ? 'classes' : 'groups';
    const rule = { collection, site, kind: 'changed', share: 0, atLeast: 1 };
    await database.admin`
      insert into sync_settings (system_id, school_id, guard_rules, updated_at)
      values (${school.systemId}, ${school.schoolId}, ${database.admin.json([rule])}, now())`;
    const { outcome, row } = await run();
    expect(outcome).toBe('held');
    expect(row?.held.reasons).toEqual([
      expect.objectContaining({ collection, site, kind: 'changed', count: 1, limit: 0 }),
    ]);
  });

  it('who is told as a teacher and as a guardian is one person of both kinds', async () => {
    const teacher = first(data.users, ({ kind }) => kind === 'teacher');
    const [role] = teacher.roles;
    if (role === undefined) throw new Error('a teacher without a role');
    data.users.set(teacher.id, { ...teacher, roles: [role, { ...role, role: 'guardian', primary: false }] });
    data.changed();
    await run();
    expect((await people()).filter((row) => row.source_id === teacher.id)).toEqual([
      expect.objectContaining({ kind: 'teacher', kinds: ['teacher', 'guardian'] }),
    ]);
    const { row } = await run();
    expect(row?.progress.teachers).toMatchObject({ added: 0, changed: 0, complete: 1 });
  });
});
