import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { strToU8, type Zippable, zipSync } from 'fflate';
import { afterAll, describe, expect, test } from 'vitest';
import { stagedColumns } from '#server/connectors/staged-columns.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import type { CsvTable } from './files.ts';
import { createIdSet } from './id-set.ts';
import { type OneRosterPackage, openPackage, type Wanted } from './open-package.ts';
import { defaultZipLimits, type ZipLimits } from './zip-members.ts';

const folder = mkdtempSync(join(tmpdir(), 'crosswalk-oneroster-csv-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let written = 0;

function write(bytes: Uint8Array): string {
  written += 1;
  const path = join(folder, `${written}.zip`);
  writeFileSync(path, bytes);
  return path;
}

const zipped = (files: Readonly<Record<string, string | Uint8Array>>) =>
  write(
    zipSync(
      Object.fromEntries(
        Object.entries(files).map(([name, content]): [string, Zippable[string]] => [
          name,
          typeof content === 'string' ? strToU8(content) : content,
        ]),
      ),
    ),
  );

const names = ['academicSessions', 'classes', 'courses', 'demographics', 'enrollments', 'orgs', 'roles', 'users'];
function manifest(version: string, modes: Readonly<Record<string, string>>): string {
  const lines = names.map((name) => `file.${name},${modes[name] ?? 'absent'}`);
  return ['propertyName,value', 'manifest.version,1.0', `oneroster.version,${version}`, ...lines, ''].join('\r\n');
}

const headers = {
  orgs: 'sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId',
  academicSessions: 'sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear',
  courses:
    'sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes',
  classes:
    'sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods',
  users12:
    'sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns',
  users11:
    'sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password',
  roles:
    'sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId',
  enrollments:
    'sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate',
  demographics:
    'sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus',
};
const file = (header: string, ...rows: string[]) => [header, ...rows, ''].join('\r\n');

const school12 = {
  'manifest.csv': manifest('1.2', {
    academicSessions: 'bulk',
    classes: 'bulk',
    courses: 'bulk',
    demographics: 'bulk',
    enrollments: 'bulk',
    orgs: 'bulk',
    roles: 'bulk',
    users: 'bulk',
  }),
  'orgs.csv': file(headers.orgs, 'o1,,,Birch School,school,B1,'),
  'academicSessions.csv': file(headers.academicSessions, 't1,,,Autumn,term,2026-08-01,2027-02-01,,2027'),
  'courses.csv': file(`${headers.courses},metadata.programme`, 'c1,,,,Maths,MA,"09,10",o1,mathematics,,havo'),
  'classes.csv': file(
    `${headers.classes},metadata.streamCode,metadata.Level`,
    'k1,,,Maths A,10,c1,MA-A,scheduled,,o1,"t1,t2",,,1,H4-NT,',
    'k2,,,Class 4A,10,c1,,Homeroom,,o1,t1,,,,,profile',
  ),
  'users.csv': file(
    headers.users12,
    's1,,,true,ada,{LDAP:ada},Ada,Lovelace,,S1,ada@birch.example,,,g1,10,pa55word,,,,,o1,she',
    'a1,,,true,root,,Ann,Administrator,,,ann@birch.example,,,,,pa55word,,,,,o1,',
    'p1,,,true,,,Tom,Teacher,,,,,,,,,,Tommy,,,o1,',
  ),
  'roles.csv': file(
    headers.roles,
    'r1,,,s1,primary,student,2026-08-01,,o1,',
    'r2,,,a1,primary,districtAdministrator,,,o1,',
    'r3,,,p1,primary,Teacher,,,o1,',
  ),
  'enrollments.csv': file(
    headers.enrollments,
    'e1,,,k1,o1,s1,student,false,,',
    'e2,,,k1,o1,p1,teacher,true,2026-08-01,2027-02-01',
    'e3,,,k1,o1,a1,administrator,,,',
  ),
  'demographics.csv': file(
    headers.demographics,
    's1,,,2010-01-02,female,false,true,,,true,,false,NL,,Utrecht,',
    'a1,,,1970-01-01,female,,,,,,,,,,,',
  ),
};

const school11 = {
  ...school12,
  'manifest.csv': school12['manifest.csv'].replace('1.2', '1.1').replace('file.roles,bulk\r\n', ''),
  'users.csv': file(
    headers.users11,
    's1,,,true,"o1,o2",student,ada,,Ada,Lovelace,,S1,ada@birch.example,,,g1,10,pa55word',
    'a1,,,true,o1,administrator,root,,Ann,Administrator,,,ann@birch.example,,,,,pa55word',
  ),
};
const { 'roles.csv': _, ...school11Files } = school11;

async function collect<T extends CsvTable>(opened: OneRosterPackage, table: T, wanted: Wanted[T]) {
  const read = opened.read(table, wanted);
  const blocks: Buffer[] = [];
  for await (const { copy } of read) blocks.push(copy);
  const cells: string[][] = parse(Buffer.concat(blocks), { record_delimiter: '\n' });
  const columns = ['line', 'source_id', 'status', 'modified', ...stagedColumns[table]];
  const rows = cells.map((row) =>
    Object.fromEntries(
      row.map((cell, index) => [columns[index] ?? `#${index}`, cell] as const).filter(([, cell]) => cell !== ''),
    ),
  );
  return { rows, facts: read.facts(), text: Buffer.concat(blocks).toString('utf8') };
}

async function opened<R>(
  files: Readonly<Record<string, string | Uint8Array>> | string,
  use: (opened: OneRosterPackage) => R | Promise<R>,
  limits?: ZipLimits,
): Promise<R> {
  await using pack = await openPackage(typeof files === 'string' ? files : zipped(files), limits);
  return await use(pack);
}

/** The code with which opening is refused, and the place that it names. */
async function refusal(files: Readonly<Record<string, string | Uint8Array>> | string, limits?: ZipLimits) {
  const error = await opened(files, () => null, limits).catch((thrown: unknown) => thrown);
  return isCrosswalkError(error) ? { code: error.code, ...error.details } : error;
}

const roles = ['student', 'teacher'];
const deviationsOf = (pack: OneRosterPackage) =>
  pack.deviations.map(({ key, file: name, column }) => [key, name, column].filter((part) => part !== null).join(' '));

describe('a whole package of 1.2', () => {
  test('has nothing to say against it', () =>
    opened(school12, ({ version, deviations, problems, files }) => {
      expect({ version, deviations, problems }).toEqual({ version: '1.2', deviations: [], problems: [] });
      expect(files).toHaveLength(8);
      for (const one of files) expect(one).toMatchObject({ declared: 'bulk', state: 'readable', mode: 'bulk' });
    }));

  test('sites, terms, subjects, groups come as staged columns', () =>
    opened(school12, async (pack) => {
      const sites = await collect(pack, 'sites', {});
      expect(sites.rows).toEqual([
        { line: '2', source_id: 'o1', name: 'Birch School', kind: 'school', identifier: 'B1' },
      ]);
      expect(sites.facts).toMatchObject({ rows: 1, filtered: 0, setAside: 0, mode: 'bulk', complete: true });
      expect((await collect(pack, 'terms', {})).rows).toEqual([
        {
          line: '2',
          source_id: 't1',
          name: 'Autumn',
          kind: 'term',
          starts_on: '2026-08-01',
          ends_on: '2027-02-01',
          school_year: '2027',
        },
      ]);
      expect((await collect(pack, 'subjects', {})).rows).toMatchObject([
        { title: 'Maths', course_code: 'MA', grades: '09,10', site_source_id: 'o1', stream_programme: 'havo' },
      ]);
      expect((await collect(pack, 'groups', {})).rows).toEqual([
        {
          line: '2',
          source_id: 'k1',
          kind: 'group',
          title: 'Maths A',
          code: 'MA-A',
          grades: '10',
          subject_source_id: 'c1',
          site_source_id: 'o1',
          term_source_ids: 't1,t2',
          stream_code: 'H4-NT',
        },
        {
          line: '3',
          source_id: 'k2',
          kind: 'class',
          title: 'Class 4A',
          grades: '10',
          subject_source_id: 'c1',
          site_source_id: 'o1',
          term_source_ids: 't1',
          stream_level: 'profile',
        },
      ]);
    }));

  test('people come if roles.csv gives them a wanted role, and never with a password', () =>
    opened(school12, async (pack) => {
      const { rows, facts, text } = await collect(pack, 'people', { roles });
      expect(rows.map((row) => row.source_id)).toEqual(['s1', 'p1']);
      expect(rows[0]).toMatchObject({
        given_name: 'Ada',
        family_name: 'Lovelace',
        user_ids: '{LDAP:ada}',
        agent_source_ids: 'g1',
        primary_site_source_id: 'o1',
      });
      expect(rows[1]).toMatchObject({ preferred_given_name: 'Tommy' });
      expect(text).not.toMatch(/pa55word|ann@/);
      expect(facts).toMatchObject({ rows: 2, filtered: 1, complete: true });
      expect((await collect(pack, 'roles', { roles })).rows).toEqual([
        {
          line: '2',
          source_id: 's1',
          role: 'student',
          role_type: 'primary',
          site_source_id: 'o1',
          begins_on: '2026-08-01',
        },
        { line: '4', source_id: 'p1', role: 'Teacher', role_type: 'primary', site_source_id: 'o1' },
      ]);
    }));

  test('people come with the roles that were gathered, and roles that cannot be gathered are read for themselves', async () => {
    await opened(school12, async (pack) => {
      expect(await pack.gatherRoles(roles)).toMatchObject({ rows: 2, filtered: 1, complete: true });
      const { rows, facts } = await collect(pack, 'people', { roles, withRoles: true });
      const cell = `#${4 + stagedColumns.people.length}`;
      expect(rows.map((row) => [row.source_id, row[cell]])).toEqual([
        ['s1', 'student|primary|o1|2026-08-01|\u001f'],
        ['p1', 'teacher|primary|o1||\u001f'],
      ]);
      expect(facts).toMatchObject({ rows: 2, filtered: 1, complete: true });
    });
    await opened(school11Files, async (pack) => expect(await pack.gatherRoles(roles)).toBeNull());
    const told = file(headers.roles, 'r1,active,2026-08-01T00:00:00Z,s1,primary,student,,,o1,');
    await opened({ ...school12, 'roles.csv': told }, async (pack) => expect(await pack.gatherRoles(roles)).toBeNull());
  });

  test('roles of one person are told in one order, each once, whatever the order of the file', () =>
    opened(
      {
        ...school12,
        'roles.csv': file(
          headers.roles,
          'r1,,,s1,secondary,student,,,o2,',
          'r2,,,p1,primary,Teacher,,,o1,',
          'r3,,,s1,primary,student,,,"o,""1",',
          'r4,,,s1,secondary,student,,,o2,',
          'r5,,,p1,secondary,teacher,,,o2,',
        ),
      },
      async (pack) => {
        await pack.gatherRoles(roles);
        const { rows } = await collect(pack, 'people', { roles, withRoles: true });
        expect(rows.map((row) => row[`#${4 + stagedColumns.people.length}`])).toEqual([
          'student|primary|o,"1||\u001fstudent|secondary|o2||\u001f',
          'teacher|primary|o1||\u001fteacher|secondary|o2||\u001f',
        ]);
      },
    ));

  test('only columns that are wanted are told', () =>
    opened(school12, async (pack) => {
      const { rows } = await collect(pack, 'people', { roles: ['student'], columns: ['given_name'] });
      expect(rows).toEqual([{ line: '2', source_id: 's1', given_name: 'Ada' }]);
    }));

  test('no role wanted, nobody told', () =>
    opened(school12, async (pack) => {
      expect((await collect(pack, 'people', { roles: [] })).rows).toEqual([]);
      expect((await collect(pack, 'enrolments', { roles: [] })).rows).toEqual([]);
      expect((await collect(pack, 'demographics', { roles: [] })).rows).toEqual([]);
    }));

  test('enrolments by their own role', () =>
    opened(school12, async (pack) => {
      const { rows } = await collect(pack, 'enrolments', { roles });
      expect(rows).toEqual([
        {
          line: '2',
          source_id: 'e1',
          group_source_id: 'k1',
          person_source_id: 's1',
          site_source_id: 'o1',
          role: 'student',
          is_primary: 'false',
        },
        {
          line: '3',
          source_id: 'e2',
          group_source_id: 'k1',
          person_source_id: 'p1',
          site_source_id: 'o1',
          role: 'teacher',
          is_primary: 'true',
          begins_on: '2026-08-01',
          ends_on: '2027-02-01',
        },
      ]);
    }));

  test('demographics of wanted people alone, races as one list', () =>
    opened(school12, async (pack) => {
      const { rows } = await collect(pack, 'demographics', { roles });
      expect(rows).toEqual([
        {
          line: '2',
          source_id: 's1',
          birth_date: '2010-01-02',
          sex: 'female',
          races: 'asian\u001fwhite\u001f',
          country_of_birth: 'NL',
          city_of_birth: 'Utrecht',
        },
      ]);
    }));
});

describe('a whole package of 1.1', () => {
  test('has the role with the person', () =>
    opened(school11Files, async (pack) => {
      expect({ version: pack.version, deviations: pack.deviations, problems: pack.problems }).toEqual({
        version: '1.1',
        deviations: [],
        problems: [],
      });
      const { rows, facts, text } = await collect(pack, 'people', { roles });
      expect(rows).toMatchObject([
        { source_id: 's1', role: 'student', site_source_ids: 'o1,o2', email: 'ada@birch.example' },
      ]);
      expect(text).not.toMatch(/pa55word|ann@/);
      expect(facts).toMatchObject({ filtered: 1, complete: true });
      expect((await collect(pack, 'roles', { roles })).rows).toEqual([]);
    }));

  test('demographics follow users.csv, read before or not', () =>
    opened(school11Files, async (pack) => {
      const { rows, facts } = await collect(pack, 'demographics', { roles });
      expect(rows.map((row) => row.source_id)).toEqual(['s1']);
      expect(facts.complete).toBe(true);
    }));

  test('roles as in 1.1 in a package that calls itself 1.2 are read', () =>
    opened(
      { ...school11Files, 'manifest.csv': school12['manifest.csv'].replace('roles,bulk', 'roles,absent') },
      async (pack) => {
        expect(deviationsOf(pack)).toContain('roles-of-another-version users.csv');
        expect((await collect(pack, 'people', { roles })).facts).toMatchObject({ rows: 1, complete: true });
      },
    ));
});

describe('bulk and delta', () => {
  const delta = {
    'manifest.csv': manifest('1.2', { users: 'delta', orgs: 'bulk' }),
    'orgs.csv': school12['orgs.csv'],
    'users.csv': file(
      headers.users12,
      's1,active,2026-09-01T00:00:00Z,true,ada,,Ada,Lovelace,,,,,,,,,,,,,o1,',
      's9,active,2026-09-01T00:00:00Z,true,eve,,Eve,Stranger,,,,,,,,,,,,,o1,',
    ),
  };

  test('a delta file is told as such and is never complete', () =>
    opened(delta, async (pack) => {
      expect(pack.problems).toEqual([]);
      expect(pack.files.find(({ table }) => table === 'people')).toMatchObject({ declared: 'delta', mode: 'delta' });
      const known = createIdSet();
      known.addText('s1');
      const { rows, facts } = await collect(pack, 'people', { roles, known });
      expect(rows).toMatchObject([{ source_id: 's1', status: 'active', modified: '2026-09-01T00:00:00Z' }]);
      expect(facts).toMatchObject({ mode: 'delta', complete: false });
      expect((await collect(pack, 'sites', {})).facts.complete).toBe(true);
    }));

  test.each([
    [
      'delta that is called bulk',
      'bulk',
      ['o1,active,2026-09-01T00:00:00Z,A,school,,'],
      'delta',
      'mode-not-as-declared',
    ],
    ['bulk that is called delta', 'delta', ['o1,,,A,school,,'], 'bulk', 'mode-not-as-declared'],
    ['both in one file', 'bulk', ['o1,,,A,school,,', 'o2,active,,B,school,,'], 'delta', 'mode-mixed'],
  ])('%s: its rows decide, it is reported and nothing is taken as gone', (_what, declared, rows, mode, key) =>
    opened(
      { 'manifest.csv': manifest('1.2', { orgs: declared }), 'orgs.csv': file(headers.orgs, ...rows) },
      async (pack) => {
        const { facts } = await collect(pack, 'sites', {});
        expect(facts).toMatchObject({ mode, complete: false, deviations: [{ key, file: 'orgs.csv' }] });
      },
    ),
  );

  test('people are complete only if the roles are', () =>
    opened(
      { ...school12, 'roles.csv': file(headers.roles, 'r1,,,s1,primary,student,,,o1,', 'r2,,,p1,primary') },
      async (pack) => {
        const { facts } = await collect(pack, 'people', { roles });
        expect(facts).toMatchObject({ rows: 1, setAside: 0, complete: false });
      },
    ));

  test('a manifest alone is a package without changes', () =>
    opened({ 'manifest.csv': manifest('1.2', {}) }, async (pack) => {
      expect(pack.problems).toEqual([]);
      expect((await collect(pack, 'people', { roles })).facts).toMatchObject({ rows: 0, complete: false });
    }));
});

describe('a zip that is refused', () => {
  test('what is no zip', async () => {
    expect(await refusal(write(strToU8('<html>Sign in</html>')))).toMatchObject({ code: 'package-not-zip' });
    expect(await refusal(write(new Uint8Array()))).toMatchObject({ code: 'package-not-zip' });
    expect(await refusal(write(Buffer.from([0x1f, 0x8b, 8, 0, 0])))).toMatchObject({ code: 'package-not-zip' });
  });

  test('one that is cut short, wherever', async () => {
    const whole = zipSync(Object.fromEntries(Object.entries(school12).map(([name, text]) => [name, strToU8(text)])));
    for (const share of [0.05, 0.3, 0.6, 0.9, 0.999]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      expect(await refusal(write(cut))).toMatchObject({ code: 'package-cut-short' });
    }
  });

  test.each(['../users.csv', 'a/../../users.csv', '/users.csv', 'C:/users.csv', 'a\\users.csv', 'users\u0000.csv'])(
    'a name that leads elsewhere: %j',
    async (name) => {
      expect(await refusal({ ...school12, [name]: 'x' })).toMatchObject({ code: 'package-name-unsafe', number: 10 });
    },
  );

  test('two files of one name, also if only their case differs', async () => {
    expect(await refusal({ ...school12, 'Users.csv': school12['users.csv'] })).toMatchObject({
      code: 'package-name-twice',
      file: 'Users.csv',
    });
    const twice = zipSync({ 'orgs.csv': strToU8(school12['orgs.csv']), 'orgs.csx': strToU8('x') });
    const renamed = Buffer.from(Buffer.from(twice).toString('latin1').replaceAll('orgs.csx', 'orgs.csv'), 'latin1');
    expect(await refusal(write(renamed))).toMatchObject({ code: 'package-name-twice', file: 'orgs.csv' });
  });

  test('files in several folders; one common folder is read', async () => {
    const inFolder = Object.fromEntries(Object.entries(school12).map(([name, text]) => [`export/${name}`, text]));
    await opened(inFolder, async (pack) => {
      expect(deviationsOf(pack)).toEqual(['file-in-folder manifest.csv']);
      expect((await collect(pack, 'sites', {})).facts.complete).toBe(true);
    });
    expect(await refusal({ ...inFolder, 'orgs.csv': school12['orgs.csv'] })).toMatchObject({
      code: 'package-in-folders',
    });
  });

  test('what macOS puts beside the files is passed over, other files are named', () =>
    opened({ ...school12, '__MACOSX/._users.csv': 'x', '.DS_Store': 'x', 'readme.txt': 'x' }, (pack) => {
      expect(deviationsOf(pack)).toEqual(['file-unknown readme.txt']);
    }));

  test('one with a password', async () => {
    const bytes = Buffer.from(zipSync({ 'orgs.csv': strToU8('x') }));
    const directory = bytes.readUInt32LE(bytes.length - 6);
    bytes[directory + 8] = 1;
    expect(await refusal(write(bytes))).toMatchObject({ code: 'package-encrypted', file: 'orgs.csv' });
  });

  test('one that is compressed in another way', async () => {
    const bytes = Buffer.from(zipSync({ 'orgs.csv': strToU8('x') }));
    bytes.writeUInt16LE(9, bytes.readUInt32LE(bytes.length - 6) + 10);
    expect(await refusal(write(bytes))).toMatchObject({ code: 'package-compression-unknown', file: 'orgs.csv' });
  });

  test('a bomb: by ratio, by size, by total, by number of members', async () => {
    const big = new Uint8Array(20_000_000).fill(0x61);
    expect(await refusal({ 'orgs.csv': big })).toMatchObject({ code: 'package-too-large', file: 'orgs.csv' });
    const limits = { ...defaultZipLimits, memberBytes: 400 };
    expect(await refusal(school12, limits)).toMatchObject({ code: 'package-too-large' });
    expect(await refusal(school12, { ...defaultZipLimits, totalBytes: 1000 })).toMatchObject({
      code: 'package-too-large',
    });
    expect(await refusal(school12, { ...defaultZipLimits, members: 8 })).toMatchObject({ code: 'package-too-large' });
  });

  test('a bomb that lies about its size stops where it said it would end', async () => {
    const bytes = Buffer.from(zipSync({ 'orgs.csv': new Uint8Array(5_000_000).fill(0x61) }));
    bytes.writeUInt32LE(1000, bytes.readUInt32LE(bytes.length - 6) + 24);
    expect(await refusal(write(bytes))).toMatchObject({ code: 'package-damaged', file: 'orgs.csv' });
  });

  test('members that share their bytes', async () => {
    const bytes = Buffer.from(zipSync({ 'orgs.csv': strToU8(school12['orgs.csv']), 'users.csv': strToU8('x') }));
    const directory = bytes.readUInt32LE(bytes.length - 6);
    const second = directory + 46 + 'orgs.csv'.length;
    bytes.writeUInt32LE(0, second + 42);
    expect(await refusal(write(bytes))).toMatchObject({ code: 'package-damaged' });
  });

  test('one without a file of the standard', async () => {
    expect(await refusal({ 'leerlingen.csv': 'x', 'readme.txt': 'x' })).toMatchObject({
      code: 'package-without-files',
    });
  });

  test('rows whose bytes are not what was packed are not to be used: CRC, size, the compressed data itself', async () => {
    const rows = Array.from({ length: 20_000 }, (_unused, index) => `o${index},,,Site ${index * 7919},school,,`);
    const whole = Buffer.from(
      zipSync({
        'manifest.csv': strToU8(manifest('1.2', { orgs: 'bulk' })),
        'orgs.csv': strToU8(file(headers.orgs, ...rows)),
      }),
    );
    const directory = whole.readUInt32LE(whole.length - 6);
    const second = directory + 46 + 'manifest.csv'.length;
    const broken = [
      (bytes: Buffer) => bytes.writeUInt32LE(bytes.readUInt32LE(second + 16) ^ 1, second + 16),
      (bytes: Buffer) => bytes.writeUInt32LE(bytes.readUInt32LE(second + 24) + 1, second + 24),
      (bytes: Buffer) => bytes.fill(0xff, directory - 200, directory - 100),
    ];
    for (const damage of broken) {
      const bytes = Buffer.from(whole);
      damage(bytes);
      await opened(write(bytes), async (pack) => {
        const error = await collect(pack, 'sites', {}).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'package-damaged', details: { file: 'orgs.csv' } });
      });
    }
  });
});

