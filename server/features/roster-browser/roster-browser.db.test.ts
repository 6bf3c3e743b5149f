import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextFor, makeAgent, makeSchool, type TestSchool, testNow } from '#server/testing/actors.ts';
import { recordsPerPage } from './browse-records.ts';
import { listCourses } from './list-courses.ts';
import { listGroups } from './list-groups.ts';
import { listStreams } from './list-streams.ts';
import { listSubjects } from './list-subjects.ts';
import { receivedOverview } from './received-overview.ts';

describe('what was received of a school', () => {
  let database: TestDatabase;
  let school: TestSchool;
  let sisId: string;
  let lmsId: string;
  let otherId: string;
  const ctx = (person = school.people.approver) => contextFor(database, person);

  const system = async (schoolId: string, kind: 'sis' | 'lms', name: string) => {
    const id = newId();
    await database.admin`
      insert into system (id, school_id, kind, connector, name, settings, origins)
      values (${id}, ${schoolId}, ${kind}, ${kind === 'sis' ? 'oneroster' : 'canvas'}, ${name}, '{}', '{}')`;
    return id;
  };
  /** The columns that every received record has. */
  const record = (schoolId: string, systemId: string, sourceId: string, more: object) => ({
    id: newId(),
    school_id: schoolId,
    system_id: systemId,
    source_id: sourceId,
    content_hash: 1,
    first_seen_at: testNow,
    last_seen_at: null,
    missed_fetches: 0,
    gone_at: null,
    ...more,
  });
  const put = async (table: string, rows: object[]) => {
    await database.admin`insert into ${database.admin(table)} ${database.admin(rows)}`;
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    school = await makeSchool(database);
    const { schoolId } = school;
    sisId = await system(schoolId, 'sis', 'Registra');
    lmsId = await system(schoolId, 'lms', 'Canvas');
    await put('roster_site', [record(schoolId, sisId, 'n', { name: 'Noord', kind: 'school' })]);
    await put('roster_term', [
      record(schoolId, sisId, 't1', { name: '2024/25', kind: 'year', starts_on: '2024-08-01', ends_on: '2025-08-01' }),
      record(schoolId, sisId, 't2', { name: '2025/26', kind: 'year', starts_on: '2025-08-01', ends_on: '2026-08-01' }),
    ]);
    await put('roster_subject', [
      record(schoolId, sisId, 'wis', { title: 'Wiskunde B', course_code: 'wisB', site_source_id: 'n' }),
      record(schoolId, sisId, 'ned', { title: 'nederlands 100%', course_code: 'netl', site_source_id: null }),
      record(schoolId, sisId, 'lat', { title: 'Latijn', course_code: 'lat', missed_fetches: 1, site_source_id: null }),
      record(schoolId, sisId, 'gr', { title: 'Grieks', course_code: 'gr', gone_at: testNow, site_source_id: null }),
    ]);
    await put('roster_stream', [
      record(schoolId, sisId, 'h4', {
        name: 'havo 4 N&T',
        programme: 'N&T',
        level: 'havo',
        year: '4',
        derived_from: 'metadata',
      }),
    ]);
    await put(
      'roster_group',
      Array.from({ length: recordsPerPage + 5 }, (_, index) =>
        record(schoolId, sisId, `g${index}`, {
          kind: index < 5 ? 'class' : 'group',
          title: `Group ${String(index).padStart(3, '0')}`,
          subject_source_id: index % 2 === 0 ? 'wis' : 'ned',
          stream_source_id: index < 3 ? 'h4' : null,
          site_source_id: index < 10 ? 'n' : null,
          term_source_ids: index === 0 ? ['t1', 't2'] : ['t2'],
        }),
      ),
    );
    await put('lms_course', [
      record(schoolId, lmsId, '17', { name: 'Wiskunde 4 havo', code: 'WIS4', sis_id: 'g0' }),
      record(schoolId, lmsId, '18', { name: 'Mentoruur', code: null, sis_id: null }),
    ]);
    const other = await makeSchool(database);
    otherId = other.schoolId;
    const otherSis = await system(otherId, 'sis', 'Elsewhere');
    await put('roster_subject', [record(otherId, otherSis, 'wis', { title: 'Wiskunde elsewhere' })]);
  });
  afterAll(() => database.drop());

  it('counts each system’s records by collection: here, missing and gone', async () => {
    const { systems, terms, sites } = await receivedOverview({ ctx: await ctx(), input: school });
    expect(systems.map(({ name }) => name)).toEqual(['Registra', 'Canvas']);
    const counts = Object.fromEntries(systems.flatMap((one) => one.counts.map((row) => [row.collection, row])));
    expect(counts).toMatchObject({
      subjects: { here: 3, missing: 1, gone: 1 },
      streams: { here: 1 },
      groups: { here: recordsPerPage },
      classes: { here: 5 },
      courses: { here: 2 },
    });
    expect(terms).toMatchObject([
      { name: '2025/26', ended: false },
      { name: '2024/25', ended: true },
    ]);
    expect(sites).toMatchObject([{ sourceId: 'n', name: 'Noord' }]);
  });

  it('finds every typed word, in either case, in name or code, and takes % and _ as they are', async () => {
    const find = async (search: string) =>
      (await listSubjects({ ctx: await ctx(), input: { ...school, search } })).rows.map(({ title }) => title);
    expect(await find('')).toEqual(['Latijn', 'nederlands 100%', 'Wiskunde B']);
    expect(await find('KUNDE b')).toEqual(['Wiskunde B']);
    expect(await find('netl')).toEqual(['nederlands 100%']);
    expect(await find('0%')).toEqual(['nederlands 100%']);
    expect(await find('_')).toEqual([]);
    expect(await find('wisk\0unde')).toEqual(['Wiskunde B']);
    expect(await find("'; drop table roster_subject")).toEqual([]);
  });

  it('shows what is missing and what is gone apart, and how many groups follow a subject', async () => {
    const list = async (status: 'here' | 'missing' | 'gone') =>
      (await listSubjects({ ctx: await ctx(), input: { ...school, status } })).rows.map(({ code }) => code);
    expect(await list('missing')).toEqual(['lat']);
    expect(await list('gone')).toEqual(['gr']);
    const { rows } = await listSubjects({ ctx: await ctx(), input: { ...school, search: 'wiskunde' } });
    expect(rows).toMatchObject([{ groups: 28, siteName: 'Noord' }]);
  });

  it('pages groups with the whole number, sorts both ways, and names subject, stream, site and terms', async () => {
    const first = await listGroups({ ctx: await ctx(), input: school });
    expect(first).toMatchObject({ total: recordsPerPage + 5, more: false });
    expect(first.rows).toHaveLength(recordsPerPage);
    expect(first.rows[0]).toMatchObject({
      title: 'Group 000',
      subjectName: 'Wiskunde B',
      streamName: 'havo 4 N&T',
      siteName: 'Noord',
      terms: ['2024/25', '2025/26'],
    });
    const second = await listGroups({ ctx: await ctx(), input: { ...school, after: first.next ?? '' } });
    expect(second.rows.map(({ title }) => title)).toEqual([
      'Group 050',
      'Group 051',
      'Group 052',
      'Group 053',
      'Group 054',
    ]);
    const last = await listGroups({ ctx: await ctx(), input: { ...school, descending: true } });
    expect(last.rows[0]).toMatchObject({ title: 'Group 054', streamName: null });
    expect(second.next).toBeNull();
    const firstAgain = await listGroups({ ctx: await ctx(), input: { ...school, after: 'no place at all' } });
    expect(firstAgain.rows[0]?.id).toBe(first.rows[0]?.id);
    const bySubject = async (after?: string) =>
      listGroups({ ctx: await ctx(), input: { ...school, sort: 'subject', descending: true, after } });
    const front = await bySubject();
    const back = await bySubject(front.next ?? '');
    expect(new Set([...front.rows, ...back.rows].map(({ id }) => id)).size).toBe(recordsPerPage + 5);
    expect([front.rows[0]?.subjectName, back.rows.at(-1)?.subjectName]).toEqual(['Wiskunde B', 'nederlands 100%']);
  });

  it('filters groups by kind, subject, stream, site and term', async () => {
    const total = async (filter: object) =>
      (await listGroups({ ctx: await ctx(), input: { ...school, ...filter } })).total;
    expect(await total({ kind: 'class' })).toBe(5);
    expect(await total({ subject: 'wis' })).toBe(28);
    expect(await total({ stream: 'h4' })).toBe(3);
    expect(await total({ site: 'n', kind: 'group' })).toBe(5);
    expect(await total({ term: 't1' })).toBe(1);
    expect(await total({ search: 'havo wiskunde' })).toBe(2);
    expect(await total({ systemId: lmsId })).toBe(0);
  });

  it('lists streams and an LMS’s courses, with and without the SIS’s id', async () => {
    expect(await listStreams({ ctx: await ctx(), input: { ...school, search: 'havo' } })).toMatchObject({
      rows: [{ name: 'havo 4 N&T', groups: 3 }],
      total: 1,
    });
    const courses = async (filter: object) =>
      (await listCourses({ ctx: await ctx(), input: { ...school, ...filter } })).rows.map(({ name }) => name);
    expect(await courses({})).toEqual(['Mentoruur', 'Wiskunde 4 havo']);
    expect(await courses({ sisId: 'without' })).toEqual(['Mentoruur']);
    expect(await courses({ search: 'g0' })).toEqual(['Wiskunde 4 havo']);
    expect(await courses({ search: '18' })).toEqual(['Mentoruur']);
    expect(await courses({ search: '1' })).toEqual([]);
  });

  it('answers the school’s own people alone, and only with its own rows', async () => {
    for (const person of Object.values(school.people)) {
      expect((await listSubjects({ ctx: await ctx(person), input: school })).total).toBe(3);
      await expect(listSubjects({ ctx: await ctx(person), input: { schoolId: otherId } })).rejects.toMatchObject({
        code: 'forbidden',
      });
    }
    const agent = await makeAgent(database);
    await expect(receivedOverview({ ctx: await ctx(agent.agent), input: school })).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});
