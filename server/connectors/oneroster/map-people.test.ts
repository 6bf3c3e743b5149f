import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeviations } from '../exchange/deviations.ts';
import { demographicsOf, enrolmentOf, personOf, type WantedPeople } from './map-people.ts';

const now = new Date('2026-11-20T12:00:00Z');
const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8'));
const students: WantedPeople = { roles: ['student'], askedFor: 'student', before: [] };
const ofAll = (...roles: string[]): WantedPeople => ({ roles, askedFor: null, before: [] });
const person = (raw: unknown, wanted: WantedPeople = students) => {
  const deviations = createDeviations();
  return { ...personOf(raw, { deviations, now }, wanted), deviations: [...deviations.list()].sort() };
};
const base = { sourcedId: 'x', status: 'active', dateLastModified: '2026-01-01T00:00:00.000Z' };
const named = { ...base, givenName: 'A', familyName: 'B', enabledUser: 'true' };

describe('a user as a person', () => {
  it('by the book of 1.2: the role that was asked for alone, and no password', () => {
    const read = person(fixture('student'));
    expect(read).toEqual({
      deviations: [],
      record: {
        sourceId: 'st-1',
        modifiedAt: new Date('2026-09-03T21:04:00.000Z'),
        deleted: false,
        enabled: true,
        username: 'noor',
        givenName: 'Noor',
        familyName: 'Visser',
        middleName: 'van',
        preferredGivenName: 'Nora',
        preferredFamilyName: null,
        pronouns: 'she/her',
        identifier: '4711',
        masterIdentifier: 'm-1',
        email: 'noor@school.example',
        sms: '+31 6',
        phone: null,
        grades: ['10'],
        userIds: ['LDAP:noor.v', 'LTI:77'],
        agentSourceIds: ['gu-1'],
        primarySiteSourceId: 'org-2',
        roles: [{ role: 'student', roleType: 'primary', siteSourceId: 'org-2', beginsOn: '2026-08-01', endsOn: null }],
        stream: { code: null, name: null, programme: 'havo', level: null, year: '4', from: 'student-programme' },
      },
    });
    expect(JSON.stringify(read)).not.toContain('never-read');
  });

  it('as careless servers of 1.1 send one', () => {
    const read = person(fixture('student-careless'));
    expect(read).toMatchObject({
      record: {
        enabled: true,
        username: null,
        familyName: null,
        userIds: ['LDAP:noor', ':77'],
        agentSourceIds: [],
        grades: ['Tenth grade', 'Eleventh grade'],
        primarySiteSourceId: 'org-2',
        roles: [
          { role: 'student', roleType: 'primary', siteSourceId: 'org-2' },
          { role: 'student', roleType: 'secondary', siteSourceId: 'org-3' },
        ],
        stream: null,
      },
      deviations: [
        'boolean-as-number',
        'family-name-missing',
        'grades-in-words',
        'reference-as-text',
        'reference-without-href',
        'text-for-list',
        'user-id-without-type',
        'username-empty',
        'vocabulary-case',
      ],
    });
    expect(JSON.stringify(read)).not.toContain('never-read');
  });

  it.each([
    ['text', { role: 'student' }],
    ['an object', { role: { role: 'student' } }],
    ['a list of texts', { role: ['aide', 'student'] }],
    ['a list', { roles: [{ role: 'student' }] }],
    ['one object', { roles: { role: 'student', org: { sourcedId: 'o', href: '/o' } } }],
  ])('whose role is %s', (_name, raw) => {
    expect(person({ ...named, ...raw })).toMatchObject({ record: { roles: [{ role: 'student' }] } });
  });

  it('of another role is cut, and said aloud where others were asked for', () => {
    const aide = { ...named, role: 'aide', orgs: [] };
    expect(person(aide)).toMatchObject({ cut: true, deviations: ['role-filter-ignored'] });
    expect(person(aide, ofAll('student'))).toEqual({ cut: true, deviations: [] });
  });

  it('without any role is what was asked for, or set aside where all were', () => {
    expect(person(named)).toMatchObject({ record: { roles: [{ role: 'student' }] }, deviations: ['role-missing'] });
    expect(person(named, ofAll('student'))).toMatchObject({
      setAside: { sourceId: 'x', field: 'role', reason: 'role-missing' },
    });
  });

  it('who is a parent and a guardian comes once', () => {
    const both = {
      ...named,
      roles: ['guardian', 'parent'].map((role) => ({ role, org: { sourcedId: 'o', href: '/' } })),
    };
    const wanted = { roles: ['guardian', 'parent', 'relative'] };
    expect(person(both, { ...wanted, askedFor: 'guardian', before: [] })).toMatchObject({
      record: { roles: [{ role: 'guardian' }, { role: 'parent' }] },
    });
    expect(person(both, { ...wanted, askedFor: 'parent', before: ['guardian'] })).toMatchObject({ cut: true });
  });

  it('with one name is read, without any is set aside', () => {
    const student = { ...base, role: 'student', enabledUser: 'true' };
    expect(person({ ...student, familyName: 'B' })).toMatchObject({
      record: { givenName: null, familyName: 'B' },
      deviations: ['given-name-missing'],
    });
    expect(person(student)).toMatchObject({ setAside: { sourceId: 'x', reason: 'name-missing' } });
  });

  it('who is deleted is told by id alone', () => {
    const gone = person({ ...named, status: 'tobedeleted', role: 'student', email: 'a@b.example', grades: ['09'] });
    expect(gone).toMatchObject({ record: { sourceId: 'x', deleted: true, givenName: null, email: null, roles: [] } });
    expect(JSON.stringify(gone)).not.toMatch(/"A"|a@b/);
    expect(person({ ...base, status: 'tobedeleted' })).toMatchObject({ record: { deleted: true } });
  });

  it('has a stream only as a student', () => {
    const grade = { ...named, roles: [{ role: 'teacher', org: { sourcedId: 'o', href: '/' } }], grades: ['09'] };
    expect(person(grade, { ...ofAll('teacher') })).toMatchObject({ record: { grades: ['09'], stream: null } });
    expect(person({ ...named, role: 'student', grades: ['09'] })).toMatchObject({
      record: { stream: { year: '09', from: 'student-grades' } },
    });
  });
});