test('a zip with any byte changed or cut off anywhere is refused, is not complete, or tells the same as before', async () => {
  const whole = Buffer.from(
    zipSync(Object.fromEntries(Object.entries(school12).map(([name, text]) => [name, strToU8(text)]))),
  );
  const told = async (path: string) => {
    await using pack = await openPackage(path);
    const people = await collect(pack, 'people', { roles });
    return people.facts.complete ? people.text : null;
  };
  const before = await told(write(whole));
  expect(before).toMatch(/Ada/);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(whole.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (at, by, isCut) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ by;
        const result = await told(write(isCut ? bytes.subarray(0, at) : bytes)).catch((error: unknown) =>
          isCrosswalkError(error) ? null : error,
        );
        expect([null, before]).toContain(result);
      },
    ),
    { numRuns: 250 },
  );
});

describe('a manifest', () => {
  const orgs = { 'orgs.csv': school12['orgs.csv'] };

  test('that is missing: files are read, nothing is complete', () =>
    opened({ ...school12, 'manifest.csv': new Uint8Array() }, () => null).catch(async (error: unknown) => {
      expect(error).toMatchObject({ code: 'package-manifest-unreadable', details: { line: '1' } });
      const { 'manifest.csv': _none, ...files } = school12;
      await opened(files, async (pack) => {
        expect(pack.version).toBe('1.2');
        expect(pack.problems).toMatchObject([{ code: 'csv-manifest-missing', file: 'manifest.csv' }]);
        expect((await collect(pack, 'people', { roles })).facts).toMatchObject({ rows: 2, complete: false });
      });
      const { 'manifest.csv': _neither, ...older } = school11Files;
      await opened(older, (pack) => expect(pack.version).toBe('1.1'));
    }));

  test('that lists a file which is not there', () =>
    opened({ ...orgs, 'manifest.csv': manifest('1.2', { orgs: 'bulk', classes: 'bulk' }) }, async (pack) => {
      expect(pack.problems).toMatchObject([{ code: 'csv-file-missing', file: 'classes.csv' }]);
      expect((await collect(pack, 'groups', {})).facts).toMatchObject({ rows: 0, complete: false });
    }));

  test('that calls a file absent which is there', () =>
    opened({ ...orgs, 'manifest.csv': manifest('1.2', {}) }, async (pack) => {
      expect(pack.problems).toMatchObject([{ code: 'csv-file-undeclared', file: 'orgs.csv' }]);
      expect((await collect(pack, 'sites', {})).facts).toMatchObject({ rows: 0, complete: false });
    }));

  test('that says nothing about a file, or something of its own', async () => {
    const short = 'propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.orgs,full\n';
    await opened({ ...orgs, 'manifest.csv': short }, async (pack) => {
      expect(deviationsOf(pack)).toEqual(['manifest-value-unknown orgs.csv', 'manifest-incomplete manifest.csv']);
      expect((await collect(pack, 'sites', {})).facts).toMatchObject({ rows: 1, complete: false });
    });
    await opened({ ...orgs, 'manifest.csv': short.replace('file.orgs,full\n', '') }, async (pack) => {
      expect(deviationsOf(pack)).toContain('file-not-in-manifest orgs.csv');
      expect((await collect(pack, 'sites', {})).facts.complete).toBe(false);
    });
  });

  test('of another version of OneRoster, and of 1.2.1', async () => {
    expect(await refusal({ ...orgs, 'manifest.csv': manifest('2.0', { orgs: 'bulk' }) })).toMatchObject({
      code: 'package-version-unknown',
      file: 'manifest.csv',
    });
    await opened({ ...orgs, 'manifest.csv': manifest('1.2.1', { orgs: 'bulk' }) }, (pack) =>
      expect(pack.version).toBe('1.2'),
    );
  });

  test('that cannot be read', async () => {
    const text = manifest('1.2', { orgs: 'bulk' });
    expect(await refusal({ ...orgs, 'manifest.csv': text.replaceAll(',', ';') })).toMatchObject({
      code: 'csv-delimiter',
      file: 'manifest.csv',
      found: 'semicolon',
    });
    expect(await refusal({ ...orgs, 'manifest.csv': Buffer.from(`\ufeff${text}`, 'utf16le') })).toMatchObject({
      code: 'csv-not-utf8',
      found: 'utf16',
    });
    expect(await refusal({ ...orgs, 'manifest.csv': text.replace('file.orgs,', 'file.orgs,"') })).toMatchObject({
      code: 'package-manifest-unreadable',
    });
    expect(await refusal({ ...orgs, 'manifest.csv': text.replace('propertyName', 'name') })).toMatchObject({
      code: 'package-manifest-unreadable',
      line: '1',
    });
  });
});

