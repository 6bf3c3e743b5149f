import { describe, expect, it } from 'vitest';
import { endpointOf, endpointPatterns } from './endpoints.ts';
import { isSelectable } from './fields.ts';
import { isAllowed } from './versions.ts';
import { jsonOf, type UserRow, userTexts, Writer } from './wire.ts';

/** An object as it goes over the wire. */
const sent = (object: Record<string, unknown> | string): Record<string, unknown> => JSON.parse(jsonOf(object, null));

const head = { id: 'u1', status: 'active', modifiedAt: '2026-03-01T10:00:00.000Z' } as const;
const user: UserRow = {
  belonging: {
    roles: [
      { role: 'student', isPrimary: true, orgId: 'o1', beginsOn: '2025-08-01', endsOn: null },
      { role: 'student', isPrimary: false, orgId: 'o2', beginsOn: null, endsOn: null },
    ],
    kind: 'student',
    primaryOrgId: 'o2',
  },
  members: ',"givenName":"Anna","familyName":"Vries","enabledUser":"true","grades":["10"]',
  userIds: ['LDAP:anna', ':plain'],
  agentIds: ['g1'],
  stream: { id: 's1', code: 'H4', name: 'havo 4', programme: 'havo', level: null, year: '4' },
};

describe('an object of OneRoster', () => {
  const [v11, v12] = [new Writer('1.1', 'https://x/v1p1'), new Writer('1.2', 'https://x/v1p2')];

  it('user: roles per org in 1.2, one role and orgs in 1.1', () => {
    const common = {
      sourcedId: 'u1',
      status: 'active',
      dateLastModified: '2026-03-01T10:00:00.000Z',
      metadata: { streamId: 's1', stream: 'H4', streamName: 'havo 4', programme: 'havo', year: '4' },
      userIds: [
        { type: 'LDAP', identifier: 'anna' },
        { type: '', identifier: 'plain' },
      ],
      enabledUser: 'true',
      givenName: 'Anna',
      familyName: 'Vries',
      grades: ['10'],
    };
    const ref = (base: string, id: string) => ({ href: `https://x/${base}/orgs/${id}`, sourcedId: id, type: 'org' });
    expect(sent(v12.user(head, user))).toEqual({
      ...common,
      roles: [
        { roleType: 'primary', role: 'student', org: ref('v1p2', 'o1'), beginDate: '2025-08-01' },
        { roleType: 'secondary', role: 'student', org: ref('v1p2', 'o2') },
      ],
      primaryOrg: ref('v1p2', 'o2'),
      agents: [{ href: 'https://x/v1p2/users/g1', sourcedId: 'g1', type: 'user' }],
    });
    expect(sent(v11.user(head, user))).toEqual({
      ...common,
      role: 'student',
      orgs: [ref('v1p1', 'o2'), ref('v1p1', 'o1')],
      agents: [{ href: 'https://x/v1p1/users/g1', sourcedId: 'g1', type: 'user' }],
    });
    expect(
      sent(v11.user(head, { ...user, belonging: { roles: [], kind: 'student', primaryOrgId: null } })),
    ).toMatchObject({
      role: 'student',
      orgs: [],
    });
  });

  it('class: course, school, terms and its stream as metadata', () => {
    const row = {
      title: 'Maths 4a',
      classCode: 'ma4a',
      isHomeroom: false,
      grades: [],
      subjects: ['Maths'],
      courseId: 'c1',
      schoolId: 'o1',
      termIds: ['t1', 't2'],
      stream: null,
    };
    expect(v12.class(head, row)).toEqual({
      sourcedId: 'u1',
      status: 'active',
      dateLastModified: head.modifiedAt,
      title: 'Maths 4a',
      classCode: 'ma4a',
      classType: 'scheduled',
      grades: [],
      subjects: ['Maths'],
      course: { href: 'https://x/v1p2/courses/c1', sourcedId: 'c1', type: 'course' },
      school: { href: 'https://x/v1p2/orgs/o1', sourcedId: 'o1', type: 'org' },
      terms: ['t1', 't2'].map((id) => ({
        href: `https://x/v1p2/academicSessions/${id}`,
        sourcedId: id,
        type: 'academicSession',
      })),
    });
    expect(sent(v12.class(head, { ...row, isHomeroom: true, courseId: null, schoolId: null }))).not.toHaveProperty(
      'course',
    );
  });

  it('org, session, course, enrolment and demographics: booleans as text, what is not known left out', () => {
    expect(
      v12.org(head, { name: 'North', type: 'school', identifier: null, parentId: 'o0', childIds: [] }),
    ).toMatchObject({ identifier: '', parent: { sourcedId: 'o0', type: 'org' } });
    expect(
      v12.academicSession(head, {
        title: 'Autumn',
        type: 'term',
        startsOn: '2025-08-01',
        endsOn: '2026-02-01',
        schoolYear: null,
        parentId: null,
        childIds: ['t2'],
      }),
    ).toMatchObject({ schoolYear: '2026', children: [{ sourcedId: 't2' }] });
    expect(
      v12.course(head, {
        title: 'Maths',
        courseCode: null,
        grades: ['10'],
        subjects: [],
        subjectCodes: [],
        orgId: null,
        schoolYearId: null,
      }),
    ).toMatchObject({ title: 'Maths', courseCode: '' });
    expect(
      v12.enrollment(head, {
        userId: 'u',
        classId: 'c',
        schoolId: null,
        role: 'teacher',
        isPrimary: true,
        beginsOn: null,
        endsOn: '2026-07-31',
      }),
    ).toMatchObject({ primary: 'true', endDate: '2026-07-31', class: { type: 'class' }, user: { type: 'user' } });
    const about = {
      birthDate: '2010-01-01',
      sex: 'other',
      races: ['asian'],
      countryOfBirth: null,
      stateOfBirth: null,
      cityOfBirth: null,
      publicSchoolResidence: null,
    };
    expect(v12.demographics(head, about)).toMatchObject({ birthDate: '2010-01-01', sex: 'other', asian: 'true' });
    expect(sent(v11.demographics(head, about))).not.toHaveProperty('sex');
  });

  it('deleted: by its id alone, and of any object the fields that were asked for', () => {
    expect(v12.deleted({ ...head, status: 'tobedeleted' })).toEqual({
      sourcedId: 'u1',
      status: 'tobedeleted',
      dateLastModified: head.modifiedAt,
    });
    expect(JSON.parse(jsonOf(v12.user(head, user), ['givenName', 'email', 'sourcedId']))).toEqual({
      givenName: 'Anna',
      sourcedId: 'u1',
    });
    expect(jsonOf(v12.deleted(head), ['status', 'name'])).toBe('{"status":"active"}');
    for (const version of ['1.1', '1.2'] as const) {
      const told = Object.keys(sent(new Writer(version, '').user(head, user)));
      for (const name of [...told, ...userTexts[version].map((text) => text.name)]) {
        expect(isSelectable('user', version, name), name).toBe(true);
      }
    }
  });
});

