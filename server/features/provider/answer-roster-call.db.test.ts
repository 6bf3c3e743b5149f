import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Scope } from '#db/schema/vocabulary.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type LiveConsumer, makeLiveConsumer } from '#server/features/consumers/testing/live-consumer.ts';
import { withholdPerson } from '#server/features/withheld/withhold-person.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { endpointPatterns } from '#server/protocols/oneroster/endpoints.ts';
import { basePaths, type OneRosterVersion } from '#server/protocols/oneroster/versions.ts';
import { contextFor, giveRole, makePerson, nobody, testNow } from '#server/testing/actors.ts';
import { putRosterRow } from '#server/testing/roster-rows.ts';
import { callsPerWindow } from './allowance.ts';
import { answerRosterCall } from './answer-roster-call.ts';
import { listProviderRequests } from './list-provider-requests.ts';

const scopeOf = (version: string, name: string) => `https://purl.imsglobal.org/spec/or/${version}/scope/${name}`;
const allWireScopes = ['v1p1', 'v1p2'].flatMap((version) =>
  ['roster-core.readonly', 'roster.readonly', 'roster-demographics.readonly'].map((name) => scopeOf(version, name)),
);
const allScopes: Scope[] = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
  'roster.guardians',
  'roster.demographics',
];
const withoutPeople: Scope[] = ['roster.subjects', 'roster.streams', 'roster.groups', 'roster.classes'];
const later = (minutes: number) => new Date(Date.parse(testNow) + minutes * 60_000).toISOString();
const record = z.record(z.string(), z.unknown());
const lists = z.record(z.string(), z.array(record));

type Cells = Record<string, string | boolean | null | string[]>;