describe('a header', () => {
  const withOrgs = (content: string | Uint8Array) => ({
    'manifest.csv': manifest('1.2', { orgs: 'bulk' }),
    'orgs.csv': content,
  });
  const orgs = school12['orgs.csv'];
  const problemOf = (content: string | Uint8Array) =>
    opened(withOrgs(content), async (pack) => {
      const [problem] = pack.problems;
      if (problem !== undefined && problem.code !== 'csv-without-rows') {
        const error = await collect(pack, 'sites', {}).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: problem.code, details: { file: 'orgs.csv' } });
      }
      return problem;
    });

  test.each([
    ['another delimiter', orgs.replaceAll(',', ';'), { code: 'csv-delimiter', found: 'semicolon' }],
    ['tabs', orgs.replaceAll(',', '\t'), { code: 'csv-delimiter', found: 'tab' }],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${orgs}`, 'utf16le'), { code: 'csv-not-utf8', found: 'utf16' }],
    ['UTF-16 without', Buffer.from(orgs, 'utf16le'), { code: 'csv-not-utf8', found: 'utf16' }],
    [
      'UTF-16, the other way round',
      Buffer.from(`\ufeff${orgs}`, 'utf16le').swap16(),
      { code: 'csv-not-utf8', found: 'utf16' },
    ],
    [
      'Latin 1 in the header',
      Buffer.from(orgs.replace('name', 'nam\u00e9'), 'latin1'),
      { code: 'csv-not-utf8', found: 'other' },
    ],
    ['carriage returns alone', orgs.replaceAll('\r\n', '\r'), { code: 'csv-line-ends' }],
    ['no header', 'o1,,,Birch School,school,B1,\r\n', { code: 'csv-header-missing' }],
    ['nothing at all', '', { code: 'csv-header-missing' }],
    ['a web page', '<!doctype html>\n<html>\n', { code: 'csv-header-missing' }],
    ['a header of 100 KB', `${'x'.repeat(100_000)}\n`, { code: 'csv-header-missing' }],
    ['a required column missing', orgs.replace(',name', ''), { code: 'csv-column-missing', column: 'name' }],
    ['a column twice', orgs.replace('identifier', 'name'), { code: 'csv-column-twice', column: 'name' }],
    ['the same in another case', orgs.replace('identifier', 'Name'), { code: 'csv-column-twice', column: 'name' }],
  ])('%s: refused, with its place', async (_what, content, expected) => {
    expect(await problemOf(content)).toMatchObject({ file: 'orgs.csv', line: 1, ...expected });
  });

  test('alone, without rows: said, and never read as “all are gone”', async () => {
    for (const content of [file(headers.orgs), headers.orgs, `${headers.orgs}\n\n\n`]) {
      await opened(withOrgs(content), async (pack) => {
        expect(pack.problems).toMatchObject([{ code: 'csv-without-rows', file: 'orgs.csv' }]);
        expect((await collect(pack, 'sites', {})).facts).toMatchObject({ rows: 0, complete: false });
      });
    }
  });

  test.each([
    ['a mark at the beginning', `\ufeff${orgs}`, ['byte-order-mark orgs.csv']],
    ['another case', orgs.replace('sourcedId', 'SourcedID'), ['column-case orgs.csv sourcedId']],
    ['a misspelt name', orgs.replace('identifier', 'identifer'), ['column-misspelt orgs.csv identifier']],
    ['a name with spaces', orgs.replace('identifier', ' identifier'), ['column-case orgs.csv identifier']],
    [
      'columns of its own, which are not named by what stands there',
      orgs.replaceAll('\r\n', ',Ann Administrator\r\n'),
      ['column-unknown orgs.csv #8'],
    ],
    ['columns without a name at the end', orgs.replaceAll('\r\n', ',,\r\n'), ['columns-trailing-empty orgs.csv']],
    [
      'an optional column missing',
      orgs.replace(',parentSourcedId', '').replace('B1,', 'B1'),
      ['column-missing orgs.csv parentSourcedId'],
    ],
    ['metadata columns', orgs.replaceAll('\r\n', ',x\r\n').replace(',x', ',metadata.x'), []],
  ])('%s: read', async (_what, content, expected) => {
    await opened(withOrgs(content), async (pack) => {
      expect(deviationsOf(pack)).toEqual(expected);
      expect(pack.problems).toEqual([]);
      const { rows, facts } = await collect(pack, 'sites', {});
      expect(rows).toEqual([{ line: '2', source_id: 'o1', name: 'Birch School', kind: 'school', identifier: 'B1' }]);
      expect(facts.complete).toBe(true);
    });
  });

  test('another order of the columns is read', () =>
    opened(
      withOrgs('name,type,sourcedId,status,dateLastModified,identifier,parentSourcedId\nBirch,school,o1,,,B1,\n'),
      async (pack) => {
        expect(deviationsOf(pack)).toEqual(['columns-out-of-order orgs.csv']);
        expect((await collect(pack, 'sites', {})).rows).toMatchObject([
          { source_id: 'o1', name: 'Birch', identifier: 'B1' },
        ]);
      },
    ));

  test('the column of 1.2.0 that 1.2.1 has no more is known', () =>
    opened(
      {
        ...school12,
        'users.csv': school12['users.csv']
          .replace('pronouns', 'pronouns,resourceSourcedIds')
          .replaceAll(/(she|o1,)\r\n/g, '$1,\r\n'),
      },
      async (pack) => {
        expect(deviationsOf(pack)).toEqual([]);
        expect((await collect(pack, 'people', { roles })).facts).toMatchObject({ rows: 2, complete: true });
      },
    ));

  test('a file name in another case is read', () =>
    opened({ 'manifest.csv': manifest('1.2', { orgs: 'bulk' }), 'Orgs.CSV': orgs }, async (pack) => {
      expect(deviationsOf(pack)).toEqual(['file-name-case orgs.csv']);
      expect((await collect(pack, 'sites', {})).facts).toMatchObject({ rows: 1, complete: true });
    }));
});

describe('rows', () => {
  const withOrgs = (...rows: string[]) => ({
    'manifest.csv': manifest('1.2', { orgs: 'bulk' }),
    'orgs.csv': file(headers.orgs, ...rows),
  });

  test('a bad line is set aside with its place, and the file is not complete', () =>
    opened(withOrgs('o1,,,Birch,school,,', 'o2,,,Oak', 'o3,,,Elm,school,,'), async (pack) => {
      const { rows, facts } = await collect(pack, 'sites', {});
      expect(rows.map((row) => row.source_id)).toEqual(['o1', 'o3']);
      expect(facts).toMatchObject({
        setAside: 1,
        complete: false,
        lines: [{ file: 'orgs.csv', line: 3, column: 'name', reason: 'too-few-cells' }],
      });
    }));

  test('an unusable id is set aside, and what is missing may still count', () =>
    opened(withOrgs('o1,,,Birch,school,,', 'o\u202e2,,,Oak,school,,'), async (pack) => {
      expect((await collect(pack, 'sites', {})).facts).toMatchObject({ rows: 1, setAside: 1, complete: true });
    }));

  test('a value of 5 MB is passed over', async () => {
    const huge = new Uint8Array(5_000_000).fill(0x78);
    const head = strToU8(`${headers.orgs}\no1,,,"`);
    const tail = strToU8(`",school,,\no2,,,Oak,school,,\n`);
    const bytes = new Uint8Array(head.length + huge.length + tail.length);
    bytes.set(head);
    bytes.set(huge, head.length);
    bytes.set(tail, head.length + huge.length);
    const path = write(
      zipSync({ 'manifest.csv': strToU8(manifest('1.2', { orgs: 'bulk' })), 'orgs.csv': [bytes, { level: 0 }] }),
    );
    await opened(path, async (pack) => {
      const { rows, facts } = await collect(pack, 'sites', {});
      expect(rows).toMatchObject([{ line: '3', source_id: 'o2' }]);
      expect(facts.lines).toEqual([{ file: 'orgs.csv', line: 2, column: 'name', reason: 'field-too-long' }]);
    });
  });

  test('facts are there once the read has ended, not before', () =>
    opened(school12, (pack) => {
      expect(() => pack.read('sites', {}).facts()).toThrow('internal');
    }));
});
