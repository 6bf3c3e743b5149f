import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { makeSyncedSchool, type SyncedSchool } from '#server/roster/testing/sync-harness.ts';
import { contextFor, makeOperator, makeSchool, testNow } from '#server/testing/actors.ts';
import { receivedOverview } from './received-overview.ts';
import { makeSystem, put, received } from './testing/received-rows.ts';
import { viewGroup } from './view-group.ts';
import { viewPerson } from './view-person.ts';

describe('one person of a school', () => {
  let database: TestDatabase;
  let school: SyncedSchool;
  const ids: Record<'emma' | 'teacher' | 'mother' | 'group', string> = { emma: '', teacher: '', mother: '', group: '' };
  const ctx = (person = school.people['school-administrator']) => contextFor(database, person);
  const view = async (personId: string) =>
    viewPerson({ ctx: await ctx(), input: { schoolId: school.schoolId, personId } });

  /** A live grant to an LMS of the school. */
  const grantTo = async (
    name: string,
    scopes: string[],
    more: { sites?: string[]; groups?: string[]; withoutFields?: string[]; state?: string; until?: string } = {},
  ) => {
    const consumer = await makeSystem(database, school.schoolId, 'lms', name);
    const [connectionId, requestId] = [newId(), newId()];
    const { admin } = database;
    const [agreement] = await admin<
      { id: string }[]
    >`select id from agreement where school_id = ${school.schoolId} limit 1`;
    await put(database, 'connection', [
      {
        id: connectionId,
        school_id: school.schoolId,
        consumer_kind: 'lms',
        way: 'pull',
        consumer_system_id: consumer,
        producer_system_id: school.systemId,
        state: more.state ?? 'connecting',
        turn: 'nobody',
        last_received_at: testNow,
      },
    ]);
    await put(database, 'request', [
      {
        id: requestId,
        school_id: school.schoolId,
        connection_id: connectionId,
        kind: 'open',
        state: 'approved',
        scopes: admin.json(scopes.map((scope) => ({ scope, required: true }))),
        purpose: 'testing',
        until: '2027-09-30',
        product: 'x',
        agreement_id: agreement?.id ?? '',
        drafted_as: 'school',
        fingerprint: 'x',
      },
    ]);
    await put(database, 'grant', [
      {
        id: newId(),
        school_id: school.schoolId,
        connection_id: connectionId,
        request_id: requestId,
        scopes,
        without_fields: more.withoutFields ?? [],
        sharing_rule: admin.json({ sites: more.sites ?? [], streams: [], subjects: [], groups: more.groups ?? [] }),
        purpose: `For ${name}`,
        valid_from: testNow,
        valid_until: more.until ?? '2027-09-30',
        granted_by: school.people.approver.userId,
      },
    ]);
    return connectionId;
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    await makeOperator(database);
    school = await makeSyncedSchool(database, {
      connector: 'oneroster',
      kind: 'sis',
      scopes: ['roster.subjects', 'roster.groups'],
      settings: {},
    });
    const { schoolId, systemId } = school;
    const row = <More extends object>(sourceId: string, more: More) => received(schoolId, systemId, sourceId, more);
    await put(database, 'roster_site', [
      row('n', { name: 'Site 1', kind: 'school' }),
      row('z', { name: 'Site 2', kind: 'school' }),
    ]);
    await put(database, 'roster_term', [
      row('t', { name: '2025/26', kind: 'year', starts_on: '2025-08-01', ends_on: '2026-08-01' }),
    ]);
    await put(database, 'roster_subject', [row('wis', { title: 'Wiskunde B' })]);
    await put(database, 'roster_stream', [row('h4', { name: 'havo 4', derived_from: 'metadata' })]);
    const group = row('g1', {
      kind: 'group',
      title: '4H wisB',
      subject_source_id: 'wis',
      stream_source_id: 'h4',
      site_source_id: 'n',
      term_source_ids: ['t'],
    });
    const emma = row('s1', {
      kind: 'student',
      kinds: ['student'],
      given_name: 'Emma',
      middle_name: 'van',
      family_name: 'Dijk',
      identifier: '4711',
      email: 'emma@school.example',
      site_source_ids: ['n'],
      agent_source_ids: ['m1', 'm2'],
      roles: ['student|primary|n||'],
    });
    const teacher = row('d1', { kind: 'teacher', kinds: ['teacher'], given_name: 'Tom', family_name: 'Akker' });
    const mother = row('m1', {
      kind: 'guardian',
      kinds: ['guardian'],
      given_name: 'Mia',
      family_name: 'Dijk',
      agent_source_ids: ['s1'],
    });
    Object.assign(ids, { emma: emma.id, teacher: teacher.id, mother: mother.id, group: group.id });
    await put(database, 'roster_group', [group]);
    await put(database, 'roster_person', [emma, teacher, mother]);
    await put(database, 'roster_person_alias', [
      { school_id: schoolId, system_id: systemId, source_id: 's1-zuid', person_id: emma.id },
    ]);
    await put(database, 'roster_enrolment', [
      row('e1', { group_id: group.id, person_id: emma.id, role: 'student', begins_on: '2025-09-01' }),
      row('e2', { group_id: group.id, person_id: teacher.id, role: 'teacher', is_primary: true }),
    ]);
    await put(database, 'roster_demographics', [row('s1', { person_id: emma.id, birth_date: '2009-05-01' })]);
    await put(database, 'roster_fetch', [
      { school_id: schoolId, system_id: systemId, collection: 'students', seen_at: '2026-03-01T22:00:00Z' },
    ]);
    await put(database, 'roster_change', [
      {
        school_id: schoolId,
        system_id: systemId,
        sync_run_id: newId(),
        collection: 'students',
        kind: 'updated',
        record_id: emma.id,
        fields: ['family_name', 'email'],
        before: { family_name: 'Dyk' },
        after: { family_name: 'Dijk' },
        at: testNow,
      },
    ]);
  });
  afterAll(() => database.drop());

  it('stands with what is kept, groups, guardians and what changed', async () => {
    const emma = await view(ids.emma);
    expect(emma).toMatchObject({
      name: 'Emma van Dijk',
      kind: 'student',
      sourceId: 's1',
      aliases: ['s1-zuid'],
      lastSeenAt: new Date('2026-03-01T22:00:00Z'),
      withheld: null,
      demographics: [{ field: 'birth_date', values: ['2009-05-01'] }],
      enrolments: [
        { title: '4H wisB', subjectName: 'Wiskunde B', terms: ['2025/26'], role: 'student', beginsOn: '2025-09-01' },
      ],
      relatives: [
        { name: 'Mia Dijk', id: ids.mother, kind: 'guardian' },
        { name: null, id: null, sourceId: 'm2' },
      ],
      changes: [
        {
          kind: 'updated',
          names: ['family_name', 'email'],
          fields: [{ field: 'family_name', before: 'Dyk', after: 'Dijk' }],
        },
      ],
    });
    const kept = new Map(emma.fields.map(({ field, values }) => [field, values.join()]));
    expect(kept.get('email')).toBe('emma@school.example');
    expect(kept.get('site_source_ids')).toBe('Site 1');
    expect(kept.get('roles')).toBe('student, primary, Site 1');
    expect(kept.has('phone')).toBe(false);
  });

  it('is seen by whom a live grant lets, with the fields that each gives', async () => {
    const [site1 = '', site2 = ''] = school.siteIds;
    const all = ['roster.students', 'roster.groups'];
    await grantTo('Canvas', [...all, 'roster.demographics'], {
      sites: [site1],
      withoutFields: ['roster.students:email'],
    });
    await grantTo('Other site', all, { sites: [site2] });
    await grantTo('Other group', all, { groups: ['another'] });
    await grantTo('This group', all, { groups: ['g1'], state: 'paused' });
    await grantTo('Teachers only', ['roster.teachers', 'roster.demographics']);
    await grantTo('Over', all, { until: '2026-03-01' });
    const { grants } = await view(ids.emma);
    expect(grants.map(({ consumerName, reaches }) => [consumerName, reaches])).toEqual([
      ['The marketplace', 'no-scope'],
      ['Canvas', 'yes'],
      ['Other site', 'elsewhere'],
      ['Other group', 'elsewhere'],
      ['This group', 'yes'],
      ['Teachers only', 'no-scope'],
    ]);
    const canvas = grants[1];
    expect(canvas).toMatchObject({ sites: ['Site 1'], lastSuppliedAt: new Date(testNow), purpose: 'For Canvas' });
    const fields = new Map(canvas?.scopes.map((scope) => [scope.scope, scope]));
    expect(fields.get('roster.students')?.fields).toEqual([
      'given_name',
      'middle_name',
      'family_name',
      'identifier',
      'site_source_ids',
      'roles',
    ]);
    expect(fields.get('roster.students')?.withoutFields).toEqual(['email']);
    expect(fields.get('roster.demographics')?.fields).toEqual(['birth_date']);
    expect(fields.get('roster.groups')?.fields).toEqual(['enrolments']);
    expect(grants[4]?.state).toBe('paused');

    const teacher = await view(ids.teacher);
    expect(teacher.grants.filter(({ reaches }) => reaches === 'yes').map(({ consumerName }) => consumerName)).toEqual([
      'Teachers only',
    ]);
    const mother = await view(ids.mother);
    expect(mother.grants.every(({ reaches }) => reaches === 'no-scope')).toBe(true);
  });

  it('is read by the school administrator alone; everybody else at the school reads counts', async () => {
    const { schoolId, people } = school;
    const other = await makeSchool(database);
    for (const role of ['approver', 'signatory', 'technical-contact'] as const) {
      await expect(
        viewPerson({ ctx: await ctx(people[role]), input: { schoolId, personId: ids.emma } }),
      ).rejects.toMatchObject({ code: 'forbidden' });
      const overview = await receivedOverview({ ctx: await ctx(people[role]), input: { schoolId } });
      expect(overview.seesPeople).toBe(false);
      expect(overview.systems[0]?.counts).toContainEqual({
        collection: 'students',
        here: 1,
        more: false,
        missing: 0,
        gone: 0,
      });
      const group = await viewGroup({ ctx: await ctx(people[role]), input: { schoolId, groupId: ids.group } });
      expect(group).toMatchObject({
        counts: [
          { role: 'student', count: 1 },
          { role: 'teacher', count: 1 },
        ],
        members: null,
      });
    }
    await expect(
      viewPerson({
        ctx: await ctx(other.people['school-administrator']),
        input: { schoolId: other.schoolId, personId: ids.emma },
      }),
    ).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is a member of a group, whose page names subject, stream, site, terms and members, teachers first', async () => {
    const { schoolId } = school;
    const group = await viewGroup({ ctx: await ctx(), input: { schoolId, groupId: ids.group } });
    expect(group).toMatchObject({
      title: '4H wisB',
      subjectName: 'Wiskunde B',
      streamName: 'havo 4',
      siteName: 'Site 1',
      terms: [{ name: '2025/26', startsOn: '2025-08-01' }],
      members: [
        { name: 'Tom Akker', role: 'teacher', isPrimary: true },
        { name: 'Emma van Dijk', role: 'student', personId: ids.emma },
      ],
    });
  });
});
