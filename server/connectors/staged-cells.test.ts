import { describe, expect, it } from 'vitest';
import { type Fetched, type StagedRow, stagedCells } from './staged-cells.ts';
import { stagedColumns } from './staged-columns.ts';

const head = { modifiedAt: new Date('2026-11-01T10:00:00.000Z'), deleted: false };
const pupil: Fetched<'students'> = {
  ...head,
  sourceId: 'st-1',
  enabled: true,
  username: null,
  givenName: 'Noor',
  familyName: null,
  middleName: null,
  preferredGivenName: null,
  preferredFamilyName: null,
  pronouns: null,
  identifier: '4711',
  masterIdentifier: null,
  email: null,
  sms: null,
  phone: null,
  grades: ['10', '11'],
  userIds: ['LDAP:noor'],
  agentSourceIds: [],
  primarySiteSourceId: 'org-1',
  roles: [
    { role: 'student', roleType: 'primary', siteSourceId: 'org-1', beginsOn: '2026-08-01', endsOn: null },
    { role: 'student', roleType: 'secondary', siteSourceId: 'org-2', beginsOn: null, endsOn: null },
  ],
  stream: { code: null, name: null, programme: 'havo', level: null, year: '4', from: 'student-programme' },
};
const told = (row: StagedRow | undefined) =>
  row === undefined
    ? null
    : Object.fromEntries(
        stagedColumns[row.table].map((column, at) => [column, row.cells[at]]).filter(([, cell]) => cell),
      );

describe('a record as staged rows', () => {
  it('a person is one row, and one more for each role', () => {
    const rows = stagedCells('students', pupil);
    expect(rows.map(({ table, sourceId, status, modified }) => [table, sourceId, status, modified])).toEqual([
      ['people', 'st-1', 'active', '2026-11-01T10:00:00.000Z'],
      ['roles', 'st-1', 'active', '2026-11-01T10:00:00.000Z'],
      ['roles', 'st-1', 'active', '2026-11-01T10:00:00.000Z'],
    ]);
    expect(told(rows[0])).toEqual({
      enabled: 'true',
      given_name: 'Noor',
      identifier: '4711',
      grades: '10\u001f11\u001f',
      user_ids: 'LDAP:noor\u001f',
      primary_site_source_id: 'org-1',
      stream_programme: 'havo',
      stream_year: '4',
    });
    expect(told(rows[1])).toEqual({
      role: 'student',
      role_type: 'primary',
      site_source_id: 'org-1',
      begins_on: '2026-08-01',
    });
  });

  it('what is deleted says so, flags are words, what is not told is null', () => {
    const [row] = stagedCells('enrolments', {
      sourceId: 'en-1',
      modifiedAt: null,
      deleted: true,
      groupSourceId: 'cl-1',
      personSourceId: 'st-1',
      siteSourceId: null,
      role: 'student',
      isPrimary: false,
      beginsOn: '2026-08-01',
      endsOn: null,
    });
    expect(row).toEqual({
      table: 'enrolments',
      sourceId: 'en-1',
      status: 'tobedeleted',
      modified: null,
      cells: ['cl-1', 'st-1', null, 'student', 'false', '2026-08-01', null],
    });
  });

  it('every collection has as many cells as its table has columns', () => {
    const site = { ...head, sourceId: 'o', name: 'O', kind: 'school', identifier: null, parentSourceId: null };
    const group: Fetched<'groups'> = {
      ...head,
      sourceId: 'g',
      kind: 'class',
      title: 'G',
      code: null,
      grades: [],
      subjects: ['Biology'],
      subjectSourceId: null,
      siteSourceId: 'o',
      termSourceIds: ['t'],
      stream: null,
    };
    const demographics: Fetched<'demographics'> = {
      ...head,
      sourceId: 'st-1',
      birthDate: '2010-02-03',
      sex: null,
      races: ['asian'],
      countryOfBirth: null,
      stateOfBirth: null,
      cityOfBirth: null,
      publicSchoolResidence: null,
    };
    const rows = [
      ...stagedCells('sites', site),
      ...stagedCells('groups', group),
      ...stagedCells('demographics', demographics),
      ...stagedCells('guardians', pupil),
    ];
    for (const row of rows) expect(row.cells).toHaveLength(stagedColumns[row.table].length);
    expect(told(rows[1])).toMatchObject({ kind: 'class', subjects: 'Biology\u001f', term_source_ids: 't\u001f' });
    expect(told(rows[2])).toEqual({ birth_date: '2010-02-03', races: 'asian\u001f' });
  });
});