describe('Crosswalk as a OneRoster provider', () => {
  let database: TestDatabase;
  let now = testNow;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(() => {
    now = later(10);
  });

  const ask = async (
    consumer: Pick<LiveConsumer, 'token'>,
    path: string,
    { version = '1.2', headers = {} }: { version?: OneRosterVersion; headers?: Record<string, string> } = {},
  ) => {
    const [pathname = '', search = ''] = path.split(/(?=\?)/);
    const answer = await answerRosterCall(await nobody(database, { clock: fixedClock(now) }), {
      version,
      method: 'GET',
      segments: pathname.split('/').map(decodeURIComponent),
      search,
      headers: new Headers({ authorization: `Bearer ${consumer.token}`, ...headers }),
    });
    const text = answer.body === null ? '' : Buffer.from(answer.body).toString();
    return { ...answer, text, json: text === '' ? {} : record.parse(JSON.parse(text)) };
  };
  const listed = async (consumer: LiveConsumer, path: string, options?: Parameters<typeof ask>[2]) => {
    const answer = await ask(consumer, path, options);
    expect(answer.status, answer.text).toBe(200);
    return Object.values(lists.parse(answer.json))[0] ?? [];
  };
  const ids = async (...parameters: Parameters<typeof listed>) =>
    (await listed(...parameters)).map(({ sourcedId }) => String(sourcedId));
  const filtered = (filter: string) => `?filter=${encodeURIComponent(filter)}`;
  const next = (answer: { headers: Readonly<Record<string, string>> }) =>
    /<[^>]*\/(?:v1p1|v1p2)\/([^>]*)>; rel="next"/.exec(answer.headers.link ?? '')?.[1] ?? null;

  /** A small school: two sites, two subjects, two streams, three groups, a home class, and people. */
  const makeRoster = async (consumer: LiveConsumer) => {
    const { schoolId, sisId: systemId } = consumer;
    const known = new Map<string, string>();
    const put = async (table: string, sourceId: string, cells: Cells) => {
      known.set(
        sourceId,
        await putRosterRow(database, table, { schoolId, systemId, sourceId, changed_at: testNow, ...cells }),
      );
    };
    const of = (sourceId: string) => known.get(sourceId) ?? '';
    await put('roster_site', 'district', { name: 'District', kind: 'district' });
    await put('roster_site', 'north', {
      name: 'North',
      kind: 'school',
      identifier: '01AB',
      parent_source_id: 'district',
    });
    await put('roster_site', 'south', { name: 'South', kind: 'school', parent_source_id: 'district' });
    await put('roster_term', 'year', {
      name: '2025/26',
      kind: 'schoolYear',
      starts_on: '2025-08-01',
      ends_on: '2026-08-01',
    });
    await put('roster_term', 'autumn', {
      name: 'Autumn',
      kind: 'term',
      starts_on: '2025-08-01',
      ends_on: '2026-02-01',
      parent_source_id: 'year',
    });
    await put('roster_term', 'p1', {
      name: 'Period 1',
      kind: 'gradingPeriod',
      starts_on: '2025-08-01',
      ends_on: '2025-11-01',
      parent_source_id: 'autumn',
    });
    await put('roster_subject', 'maths', {
      title: 'Maths',
      course_code: 'MA',
      grades: ['10', '11'],
      school_year_source_id: 'year',
    });
    await put('roster_subject', 'latin', { title: 'Latin', site_source_id: 'south' });
    await put('roster_stream', 'havo', {
      name: 'havo 4',
      code: 'H4',
      programme: 'havo',
      year: '4',
      derived_from: 'metadata',
    });
    await put('roster_stream', 'vwo', { name: 'vwo 4', derived_from: 'metadata' });
    const group = (sourceId: string, site: string, subject: string | null, stream: string, more: Cells = {}) =>
      put('roster_group', sourceId, {
        kind: 'group',
        title: `Group ${sourceId}`,
        site_source_id: site,
        subject_source_id: subject,
        stream_source_id: stream,
        term_source_ids: ['autumn'],
        ...more,
      });
    await group('mn', 'north', 'maths', 'havo');
    await group('ms', 'south', 'maths', 'vwo');
    await group('ls', 'south', 'latin', 'vwo', { grades: ['10'] });
    await group('hn', 'north', null, 'havo', { kind: 'class' });
    const person = (sourceId: string, kinds: string[], sites: string[], more: Cells = {}) =>
      put('roster_person', sourceId, {
        kind: kinds[0] ?? 'other',
        kinds,
        given_name: `Given${sourceId}`,
        family_name: `Family${sourceId}`,
        email: `${sourceId}@Secret.example`,
        username: `login-${sourceId}`,
        identifier: `nr-${sourceId}`,
        site_source_ids: sites,
        primary_site_source_id: sites[0] ?? null,
        roles: sites.flatMap((site) => kinds.map((kind) => `${kind}|primary|${site}||`)),
        ...more,
      });
    await person('anna', ['student'], ['north'], {
      grades: ['10'],
      agent_source_ids: ['gerd'],
      stream_source_id: 'havo',
    });
    await person('bram', ['student'], ['south'], { family_name: "O'Brien", enabled: false });
    await person('cato', ['student'], ['south']);
    await person('tess', ['teacher', 'guardian'], ['north', 'south']);
    await person('tom', ['teacher'], ['south']);
    await person('gerd', ['guardian'], ['north'], { agent_source_ids: ['anna'] });
    const enrol = (at: string, who: string, role: string, more: Cells = {}) =>
      put('roster_enrolment', `${at}-${who}`, { group_id: of(at), person_id: of(who), role, ...more });
    await enrol('mn', 'anna', 'student', { begins_on: '2025-08-20' });
    await enrol('mn', 'tess', 'teacher', { is_primary: true });
    await enrol('hn', 'anna', 'student');
    await enrol('ms', 'bram', 'student');
    await enrol('ms', 'tom', 'teacher');
    await enrol('ls', 'cato', 'student');
    await enrol('ls', 'tess', 'teacher');
    for (const who of ['anna', 'bram', 'tess']) {
      await put('roster_demographics', `d-${who}`, {
        person_id: of(who),
        birth_date: '2010-02-03',
        sex: 'female',
        races: ['asian'],
      });
    }
    return of;
  };
  /** As a sync or a verb would write: in the school's own transaction. */
  const write = (consumer: LiveConsumer, ...statements: ReturnType<typeof sql>[]) =>
    database.sync.withSchool(consumer.schoolId, async (tx) => {
      for (const statement of statements) await tx.execute(statement);
    });
  const make = async (options: Parameters<typeof makeLiveConsumer>[1] = {}) => {
    const consumer = await makeLiveConsumer(database, { scopes: allScopes, wireScopes: allWireScopes, ...options });
    return { consumer, of: await makeRoster(consumer) };
  };
  const paths = (of: (name: string) => string) =>
    endpointPatterns.map((pattern) =>
      pattern
        .slice(1)
        .replace('schools/{id}', `schools/${of('north')}`)
        .replace('terms/{id}', `terms/${of('autumn')}`)
        .replace('academicSessions/{id}', `academicSessions/${of('year')}`)
        .replace('gradingPeriods/{id}', `gradingPeriods/${of('p1')}`)
        .replace('orgs/{id}', `orgs/${of('district')}`)
        .replace('courses/{id}', `courses/${of('maths')}`)
        .replace('classes/{id}', `classes/${of('mn')}`)
        .replace('enrollments/{id}', `enrollments/${of('mn-anna')}`)
        .replace('teachers/{id}', `teachers/${of('tess')}`)
        .replace(/(users|students|demographics)\/\{id\}/, `$1/${of('anna')}`),
    );
  const hrefs = (text: string) =>
    [...new Set([...text.matchAll(/"href":"[^"]*\/(?:v1p1|v1p2)\/([^"]+)"/g)].map(([, path = '']) => path))].sort();

  it('answers every endpoint of both versions, and every reference that it tells leads to an object of the grant', async () => {
    const { consumer, of } = await make();
    for (const version of ['1.2', '1.1'] as const) {
      const told = new Set<string>();
      for (const path of paths(of)) {
        const answer = await ask(consumer, path, { version });
        expect(answer.status, `${version} ${path}: ${answer.text}`).toBe(200);
        if (!path.includes(of('north')) || path !== `schools/${of('north')}`)
          expect(answer.records, path).toBeGreaterThan(0);
        expect(answer.text).not.toContain('password');
        for (const href of hrefs(answer.text)) told.add(href);
      }
      for (const href of told) expect((await ask(consumer, href, { version })).status, href).toBe(200);
      expect(told.size).toBeGreaterThan(15);
    }
  });

  // learn.microsoft.com/schooldatasync/onboarding-guidance-for-oneroster-api-providers-with-sds: calls, filters and page as it lists them.
  describe('Microsoft School Data Sync, which speaks 1.1', () => {
    const calls = ['academicSessions', 'orgs', 'users', 'classes', 'enrollments', 'courses', 'demographics'] as const;

    it.each(calls)('%s: everything that is active, page by page, and then what has changed', async (name) => {
      const { consumer } = await make();
      const active = encodeURIComponent("status='active'");
      const whole = await ask(consumer, `${name}?offset=0&limit=5000&filter=${active}`, { version: '1.1' });
      expect(whole.status, whole.text).toBe(200);
      const records = lists.parse(whole.json)[name] ?? [];
      expect(records.length).toBeGreaterThan(0);
      expect(whole.headers['x-total-count']).toBe(String(records.length));
      expect(records.every(({ status }) => status === 'active')).toBe(true);
      const paged: string[] = [];
      for (let offset = 0; offset < records.length; offset += 2) {
        const page = await ask(consumer, `${name}?offset=${offset}&limit=2&filter=${active}`, { version: '1.1' });
        paged.push(...(lists.parse(page.json)[name] ?? []).map(({ sourcedId }) => String(sourcedId)));
      }
      expect(paged).toEqual(records.map(({ sourcedId }) => sourcedId));

      const since = async (moment: string) => {
        const filter = encodeURIComponent(`dateLastModified>'${moment}'`);
        const delta = await ask(consumer, `${name}?filter=${filter}`, { version: '1.1' });
        expect(delta.status, delta.text).toBe(200);
        return lists.parse(delta.json)[name] ?? [];
      };
      expect(await since(later(-1))).toHaveLength(Math.min(records.length, 100));
      expect(await since(later(1))).toEqual([]);
    });
  });

  it('tells names as they are, whatever they hold, and of what is not there nothing but what a version must have', async () => {
    const { consumer, of } = await make();
    const odd = {
      given: 'Zo\u00eb "Zo" \\ O\u2019Neill\n\t\u2028\ud83c\udf93',
      family: '\u0001</script>\u202e\u05e9,"admin":true',
    };
    await write(
      consumer,
      sql`update roster_person set given_name = ${odd.given}, family_name = ${odd.family}, preferred_given_name = ${odd.given},
            email = null, username = null, identifier = null, grades = array['"10"', 'a\\b'] where id = ${of('anna')}::uuid`,
      sql`update roster_person set given_name = null, family_name = null, preferred_family_name = 'Only' where id = ${of('cato')}::uuid`,
    );
    for (const version of ['1.2', '1.1'] as const) {
      const all = await listed(consumer, 'users', { version });
      const [anna, cato] = ['anna', 'cato'].map((name) => all.find(({ sourcedId }) => sourcedId === of(name)));
      expect(anna).toMatchObject({ givenName: odd.given, familyName: odd.family, grades: ['"10"', 'a\\b'] });
      expect((await ask(consumer, `users/${of('anna')}`, { version })).json).toEqual({ user: anna });
      expect(anna).not.toHaveProperty('email');
      expect(anna).not.toHaveProperty('identifier');
      expect(anna).not.toHaveProperty('admin');
      expect(cato).toMatchObject({ givenName: '', familyName: 'Only', enabledUser: 'true' });
      if (version === '1.1') expect(anna).toMatchObject({ username: '' });
      else expect(anna).not.toHaveProperty('username');
      expect(anna?.preferredFirstName).toBe(version === '1.2' ? odd.given : undefined);
    }
  });

  it('tells people, groups and what belongs to them in the words of each version', async () => {
    const { consumer, of } = await make();
    const { json } = await ask(consumer, `users/${of('anna')}`);
    expect(json).toMatchObject({
      user: {
        sourcedId: of('anna'),
        status: 'active',
        dateLastModified: testNow,
        metadata: { stream: 'H4', streamName: 'havo 4', programme: 'havo', year: '4' },
        enabledUser: 'true',
        givenName: 'Givenanna',
        roles: [{ roleType: 'primary', role: 'student', org: { sourcedId: of('north'), type: 'org' } }],
        primaryOrg: { sourcedId: of('north') },
        agents: [{ sourcedId: of('gerd') }],
        grades: ['10'],
      },
    });
    expect((await ask(consumer, `users/${of('anna')}`, { version: '1.1' })).json).toMatchObject({
      user: { role: 'student', orgs: [{ sourcedId: of('north') }], username: 'login-anna' },
    });
    expect((await ask(consumer, `classes/${of('mn')}`)).json).toMatchObject({
      class: {
        classType: 'scheduled',
        course: { sourcedId: of('maths') },
        school: { sourcedId: of('north') },
        terms: [{ sourcedId: of('autumn') }],
        metadata: { stream: 'H4' },
      },
    });
    expect(await ids(consumer, `classes/${of('mn')}/students`)).toEqual([of('anna')]);
    expect(await ids(consumer, `classes/${of('mn')}/teachers`)).toEqual([of('tess')]);
    expect((await ids(consumer, `schools/${of('south')}/teachers`)).sort()).toEqual([of('tess'), of('tom')].sort());
    expect((await ids(consumer, `teachers/${of('tess')}/classes`)).sort()).toEqual([of('mn'), of('ls')].sort());
    expect(await ids(consumer, `terms/${of('autumn')}/gradingPeriods`)).toEqual([of('p1')]);
    expect((await ids(consumer, `courses/${of('maths')}/classes`)).sort()).toEqual([of('mn'), of('ms')].sort());
    expect(await ids(consumer, `schools/${of('north')}/terms`)).toEqual([of('autumn')]);
    expect((await ids(consumer, 'students')).sort()).toEqual(['anna', 'bram', 'cato'].map(of).sort());
    expect(await ids(consumer, 'orgs?sort=name')).toEqual(['district', 'north', 'south'].map(of));
    expect((await ask(consumer, `students/${of('tess')}`)).status).toBe(404);
  });

  it('a grant without people: no endpoint names, counts or links anybody', async () => {
    const { consumer, of } = await make({ scopes: withoutPeople });
    const people = ['anna', 'bram', 'cato', 'tess', 'tom', 'gerd'];
    for (const version of ['1.2', '1.1'] as const) {
      for (const path of paths(of)) {
        const answer = await ask(consumer, path, { version });
        for (const who of people) {
          expect(answer.text, path).not.toContain(of(who));
          for (const word of [`Given${who}`, `Family${who}`, `${who}@`, `login-${who}`, `nr-${who}`, '2010-02-03'])
            expect(answer.text, path).not.toContain(word);
        }
        const isAboutPeople = /users|students|teachers|enrollments|demographics/.test(path);
        if (!isAboutPeople) continue;
        expect(answer.status === 404 || answer.headers['x-total-count'] === '0', `${path} ${answer.text}`).toBe(true);
        for (const filter of ["familyName~'a'", "status='active'", "dateLastModified>'2020-01-01'"]) {
          const probe = await ask(consumer, `${path}${filtered(filter)}`, { version });
          expect(probe.records, path).toBe(0);
        }
      }
      expect((await ask(consumer, 'classes', { version })).headers['x-total-count']).toBe('4');
    }
  });

  it('a group outside the sharing rule does not exist: in lists, counts, nested lists, filters, references', async () => {
    const { consumer, of } = await make({
      sharingRule: { sites: [], streams: [], subjects: [], groups: [] },
    });
    await database.admin`update "grant" set sharing_rule = ${database.admin.json({ sites: [], streams: [], subjects: [], groups: [of('ls')] })} where id = ${consumer.grantId}`;
    const outside = ['mn', 'ms', 'hn', 'anna', 'bram', 'tom', 'gerd', 'mn-anna', 'ms-tom'];
    for (const path of [
      ...paths(of),
      `teachers/${of('tess')}/classes`,
      `schools/${of('south')}/classes`,
      `classes${filtered("title~'group'")}`,
    ]) {
      const { text } = await ask(consumer, path);
      for (const name of outside) expect(text, path).not.toContain(of(name));
    }
    for (const path of [
      `classes/${of('mn')}`,
      `classes/${of('mn')}/students`,
      `users/${of('anna')}`,
      `enrollments/${of('mn-anna')}`,
      `students/${of('anna')}/classes`,
      `courses/${of('maths')}`,
    ]) {
      expect((await ask(consumer, path)).status, path).toBe(404);
    }
    expect((await ask(consumer, 'users')).headers['x-total-count']).toBe('2');
    expect((await ask(consumer, 'enrollments')).headers['x-total-count']).toBe('2');
    expect((await ask(consumer, 'demographics')).headers['x-total-count']).toBe('1');
    expect(await ids(consumer, `enrollments${filtered(`class.sourcedId='${of('mn')}'`)}`)).toEqual([]);
    expect(await ids(consumer, 'courses')).toEqual([of('latin')]);
  });

  it('a field that the approver left out is neither told nor found by a filter', async () => {
    const { consumer, of } = await make({ withoutFields: ['roster.students:email', 'roster.demographics:birth_date'] });
    const { text } = await ask(consumer, 'users');
    expect(text).not.toContain('anna@');
    expect(text).toContain('tess@');
    expect((await ask(consumer, 'demographics')).text).not.toContain('2010-02-03');
    expect(await ids(consumer, `users${filtered("email='anna@secret.example'")}`)).toEqual([]);
    expect(await ids(consumer, `users${filtered("email='TESS@secret.EXAMPLE'")}`)).toEqual([of('tess')]);
    expect(await ids(consumer, `demographics${filtered("birthDate>'2000-01-01'")}`)).toEqual([]);
  });

  describe('a filter', () => {
    let consumer: LiveConsumer;
    let of: (name: string) => string;
    beforeAll(async () => {
      ({ consumer, of } = await make());
    });

    it.each<[string, string, string[]]>([
      ['users', "familyName='O''Brien'", ['bram']],
      ['users', "familyName~'FAMILYT'", ['tess', 'tom']],
      ['users', "familyName~'%'", []],
      ['users', "givenName>='Giventess' AND enabledUser='true'", ['tess', 'tom']],
      ['users', "enabledUser='false' OR identifier='nr-tom'", ['bram', 'tom']],
      ['users', "username='LOGIN-anna'", ['anna']],
      ['users', "role='guardian'", ['gerd', 'tess']],
      ['users', "roles.role='teacher' AND roles.org.sourcedId='$north'", ['tess']],
      ['users', "primaryOrg.sourcedId='$south' AND role!='student'", ['tom']],
      ['users', "agents.sourcedId='$gerd'", ['anna']],
      ['users', "grades='10'", ['anna']],
      ['users', "metadata.programme='havo'", ['anna']],
      ['users', "sourcedId='$anna'", ['anna']],
      ['users', "sourcedId='nobody'", []],
      ['users', "status='active' AND sourcedId!='$anna' AND role='student'", ['bram', 'cato']],
      ['teachers', "status='active'", ['tess', 'tom']],
      ['classes', "course.sourcedId='$maths' AND school.sourcedId='$north'", ['mn']],
      ['classes', "classType='homeroom'", ['hn']],
      ['classes', "terms.sourcedId='$autumn' AND metadata.stream='H4'", ['hn', 'mn']],
      ['courses', "grades='11,10'", ['maths']],
      ['courses', "grades='10'", []],
      ['courses', "grades~'11'", ['maths']],
      ['courses', "courseCode!='MA'", ['latin']],
      ['enrollments', "class.sourcedId='$mn' AND role='student'", ['mn-anna']],
      ['enrollments', "user.sourcedId='$tess'", ['ls-tess', 'mn-tess']],
      ['enrollments', "primary='true'", ['mn-tess']],
      ['enrollments', "beginDate<='2025-08-20'", ['mn-anna']],
      ['academicSessions', "startDate<'2025-09-01' AND type='term'", ['autumn']],
      ['orgs', "parent.sourcedId='$district'", ['north', 'south']],
      ['orgs', "identifier='01AB'", ['north']],
      ['demographics', "sourcedId='$anna'", ['anna']],
      ['demographics', "asian='true' AND sex='female'", ['anna', 'bram', 'tess']],
      ['users', `dateLastModified>'${later(-1)}' AND role='student'`, ['anna', 'bram', 'cato']],
      ['users', `dateLastModified>'${later(1)}'`, []],
      ['users', "familyName='x'' or true --'", []],
      ['users', "familyName~'\\'", []],
    ])('%s by %s', async (path, filter, expected) => {
      const written = filter.replaceAll(/\$(\w+)/g, (_, name: string) => of(name));
      const found = await ids(consumer, `${path}${filtered(written)}`);
      expect(found.sort()).toEqual(expected.map(of).sort());
      const { headers } = await ask(consumer, `${path}${filtered(written)}&limit=1`);
      expect(headers['x-total-count']).toBe(String(expected.length));
    });

    it.each([
      ['users?filter=shoeSize%3D%279%27', 'invalid_filter_field'],
      ["users?filter=familyName='x", 'invalid_filter_field'],
      ["users?filter=familyName='x') or (true", 'invalid_filter_field'],
      ["users?filter=familyName='x'; drop table school", 'invalid_filter_field'],
      ['users?fields=shoeSize', 'invalid_selection_field'],
      ['users?fields=', 'invalid_selection_field'],
      ['users?sort=shoeSize', 'invalid_sort_field'],
      ['users?limit=0', 'invaliddata'],
      ['users?limit=-1', 'invaliddata'],
      ['users?offset=-1', 'invaliddata'],
    ])('%s is refused as %s', async (path, code) => {
      const answer = await ask(consumer, path);
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({
        imsx_codeMajor: 'failure',
        imsx_severity: 'error',
        imsx_CodeMinor: { imsx_codeMinorField: [{ imsx_codeMinorFieldValue: code }] },
      });
    });

    it('selection and order: named fields alone; 1.1 answers unknown ones with a warning', async () => {
      const found = await listed(consumer, 'users?fields=sourcedId,familyName&sort=familyName&orderBy=desc&limit=2');
      expect(found).toEqual([
        { sourcedId: of('bram'), familyName: "O'Brien" },
        { sourcedId: of('tom'), familyName: 'Familytom' },
      ]);
      const warned = await ask(consumer, 'users?sort=shoeSize&fields=shoeSize', { version: '1.1' });
      expect(warned.status).toBe(200);
      expect(warned.json).toMatchObject({
        statusInfoSet: [{ imsx_codeMinor: 'invalid_selection_field' }, { imsx_codeMinor: 'invalid_sort_field' }],
      });
      for (const sort of [
        'enabledUser',
        'dateLastModified',
        'email',
        'metadata.stream',
        'primaryOrg.sourcedId',
        'sourcedId',
      ]) {
        const seen: string[] = [];
        for (let path: string | null = `users?limit=2&sort=${sort}&orderBy=desc`; path !== null; ) {
          const page = await ask(consumer, path);
          seen.push(...(lists.parse(page.json).users ?? []).map(({ sourcedId }) => String(sourcedId)));
          path = next(page);
        }
        expect([seen.length, new Set(seen).size], sort).toEqual([6, 6]);
      }
    });
  });

  it('pages: links that are followed tell every record once whatever comes and goes; offsets work, and lead nowhere beyond the end', async () => {
    const { consumer } = await make();
    const { schoolId, sisId: systemId } = consumer;
    const put = (sourceId: string) =>
      putRosterRow(database, 'roster_person', {
        schoolId,
        systemId,
        sourceId,
        family_name: sourceId,
        site_source_ids: ['north'],
      });
    for (let n = 10; n < 40; n++) await put(`s${n}`);
    const seen: string[] = [];
    let pages = 0;
    for (let path: string | null = 'students?limit=7&fields=sourcedId,familyName'; path !== null; pages++) {
      const page = await ask(consumer, path);
      expect(page.headers['x-total-count']).toBe('33');
      seen.push(...(lists.parse(page.json).users ?? []).map(({ familyName }) => String(familyName)));
      // Between the pages somebody before the place leaves and somebody comes: an offset would skip one.
      if (pages === 1) {
        await database.admin`update roster_person set gone_at = ${now} where system_id = ${systemId} and source_id = 's11'`;
        await put('a-new');
      }
      path = next(page);
    }
    expect(seen.length).toBe(33);
    expect(new Set(seen).size).toBe(33);
    expect(pages).toBe(5);
    const beyond = await ask(consumer, 'students?offset=1000&limit=7');
    expect(beyond.json).toEqual({ users: [] });
    expect([beyond.status, beyond.headers['x-total-count'], next(beyond)]).toEqual([200, '33', null]);
    expect(beyond.headers.link).toContain('rel="prev"');
    const huge = await ask(consumer, 'students?limit=1000000000');
    expect([huge.status, huge.records]).toEqual([200, 33]);
    expect(huge.headers.link).toContain('limit=10000');
    const second = await ids(consumer, 'students?limit=5&offset=5');
    expect(second).toEqual((await ids(consumer, 'students')).slice(5, 10));
    // A cursor of another consumer, or one that was made up, says nothing: the offset beside it counts.
    const other = await make();
    const foreign = next(await ask(other.consumer, 'students?limit=2'))?.match(/cursor=([^&]+)/)?.[1] ?? '';
    expect(await ids(consumer, `students?limit=5&offset=5&cursor=${foreign}`)).toEqual(second);
    expect(await ids(consumer, 'students?limit=5&offset=5&cursor=%7B%22a%22%3A1%7D')).toEqual(second);
    expect(foreign.length).toBeGreaterThan(50);
  });

  it('more than one piece of a page is read and told in one order', async () => {
    const { consumer } = await make();
    const { schoolId, sisId } = consumer;
    await database.admin`
      insert into roster_person (id, school_id, system_id, source_id, content_hash, first_seen_at, kind, kinds, family_name, site_source_ids, roles)
      select gen_random_uuid(), ${schoolId}, ${sisId}, 'many-' || n, n, ${testNow}, 'student', '{student}', 'Many' || n, '{north}', '{student|primary|north||}'
        from generate_series(1, 6000) n`;
    await database.admin`analyze roster_person`;
    const whole = await ids(consumer, 'students?limit=10000');
    expect(new Set(whole).size).toBe(6_003);
    const first = await ask(consumer, 'students?limit=5500&fields=sourcedId');
    const second = await ask(consumer, next(first) ?? '');
    expect([first.records, second.records, next(second)]).toEqual([5_500, 503, null]);
    expect(
      [...(lists.parse(first.json).users ?? []), ...(lists.parse(second.json).users ?? [])].map(
        (user) => user.sourcedId,
      ),
    ).toEqual(whole);
  });

  it('what has not changed is not sent again', async () => {
    const { consumer } = await make();
    const first = await ask(consumer, 'users');
    const etag = first.headers.etag ?? '';
    const again = await ask(consumer, 'users', { headers: { 'if-none-match': `"x", ${etag}` } });
    expect([again.status, again.text, again.headers.etag]).toEqual([304, '', etag]);
    expect((await ask(consumer, 'users?limit=2', { headers: { 'if-none-match': etag } })).status).toBe(200);
    await write(
      consumer,
      sql`update roster_person set phone = '1' where source_id = 'anna' and system_id = ${consumer.sisId}::uuid`,
    );
    const changed = await ask(consumer, 'users', { headers: { 'if-none-match': etag } });
    expect(changed.status).toBe(200);
    expect(changed.headers.etag).not.toBe(etag);
    const other = await make();
    expect((await ask(other.consumer, 'users', { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  describe('who pulls what changed', () => {
    const since = later(1);
    const delta = async (
      consumer: LiveConsumer,
      path: string,
      of: (name: string) => string,
      names: readonly string[],
    ) => {
      const found = await listed(
        consumer,
        `${path}?limit=1000&filter=${encodeURIComponent(`dateLastModified>'${since}'`)}`,
      );
      const nameOf = new Map(names.map((name) => [of(name), name]));
      return Object.fromEntries(
        found.map(({ sourcedId, status }) => [nameOf.get(String(sourcedId)) ?? sourcedId, status]),
      );
    };
    const names = [
      'anna',
      'bram',
      'cato',
      'tess',
      'tom',
      'gerd',
      'mn',
      'ms',
      'ls',
      'hn',
      'mn-anna',
      'mn-tess',
      'hn-anna',
      'ms-bram',
      'ms-tom',
      'ls-cato',
      'ls-tess',
    ];
    const at = sql`${later(5)}::timestamptz`;

    it('is told of changes and of deletions, these by id alone, and only there', async () => {
      const { consumer, of } = await make();
      expect(await delta(consumer, 'users', of, names)).toEqual({});
      await write(
        consumer,
        sql`update roster_person set gone_at = ${at}, changed_at = ${at} where id = ${of('cato')}::uuid`,
        sql`update roster_person set phone = '1', changed_at = ${at} where id = ${of('tom')}::uuid`,
        sql`update roster_group set gone_at = ${at}, changed_at = ${at} where id = ${of('mn')}::uuid`,
      );
      expect(await delta(consumer, 'users', of, names)).toEqual({ cato: 'tobedeleted', tom: 'active' });
      expect(await delta(consumer, 'students', of, names)).toEqual({ cato: 'tobedeleted' });
      expect(await delta(consumer, 'teachers', of, names)).toEqual({ tom: 'active' });
      expect(await delta(consumer, 'classes', of, names)).toEqual({ mn: 'tobedeleted' });
      expect(await delta(consumer, 'enrollments', of, names)).toEqual({
        'mn-anna': 'tobedeleted',
        'mn-tess': 'tobedeleted',
        'ls-cato': 'tobedeleted',
        'ms-tom': 'active',
      });
      expect(await listed(consumer, `users${filtered("status='tobedeleted'")}`)).toEqual([
        { sourcedId: of('cato'), status: 'tobedeleted', dateLastModified: later(5) },
      ]);
      expect(await ids(consumer, `users${filtered(`status='tobedeleted' AND familyName~'family'`)}`)).toEqual([]);
      expect(await ids(consumer, 'students')).not.toContain(of('cato'));
      expect(await ids(consumer, `schools/${of('south')}/students${filtered("status='tobedeleted'")}`)).toEqual([]);
      expect((await ask(consumer, `users/${of('cato')}`)).json).toEqual({
        user: { sourcedId: of('cato'), status: 'tobedeleted', dateLastModified: later(5) },
      });
      const paged = await ask(
        consumer,
        `enrollments?limit=2&sort=dateLastModified&filter=${encodeURIComponent(`dateLastModified>'${since}'`)}`,
      );
      expect([paged.records, paged.headers['x-total-count']]).toEqual([2, '4']);
      const more = await ask(consumer, next(paged) ?? '');
      expect([more.records, next(more)]).toEqual([2, null]);
    });

    it('is told of what left the sharing rule, and of nothing that was never in it', async () => {
      const { consumer, of } = await make({ sharingRule: { sites: [], streams: ['havo'], subjects: [], groups: [] } });
      const { schoolId, sisId } = consumer;
      expect((await ids(consumer, 'classes')).sort()).toEqual([of('mn'), of('hn')].sort());
      await write(
        consumer,
        // A group out of the rule is gone, and so is who was in it alone.
        sql`update roster_group set gone_at = ${at}, changed_at = ${at} where id = ${of('ls')}::uuid`,
        sql`update roster_person set gone_at = ${at}, changed_at = ${at} where id = ${of('cato')}::uuid`,
        // A group of the rule is filed under another stream.
        sql`update roster_group set stream_source_id = 'vwo', changed_at = ${at} where id = ${of('mn')}::uuid`,
        sql`insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, fields, before, after, at)
            values (${schoolId}::uuid, ${sisId}::uuid, ${newId()}::uuid, 'groups', 'updated', ${of('mn')}::uuid, '{stream_source_id}',
                    '{"stream_source_id": "havo"}', '{"stream_source_id": "vwo"}', ${at})`,
      );
      expect(await delta(consumer, 'classes', of, names)).toEqual({ mn: 'tobedeleted' });
      expect(await delta(consumer, 'users', of, names)).toEqual({ tess: 'tobedeleted' });
      expect(await delta(consumer, 'enrollments', of, names)).toEqual({
        'mn-anna': 'tobedeleted',
        'mn-tess': 'tobedeleted',
      });
      // Who comes into a group of the rule comes into the grant, however old his own row is.
      await putRosterRow(database, 'roster_enrolment', {
        schoolId,
        systemId: sisId,
        sourceId: 'hn-bram',
        group_id: of('hn'),
        person_id: of('bram'),
        role: 'student',
        changed_at: later(5),
      });
      await write(consumer, sql`update roster_site set name = name where system_id = ${sisId}::uuid`);
      expect(await delta(consumer, 'users', of, names)).toEqual({ tess: 'tobedeleted', bram: 'active' });
    });

    it('is told of whom the school withholds from now on, if he could be seen', async () => {
      const all = await make();
      const administrator = await makePerson(database);
      await giveRole(database, administrator, 'school-administrator', all.consumer.schoolId);
      const seen = await make({ scopes: ['roster.groups', 'roster.teachers'] });
      const other = await makePerson(database);
      await giveRole(database, other, 'school-administrator', seen.consumer.schoolId);
      for (const [who, { consumer, of }] of [
        [administrator, all],
        [other, seen],
      ] as const) {
        const ctx = await contextFor(database, who, { clock: fixedClock(later(5)) });
        await withholdPerson({ ctx, input: { schoolId: consumer.schoolId, personId: of('anna'), reason: 'asked' } });
      }
      expect(await delta(all.consumer, 'students', all.of, names)).toEqual({ anna: 'tobedeleted' });
      expect(await delta(all.consumer, 'enrollments', all.of, names)).toMatchObject({
        'mn-anna': 'tobedeleted',
        'hn-anna': 'tobedeleted',
      });
      expect(await delta(all.consumer, 'demographics', all.of, names)).toEqual({ anna: 'tobedeleted' });
      expect((await ask(all.consumer, `users/${all.of('anna')}`)).json).toMatchObject({
        user: { status: 'tobedeleted' },
      });
      expect(await ids(all.consumer, 'students')).not.toContain(all.of('anna'));
      expect(await delta(seen.consumer, 'users', seen.of, names)).toEqual({});
      expect((await ask(seen.consumer, `users/${seen.of('anna')}`)).status).toBe(404);
    });

    it('is told of what a narrower grant took away, and everything counts as changed with a new one', async () => {
      const { consumer, of } = await make();
      const { connectionId, grantId } = consumer;
      await database.admin`update "grant" set valid_from = ${later(-60)}, ended_at = ${later(3)} where id = ${grantId}`;
      const narrower = newId();
      await database.admin`
        insert into "grant" (id, school_id, connection_id, request_id, scopes, without_fields, sharing_rule, purpose, valid_from, valid_until, granted_by)
        select ${narrower}, school_id, connection_id, request_id, array_remove(scopes, 'roster.teachers'), '{}', ${database.admin.json({ sites: [], streams: ['havo'], subjects: [], groups: [] })},
               purpose, ${later(3)}, valid_until, granted_by from "grant" where id = ${grantId}`;
      await database.admin`update access_token set grant_id = ${narrower} where connection_id = ${connectionId}`;
      expect(await delta(consumer, 'users', of, names)).toEqual({
        anna: 'active',
        gerd: 'active',
        bram: 'tobedeleted',
        cato: 'tobedeleted',
        tess: 'tobedeleted',
        tom: 'tobedeleted',
      });
      expect(await delta(consumer, 'classes', of, names)).toEqual({
        mn: 'active',
        hn: 'active',
        ms: 'tobedeleted',
        ls: 'tobedeleted',
      });
    });
  });

  it('a call that may not be answered: no token, another scope, another school’s ids, no such endpoint', async () => {
    const { consumer } = await make();
    const other = await make();
    await expect(ask({ token: 'made-up' }, 'users')).rejects.toMatchObject({ code: 'token-refused' });
    for (const name of ['north', 'anna', 'mn', 'mn-anna', 'maths', 'autumn']) {
      const id = other.of(name);
      for (const collection of [
        'orgs',
        'users',
        'classes',
        'enrollments',
        'courses',
        'academicSessions',
        'demographics',
      ]) {
        expect((await ask(consumer, `${collection}/${id}`)).status).toBe(404);
      }
      for (const path of [
        `schools/${id}/classes`,
        `classes/${id}/students`,
        `terms/${id}/classes`,
        `users/${id}/classes`,
        `schools/${other.of('north')}/classes/${id}/students`,
      ]) {
        expect((await ask(consumer, path)).status, path).toBe(404);
      }
    }
    for (const path of [
      'users/not-an-id',
      "users/x'%20or%20true",
      'resources',
      'classes/x/lineItems',
      'constructor',
      'users/%00',
    ]) {
      const answer = await ask(consumer, path);
      expect([answer.status, JSON.stringify(answer.json).includes('unknownobject')], path).toEqual([404, true]);
    }
    const core = await make({ wireScopes: [scopeOf('v1p2', 'roster-core.readonly')] });
    expect((await ask(core.consumer, 'users')).status).toBe(200);
    for (const path of [`classes/${core.of('mn')}/students`, 'demographics']) {
      const answer = await ask(core.consumer, path);
      expect(answer.status).toBe(403);
      expect(answer.text).toContain('forbidden');
    }
    expect((await ask(core.consumer, 'users', { version: '1.1' })).status).toBe(403);
    await database.admin`update connection set state = 'paused' where id = ${core.consumer.connectionId}`;
    await expect(ask(core.consumer, 'users')).rejects.toMatchObject({ code: 'token-refused' });
  });

  it('calls are counted in windows, for each client alone, and refused beyond them', async () => {
    const { consumer } = await make();
    const { consumerClientId, schoolId } = consumer;
    now = '2026-03-02T09:20:30.000Z';
    const first = await ask(consumer, 'orgs');
    expect(first.headers).toMatchObject({
      'x-ratelimit-limit': String(callsPerWindow),
      'x-ratelimit-remaining': String(callsPerWindow - 1),
      'x-ratelimit-reset': String(Date.parse('2026-03-02T09:21:00Z') / 1_000),
    });
    await write(consumer, sql`select 1`);
    await database.admin`update provider_allowance set calls = ${callsPerWindow} where consumer_client_id = ${consumerClientId} and school_id = ${schoolId}`;
    const refused = await ask(consumer, 'orgs');
    expect([refused.status, refused.headers['retry-after'], refused.headers['x-ratelimit-remaining']]).toEqual([
      429,
      '30',
      '0',
    ]);
    expect(refused.text).toContain('server_busy');
    expect((await ask((await make()).consumer, 'orgs')).status).toBe(200);
    now = '2026-03-02T09:21:00.000Z';
    expect((await ask(consumer, 'orgs')).status).toBe(200);
  });

  it('keeps what was asked, never about whom, and when data was last received', async () => {
    const { consumer, of } = await make();
    const { schoolId, connectionId } = consumer;
    await ask(consumer, `users/${of('anna')}`);
    await ask(consumer, `students?limit=2&anna=bram&filter=${encodeURIComponent("email='anna@secret.example'")}`);
    await ask(consumer, `classes/${of('mn')}/students?sort=familyName`);
    await ask(consumer, 'resources/Familyanna');
    await ask(consumer, "users?filter=Givenanna='x'");
    const approver = await makePerson(database);
    await giveRole(database, approver, 'approver', schoolId);
    const ctx = await contextFor(database, approver);
    const { rows, next: more } = await listProviderRequests({ ctx, input: { schoolId, connectionId } });
    const base = basePaths['1.2'];
    expect(more).toBeNull();
    expect(rows.map(({ path, status, records, parameters }) => [path, status, records, parameters])).toEqual([
      [`${base}/users`, 400, 0, ['filter']],
      [`${base}/{unknown}`, 404, 0, []],
      [`${base}/classes/{id}/students`, 200, 1, ['sort']],
      [`${base}/students`, 200, 1, ['limit', 'filter:email']],
      [`${base}/users/{id}`, 200, 1, []],
    ]);
    const kept = JSON.stringify(rows).toLowerCase();
    for (const word of ['anna', of('anna'), 'bram']) expect(kept).not.toContain(word);
    expect(rows.every(({ bytes, ms }) => bytes > 0 && ms >= 0)).toBe(true);
    const [edge] = await database.admin`select last_received_at from connection where id = ${connectionId}`;
    expect(new Date(String(edge?.last_received_at)).toISOString()).toBe(now);
    const stranger = await make();
    await expect(
      listProviderRequests({
        ctx,
        input: { schoolId: stranger.consumer.schoolId, connectionId: stranger.consumer.connectionId },
      }),
    ).rejects.toMatchObject({ code: 'forbidden' });
  });
});
