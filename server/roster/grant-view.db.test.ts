import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { makeSchool, type TestSchool, testNow } from '#server/testing/actors.ts';
import { makeSystem, putRosterRow } from '#server/testing/roster-rows.ts';
import { type GrantView, readGrantView, type ViewedGrant } from './grant-view.ts';

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
const noLimit = { sites: [], streams: [], subjects: [], groups: [] };
const rows = z.array(z.object({ source_id: z.string() }));
const tables = {
  sites: 'roster_site',
  terms: 'roster_term',
  subjects: 'roster_subject',
  streams: 'roster_stream',
  groups: 'roster_group',
  people: 'roster_person',
  enrolments: 'roster_enrolment',
  demographics: 'roster_demographics',
} as const;
type Seen = Record<keyof typeof tables, string[]>;

describe('what is in a grant', () => {
  let database: TestDatabase;
  let school: TestSchool;
  let systemId: string;
  const ids = new Map<string, string>();
  const idOf = (sourceId: string) => ids.get(sourceId) ?? '';
  const put = async (table: string, sourceId: string, cells: Record<string, string | boolean | null | string[]>) => {
    ids.set(sourceId, await putRosterRow(database, table, { schoolId: school.schoolId, systemId, sourceId, ...cells }));
  };
  const person = (sourceId: string, kinds: string[], sites: string[], more: Record<string, string | string[]> = {}) =>
    put('roster_person', sourceId, {
      kind: kinds[0] ?? 'other',
      kinds,
      site_source_ids: sites,
      email: `${sourceId}@x.example`,
      username: sourceId,
      ...more,
    });
  const enrol = (group: string, who: string, role: string, more: Record<string, string> = {}) =>
    put('roster_enrolment', `e-${group}-${who}`, { group_id: idOf(group), person_id: idOf(who), role, ...more });
  const grantOf = (
    grant: Partial<Omit<ViewedGrant, 'sharingRule'>> & { rule?: Partial<ViewedGrant['sharingRule']> },
  ) => ({
    schoolId: school.schoolId,
    systemId,
    scopes: everything,
    withoutFields: [],
    ...grant,
    sharingRule: { ...noLimit, ...grant.rule },
  });
  const inSchool = <T>(
    run: (view: GrantView, select: (statement: ReturnType<typeof sql>) => Promise<unknown>) => Promise<T>,
    grant: ViewedGrant,
  ) =>
    database.web.withSchool(school.schoolId, async (tx) =>
      run(await readGrantView(tx, grant), async (statement) => tx.execute(statement)),
    );
  const seen = (grant: ViewedGrant, since?: string): Promise<Seen> =>
    inSchool(async (read, select) => {
      const view = since === undefined ? read : read.withLeftSince(new Date(since));
      const of = async (collection: keyof typeof tables) =>
        rows
          .parse(
            await select(
              sql`select r.source_id from ${sql.raw(tables[collection])} r where ${view[collection]('r')} order by r.source_id`,
            ),
          )
          .map((row) => row.source_id);
      return {
        sites: await of('sites'),
        terms: await of('terms'),
        subjects: await of('subjects'),
        streams: await of('streams'),
        groups: await of('groups'),
        people: await of('people'),
        enrolments: await of('enrolments'),
        demographics: await of('demographics'),
      };
    }, grant);

  beforeAll(async () => {
    database = await createTestDatabase();
    school = await makeSchool(database);
    systemId = await makeSystem(database, school);
    await put('roster_site', 'district', { name: 'District', kind: 'district' });
    await put('roster_site', 'north', { name: 'Site 1', kind: 'school', parent_source_id: 'district' });
    await put('roster_site', 'south', { name: 'Site 2', kind: 'school', parent_source_id: 'district' });
    await put('roster_term', 't1', { name: 'Autumn', kind: 'term', starts_on: '2025-08-01', ends_on: '2026-02-01' });
    await put('roster_term', 't0', {
      name: 'Old',
      kind: 'term',
      starts_on: '2024-08-01',
      ends_on: '2025-02-01',
      gone_at: testNow,
    });
    await put('roster_subject', 'maths', { title: 'Maths' });
    await put('roster_subject', 'latin', { title: 'Latin', site_source_id: 'south' });
    await put('roster_stream', 'havo', { name: 'havo', derived_from: 'metadata' });
    await put('roster_stream', 'vwo', { name: 'vwo', derived_from: 'metadata' });
    const group = (sourceId: string, site: string | null, subject: string | null, stream: string | null, more = {}) =>
      put('roster_group', sourceId, {
        kind: 'group',
        title: sourceId,
        site_source_id: site,
        subject_source_id: subject,
        stream_source_id: stream,
        ...more,
      });
    await group('m-north', 'north', 'maths', 'havo');
    await group('m-south', 'south', 'maths', 'vwo');
    await group('l-south', 'south', 'latin', 'vwo');
    await group('choir', null, null, null);
    await group('ended', 'north', 'maths', 'havo', { gone_at: testNow });
    await group('home-north', 'north', null, 'havo', { kind: 'class' });
    await person('anna', ['student'], ['north'], { stream_source_id: 'havo' });
    await person('bram', ['student'], ['south']);
    await person('cato', ['student'], ['south'], { agent_source_ids: ['gwen'] });
    await person('withheld', ['student'], ['north'], { agent_source_ids: ['gijs'] });
    await person('left', ['student'], ['north'], { gone_at: testNow });
    await person('tess', ['teacher', 'guardian'], ['north', 'south'], { agent_source_ids: ['anna'] });
    await person('tom', ['teacher'], ['south']);
    await person('gwen', ['guardian'], []);
    await person('gijs', ['guardian'], ['north'], { agent_source_ids: ['withheld'] });
    await person('gus', ['guardian'], ['north'], { agent_source_ids: ['row-2-of-bram'] });
    await person('cook', [], ['north']);
    await database.admin`insert into roster_person_alias values (${school.schoolId}, ${systemId}, 'row-2-of-bram', ${idOf('bram')}), (${school.schoolId}, ${systemId}, 'row-2', ${idOf('withheld')})`;
    await database.admin`
      insert into withheld_person (id, school_id, system_id, source_id, name, withheld_by, withheld_at)
      values (${newId()}, ${school.schoolId}, ${systemId}, 'row-2', 'W', ${newId()}, ${testNow})`;
    for (const [group_, who, role] of [
      ['m-north', 'anna', 'student'],
      ['m-north', 'withheld', 'student'],
      ['m-north', 'tess', 'teacher'],
      ['home-north', 'anna', 'student'],
      ['m-south', 'bram', 'student'],
      ['m-south', 'tom', 'teacher'],
      ['l-south', 'cato', 'student'],
      ['l-south', 'tess', 'teacher'],
      ['choir', 'anna', 'student'],
      ['choir', 'cook', 'administrator'],
      ['ended', 'bram', 'student'],
    ] as const) {
      await enrol(group_, who, role);
    }
    await enrol('m-north', 'bram', 'student', { gone_at: '2026-01-10T00:00:00Z' });
    for (const who of ['anna', 'bram', 'withheld', 'tess', 'gwen']) {
      await put('roster_demographics', `d-${who}`, { person_id: idOf(who), birth_date: '2012-01-01' });
    }
  });
  afterAll(() => database.drop());

  it('without limits: all that its scopes name, without the gone, the withheld and what hangs on them', async () => {
    expect(await seen(grantOf({}))).toEqual({
      sites: ['district', 'north', 'south'],
      terms: ['t1'],
      subjects: ['latin', 'maths'],
      streams: ['havo', 'vwo'],
      groups: ['choir', 'home-north', 'l-south', 'm-north', 'm-south'],
      people: ['anna', 'bram', 'cato', 'gus', 'gwen', 'tess', 'tom'],
      enrolments: [
        'e-choir-anna',
        'e-home-north-anna',
        'e-l-south-cato',
        'e-l-south-tess',
        'e-m-north-anna',
        'e-m-north-tess',
        'e-m-south-bram',
        'e-m-south-tom',
      ],
      demographics: ['d-anna', 'd-bram', 'd-tess'],
    });
  });

  it('of each scope alone: what it names and nothing that another one names', async () => {
    const alone = async (scope: string) => {
      const all = await seen(grantOf({ scopes: [scope] }));
      return Object.fromEntries(Object.entries(all).filter(([name, found]) => name !== 'sites' && found.length > 0));
    };
    expect(await alone('roster.subjects')).toEqual({ terms: ['t1'], subjects: ['latin', 'maths'] });
    expect(await alone('roster.streams')).toEqual({ streams: ['havo', 'vwo'] });
    expect(await alone('roster.groups')).toEqual({ terms: ['t1'], groups: ['choir', 'l-south', 'm-north', 'm-south'] });
    expect(await alone('roster.classes')).toEqual({ terms: ['t1'], groups: ['home-north'] });
    expect(await alone('roster.teachers')).toEqual({ people: ['tess', 'tom'] });
    expect(await alone('roster.students')).toEqual({ people: ['anna', 'bram', 'cato'] });
    expect(await alone('roster.guardians')).toEqual({ people: ['gus', 'gwen', 'tess'] });
    expect(await alone('roster.demographics')).toEqual({});
    expect((await seen(grantOf({ scopes: ['gradebook.read', 'lti.launch'] }))).sites).toEqual([]);
    expect(await seen(grantOf({ scopes: ['roster.groups', 'roster.teachers'] }))).toMatchObject({
      people: ['tess', 'tom'],
      enrolments: ['e-l-south-tess', 'e-m-north-tess', 'e-m-south-tom'],
      demographics: [],
    });
  });

  it('of some sites: these and what stands above them, their groups and their people', async () => {
    expect(await seen(grantOf({ rule: { sites: [school.siteIds[0] ?? ''] } }))).toEqual({
      sites: ['district', 'north'],
      terms: ['t1'],
      subjects: ['maths'],
      streams: ['havo'],
      groups: ['home-north', 'm-north'],
      people: ['anna', 'tess'],
      enrolments: ['e-home-north-anna', 'e-m-north-anna', 'e-m-north-tess'],
      demographics: ['d-anna', 'd-tess'],
    });
    expect(await seen(grantOf({ rule: { sites: [newId()] } }))).toMatchObject({
      sites: [],
      groups: [],
      people: [],
      enrolments: [],
    });
  });

  it('of some groups, subjects or streams, by our id or the source’s: whoever is in a group that all limits let through', async () => {
    expect(await seen(grantOf({ rule: { groups: [idOf('l-south')] } }))).toMatchObject({
      subjects: ['latin'],
      streams: ['vwo'],
      groups: ['l-south'],
      people: ['cato', 'gwen', 'tess'],
      enrolments: ['e-l-south-cato', 'e-l-south-tess'],
      demographics: ['d-tess'],
    });
    expect(await seen(grantOf({ rule: { streams: ['havo'] } }))).toMatchObject({
      groups: ['home-north', 'm-north'],
      people: ['anna', 'tess'],
    });
    expect(await seen(grantOf({ rule: { subjects: [idOf('maths')], streams: ['vwo'] } }))).toMatchObject({
      subjects: ['maths'],
      streams: ['vwo'],
      groups: ['m-south'],
      people: ['bram', 'gus', 'tom'],
    });
    expect(await seen(grantOf({ rule: { groups: ['m-north'], sites: [school.siteIds[1] ?? ''] } }))).toMatchObject({
      groups: [],
      people: [],
      enrolments: [],
    });
    expect(await seen(grantOf({ rule: { groups: ["x' or true --"] } }))).toMatchObject({ groups: [], people: [] });
  });

  it('of who has left since a moment: what was in it then', async () => {
    expect(await seen(grantOf({ rule: { groups: ['m-north', 'ended'] } }), '2026-01-01T00:00:00Z')).toMatchObject({
      groups: ['ended', 'm-north'],
      people: ['anna', 'bram', 'gus', 'tess'],
    });
    expect(await seen(grantOf({ rule: { groups: ['m-north'] } }), '2026-02-01T00:00:00Z')).toMatchObject({
      people: ['anna', 'tess'],
    });
    expect((await seen(grantOf({}), '2026-02-01T00:00:00Z')).people).toContain('left');
  });

  it('tells no field that a scope which names the person leaves out', async () => {
    const told = (withoutFields: string[], scopes = everything) =>
      inSchool(
        async (view, select) =>
          Object.fromEntries(
            z
              .array(z.object({ source_id: z.string(), email: z.string().nullable() }))
              .parse(
                await select(
                  sql`select p.source_id, ${view.personCell('p', 'email')} as email from roster_person p where ${view.people('p')} order by p.source_id`,
                ),
              )
              .flatMap((row) => (row.email === null ? [] : [[row.source_id, row.email]])),
          ),
        grantOf({ withoutFields, scopes }),
      );
    expect(Object.keys(await told([]))).toEqual(['anna', 'bram', 'cato', 'gus', 'gwen', 'tess', 'tom']);
    expect(Object.keys(await told(['roster.students:email', 'roster.teachers:phone']))).toEqual([
      'gus',
      'gwen',
      'tess',
      'tom',
    ]);
    // A teacher who is a guardian: what either scope leaves out is not told.
    expect(Object.keys(await told(['roster.guardians:email']))).toEqual(['anna', 'bram', 'cato', 'tom']);
    expect(Object.keys(await told(['roster.guardians:email'], ['roster.teachers']))).toEqual(['tess', 'tom']);
    expect(await told(['roster.teachers:email'], ['roster.teachers'])).toEqual({});
  });

  it('names nobody and nothing of another school or system, whatever the rule', async () => {
    const other = await makeSchool(database);
    const elsewhere = await makeSystem(database, other);
    await putRosterRow(database, 'roster_person', { schoolId: other.schoolId, systemId: elsewhere, sourceId: 'anna' });
    const foreign = { ...grantOf({}), schoolId: other.schoolId, systemId: elsewhere };
    expect(Object.values(await seen(foreign)).flat()).toEqual([]);
    const second = await makeSystem(database, school, { name: 'second' });
    expect(Object.values(await seen({ ...grantOf({}), systemId: second })).flat()).toEqual([]);
  });

  it('whatever the scopes and the rule: every reference leads to a row that is in it too, and less asked is less seen', async () => {
    const [site1 = '', site2 = ''] = school.siteIds;
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(everything),
        fc.subarray([site1, site2], { maxLength: 1 }),
        fc.subarray(['havo', 'vwo']),
        fc.subarray(['maths', 'latin']),
        fc.subarray(['m-north', 'm-south', 'l-south', 'choir', 'home-north']),
        async (scopes, sites, streams, subjects, groups) => {
          const narrowed = await seen(grantOf({ scopes, rule: { sites, streams, subjects, groups } }));
          const whole = await seen(grantOf({}));
          for (const [collection, found] of Object.entries(narrowed)) {
            expect(Object.entries(whole).find(([name]) => name === collection)?.[1]).toEqual(
              expect.arrayContaining(found),
            );
          }
          for (const enrolment of narrowed.enrolments) {
            const place = [...narrowed.groups].find((group_) => enrolment.startsWith(`e-${group_}-`));
            expect(place).toBeDefined();
            expect(narrowed.people).toContain(enrolment.slice(`e-${place ?? ''}-`.length));
          }
          for (const one of narrowed.demographics) expect(narrowed.people).toContain(one.slice(2));
        },
      ),
      { numRuns: 40 },
    );
  });
});