describe('the endpoints', () => {
  it('are the standard’s', () => {
    expect(endpointPatterns).toHaveLength(41);
    for (const pattern of endpointPatterns) {
      const segments = pattern.slice(1).replaceAll('{id}', 'x').split('/');
      expect(endpointOf(segments), pattern).toMatchObject({ pattern });
    }
    expect(endpointOf(['schools', 's', 'classes', 'c', 'students'])).toMatchObject({
      object: 'user',
      part: 'student',
      parents: ['school', 'class'],
      parentIds: ['s', 'c'],
      envelope: 'users',
      scope: 'nested',
    });
    expect(endpointOf(['demographics', 'u'])).toMatchObject({
      id: 'u',
      envelope: 'demographics',
      scope: 'demographics',
    });
    for (const path of [
      '',
      'classes/c/enrollments',
      'users/u/resources',
      'schools',
      'toString',
      'classes/c/students/s',
      'lineItems',
    ]) {
      const found = endpointOf(path.split('/'));
      expect(found === null || path === 'schools', path).toBe(true);
    }
  });

  it('each ask for their scope, of their version', () => {
    const scope = (version: string, name: string) => `https://purl.imsglobal.org/spec/or/${version}/scope/${name}`;
    const core = [scope('v1p2', 'roster-core.readonly')];
    expect(isAllowed(core, '1.2', 'core')).toBe(true);
    expect(isAllowed(core, '1.2', 'nested')).toBe(false);
    expect(isAllowed(core, '1.1', 'core')).toBe(false);
    const full = [scope('v1p2', 'roster.readonly')];
    expect([
      isAllowed(full, '1.2', 'core'),
      isAllowed(full, '1.2', 'nested'),
      isAllowed(full, '1.2', 'demographics'),
    ]).toEqual([true, true, false]);
    expect(isAllowed([scope('v1p1', 'roster-demographics.readonly')], '1.1', 'demographics')).toBe(true);
    expect(isAllowed([], '1.2', 'core')).toBe(false);
  });
});