describe('an enrolment', () => {
  const enrolment = (raw: object, roles: readonly string[] = ['student', 'teacher']) => {
    const deviations = createDeviations();
    return enrolmentOf({ ...base, ...raw }, { deviations, now }, { roles, askedFor: null });
  };
  const ref = (sourcedId: string) => ({ sourcedId, href: `/${sourcedId}` });
  const whole = { user: ref('st-1'), class: ref('cl-1'), school: ref('org-1'), role: 'Student', primary: 'false' };

  it('is read', () => {
    expect(enrolment({ ...whole, beginDate: '2026-08-01', endDate: '2027-07-31T00:00:00Z' })).toMatchObject({
      record: {
        groupSourceId: 'cl-1',
        personSourceId: 'st-1',
        siteSourceId: 'org-1',
        role: 'student',
        isPrimary: false,
        beginsOn: '2026-08-01',
        endsOn: '2027-07-31',
      },
    });
  });

  it('of a role that is not granted is cut', () => {
    expect(enrolment({ ...whole, role: 'proctor' })).toEqual({ cut: true });
    expect(enrolment(whole, ['teacher'])).toEqual({ cut: true });
  });

  it.each([
    [{ ...whole, user: null }, 'person-missing'],
    [{ ...whole, class: {} }, 'group-missing'],
    [{ ...whole, role: '' }, 'role-missing'],
    [{ ...whole, beginDate: '2026-08-01', endDate: '2026-01-01' }, 'dates-reversed'],
  ])('that cannot be read is set aside: %#', (raw, reason) => {
    expect(enrolment(raw)).toMatchObject({ setAside: { sourceId: 'x', reason } });
  });

  it('that is deleted needs nothing but its id', () => {
    expect(enrolment({ status: 'tobedeleted' })).toMatchObject({ record: { deleted: true, role: null } });
  });
});

it('demographics: the flags that are true, in the words of the standard; of deleted ones nothing', () => {
  const raw = {
    ...base,
    birthDate: '2010-02-03',
    sex: 'Female',
    asian: 'true',
    white: false,
    hispanicOrLatinoEthnicity: 1,
    countryOfBirthCode: 'NL',
  };
  const read = (value: object) => demographicsOf(value, { deviations: createDeviations(), now });
  expect(read(raw)).toMatchObject({
    record: {
      sourceId: 'x',
      birthDate: '2010-02-03',
      sex: 'female',
      races: ['asian', 'hispanicOrLatinoEthnicity'],
      countryOfBirth: 'NL',
      cityOfBirth: null,
    },
  });
  expect(read({ ...raw, birthDate: '03-02-2010' })).toMatchObject({ record: { birthDate: null } });
  expect(read({ ...raw, status: 'tobedeleted' })).toMatchObject({
    record: { deleted: true, birthDate: null, sex: null, races: [], countryOfBirth: null },
  });
});

describe('any value at all', () => {
  const fields = [
    'sourcedId',
    'status',
    'dateLastModified',
    'role',
    'roles',
    'orgs',
    'org',
    'givenName',
    'familyName',
    'enabledUser',
    'username',
    'userIds',
    'agents',
    'grades',
    'primaryOrg',
    'metadata',
    'user',
    'class',
    'school',
    'primary',
    'beginDate',
    'endDate',
    'birthDate',
    'sex',
    'asian',
    'password',
    '__proto__',
    'constructor',
  ];
  const leaf = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('student', 'teacher', 'true', 'active', 'tobedeleted', '2026-08-01', '__proto__'),
    fc.record({ role: fc.constantFrom('student', 'Teacher', ''), org: fc.jsonValue(), beginDate: fc.string() }),
    fc.array(fc.record({ sourcedId: fc.string(), type: fc.jsonValue(), identifier: fc.jsonValue() })),
    fc.string(),
  );
  const anyRecord = fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), leaf);
  it.each([
    ['person', personOf],
    ['enrolment', enrolmentOf],
    ['demographics', demographicsOf],
  ] as const)('gives one %s, one reason or nothing, the same every time, in clean text', (_name, map) => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), anyRecord), fc.boolean(), (raw, filtered) => {
        const wanted = { roles: ['student'], askedFor: filtered ? 'student' : null, before: ['parent'] };
        const outcome = map(raw, { deviations: createDeviations(), now }, wanted);
        expect(map(raw, { deviations: createDeviations(), now }, wanted)).toEqual(outcome);
        if (!('record' in outcome)) return;
        const { record } = outcome;
        expect(record.sourceId.trim()).not.toBe('');
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
        expect(JSON.stringify(Object.values(record))).not.toMatch(/\\u00[01][0-9a-f]|[\u0000-\u001f]/);
        if ('roles' in record) expect(record.roles.every(({ role }) => role === 'student')).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
