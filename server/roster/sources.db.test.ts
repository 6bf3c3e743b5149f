import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { writeCsvPackage } from '#sandbox/generator/csv-package.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { systemContext } from '#server/testing/actors.ts';
import { handInPackage } from './testing/hand-in-package.ts';
import { makeSyncedSchool, recordedPorts, runSync, type SyncedSchool } from './testing/sync-harness.ts';

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
const tables = {
  roster_site: 'source_id, name, kind, identifier, parent_source_id',
  roster_term: 'source_id, name, kind, starts_on, ends_on, school_year, parent_source_id',
  roster_subject: 'source_id, title, course_code, grades, subjects, subject_codes, site_source_id',
  roster_stream: 'source_id, name, code, programme, level, year',
  roster_group:
    'source_id, kind, title, code, grades, subjects, subject_source_id, site_source_id, stream_source_id, term_source_ids',
  roster_person: 'source_id, kind, kinds, enabled, given_name, family_name, identifier, email, grades, site_source_ids',
  roster_enrolment:
    '(select g.source_id from roster_group g where g.id = group_id) as "group", (select p.source_id from roster_person p where p.id = person_id) as person, role, begins_on::text',
  // OneRoster 1.1 has no word for a sex that was not told.
  roster_demographics: `source_id, birth_date::text, coalesce(sex, 'unspecified') as sex, races`,
};

describe('one school through every source', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  let web: Context;
  let sync: Context;
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-sources-'));
  const clock = fixedClock('2026-11-20T09:00:00Z');

  beforeAll(async () => {
    database = await createTestDatabase();
    web = await systemContext(database, { clock });
    sync = { ...web, database: database.sync };
    sis = await startSis({ schools: [slug], schoolYear: 2026 });
  });
  afterAll(async () => {
    await sis?.close();
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const newSchool = (settings: object) =>
    makeSyncedSchool(database, { connector: 'oneroster', kind: 'sis', scopes: everything, settings });
  const rosterOf = async (school: SyncedSchool) =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(tables).map(async ([table, columns]) => [
          table,
          await database.admin.unsafe(
            `select ${columns} from ${table} where school_id = '${school.schoolId}' and gone_at is null order by 1, 2, 3`,
          ),
        ]),
      ),
    );
  const overRest = async (version: '1.1' | '1.2') => {
    const { baseV1p1, baseV1p2, tokenUrl, client } = sis.school(slug);
    const settings = { version, baseUrl: version === '1.1' ? baseV1p1 : baseV1p2, tokenUrl };
    const ports = recordedPorts({ connector: 'oneroster', settings, secret: client });
    const school = await newSchool(settings);
    expect((await runSync({ web, sync }, ports, school)).applied).toMatchObject({ outcome: 'applied' });
    return { school, ports, again: () => runSync({ web, sync }, ports, school) };
  };
  const byPackage = async (version: '1.1' | '1.2') => {
    const path = join(folder, `${version}.zip`);
    await writeCsvPackage(path, { school: sis.data(slug).school, version });
    const school = await newSchool({ version: '1.2', baseUrl: 'https://sis.example', tokenUrl: 'https://sis.example' });
    const ports = recordedPorts({ connector: 'oneroster', settings: {}, secret: {} });
    const hand = async (file: string) => {
      const syncRunId = await handInPackage(web, school, file);
      return runSync({ web, sync }, ports, school, syncRunId);
    };
    const once = () => hand(path);
    expect((await once()).applied).toMatchObject({ outcome: 'applied' });
    return { school, once, hand };
  };

  it('brings the same roster over REST and as a package, of 1.1 and 1.2', async () => {
    const rest = await overRest('1.2');
    const expected = await rosterOf(rest.school);
    expect(expected.roster_person?.length).toBe(
      [...sis.data(slug).users.values()].filter(
        ({ status, roles }) =>
          status === 'active' &&
          roles.some(({ role }) => ['student', 'teacher', 'guardian', 'parent', 'relative'].includes(role)),
      ).length,
    );
    expect(expected.roster_enrolment?.length).toBeGreaterThan(1000);
    expect(await rosterOf((await overRest('1.1')).school)).toEqual(expected);
    expect(await rosterOf((await byPackage('1.2')).school)).toEqual(expected);
    expect(await rosterOf((await byPackage('1.1')).school)).toEqual(expected);
  }, 120_000);

  it('changes nothing when the same is read again, whatever way it came', async () => {
    const { school, once } = await byPackage('1.2');
    const [first] =
      await database.admin`select max(seq) as seq from roster_change where school_id = ${school.schoolId}`;
    const { syncRunId } = await once();
    const [row] = await database.admin`select state, progress, drift from sync_run where id = ${syncRunId}`;
    expect(row).toMatchObject({
      state: 'succeeded',
      progress: { students: { added: 0, changed: 0, missing: 0 }, enrolments: { added: 0, changed: 0 } },
    });
    expect(
      await database.admin`select max(seq) as seq from roster_change where school_id = ${school.schoolId}`,
    ).toEqual([first]);
    expect(
      await database.admin`select count(*)::int as n from roster_upload_chunk where school_id = ${school.schoolId}`,
    ).toEqual([{ n: 0 }]);
  }, 60_000);

  it('takes what a delta package tells, and the whole of afterwards finds nothing that it missed', async () => {
    const { hand } = await byPackage('1.2');
    const generated = sis.data(slug).school;
    const changes = { percent: 3, removedPercent: 1 };
    const delta = join(folder, 'delta.zip');
    await writeCsvPackage(delta, { school: generated, version: '1.2', part: 'changed', changes });
    const first = await hand(delta);
    const [row] = await database.admin`select state, progress from sync_run where id = ${first.syncRunId}`;
    expect(row).toMatchObject({ state: 'succeeded', progress: { students: { missing: 0, complete: 0 } } });
    const told = await database.admin`
      select collection, kind, count(*)::int as n from roster_change where sync_run_id = ${first.syncRunId} group by 1, 2`;
    expect(told.filter(({ kind }) => kind === 'updated').length).toBeGreaterThan(2);
    expect(told.find(({ collection, kind }) => collection === 'enrolments' && kind === 'deleted')?.n).toBeGreaterThan(
      0,
    );
    const bulk = join(folder, 'changed.zip');
    await writeCsvPackage(bulk, { school: generated, version: '1.2', changes });
    const whole = await hand(bulk);
    expect(
      await database.admin`select collection, kind from roster_change where sync_run_id = ${whole.syncRunId}`,
    ).toEqual([]);
  }, 60_000);

  it('sets an enrolment aside that a package tells twice or of nobody, in a first run as in a later one', async () => {
    await byPackage('1.2');
    const whole = join(folder, '1.2.zip');
    const odd = join(folder, 'odd.zip');
    const files = unzipSync(readFileSync(whole));
    const lines = Buffer.from(files['enrollments.csv'] ?? [])
      .toString('utf8')
      .trimEnd()
      .split('\r\n');
    const [header = '', told = ''] = lines;
    const cells = told.split(',');
    const sourceId = cells[0] ?? '';
    const begins = header.split(',').indexOf('beginDate');
    const user = header.split(',').indexOf('userSourcedId');
    const otherwise = cells.with(begins, '2026-10-05').join(',');
    const ofNobody = cells.with(0, 'enrolment-of-nobody').with(user, 'nobody').join(',');
    writeFileSync(
      odd,
      zipSync({ ...files, 'enrollments.csv': Buffer.from(`${[...lines, otherwise, ofNobody].join('\r\n')}\r\n`) }),
    );

    const school = await newSchool({ version: '1.2', baseUrl: 'https://sis.example', tokenUrl: 'https://sis.example' });
    const ports = recordedPorts({ connector: 'oneroster', settings: {}, secret: {} });
    const hand = async (file: string) => runSync({ web, sync }, ports, school, await handInPackage(web, school, file));
    const outcome = async (run: { syncRunId: string }) => ({
      aside: await database.admin`
        select reason, count(*)::int as n from set_aside_record where sync_run_id = ${run.syncRunId} group by 1 order by 1`,
      changes: await database.admin`
        select kind, records from roster_change where sync_run_id = ${run.syncRunId} and collection = 'enrolments'`,
      resting: (
        await database.admin`
          select count(*) filter (where source_id = ${sourceId})::int as it, count(*) filter (where missed_fetches > 0)::int as missed, count(*)::int as n
            from roster_enrolment where school_id = ${school.schoolId}`
      )[0],
    });
    const first = await outcome(await hand(odd));
    const then = await outcome(await hand(whole));
    // Some point at people who are not in the package: the sandbox's own oddities.
    const lost = Number(then.aside[0]?.n ?? 0);
    const all = lines.length - 1 - lost;
    const setAside = [
      { reason: 'id-used-twice', n: 2 },
      { reason: 'reference-unknown', n: lost + 1 },
    ];
    expect(first).toEqual({
      aside: setAside,
      changes: [{ kind: 'baseline', records: all - 1 }],
      resting: { it: 0, missed: 0, n: all - 1 },
    });
    expect(then).toEqual({
      aside: [{ reason: 'reference-unknown', n: lost }],
      changes: [{ kind: 'created', records: null }],
      resting: { it: 1, missed: 0, n: all },
    });
    const later = await outcome(await hand(odd));
    expect(later).toEqual({ aside: setAside, changes: [], resting: { it: 1, missed: 0, n: all } });
  }, 60_000);

  it('sets very many enrolments of nobody aside, and keeps the others', async () => {
    await byPackage('1.2');
    const whole = join(folder, '1.2.zip');
    const lost = join(folder, 'lost.zip');
    const files = unzipSync(readFileSync(whole));
    const text = Buffer.from(files['enrollments.csv'] ?? [])
      .toString('utf8')
      .trimEnd();
    const [header = '', told = ''] = text.split('\r\n');
    const user = header.split(',').indexOf('userSourcedId');
    const ofNobody = Array.from({ length: 10_001 }, (_, n) =>
      told
        .split(',')
        .with(0, `lost-${n}`)
        .with(user, `nobody-${n % 7}`)
        .join(','),
    );
    writeFileSync(
      lost,
      zipSync({ ...files, 'enrollments.csv': Buffer.from(`${[text, ...ofNobody].join('\r\n')}\r\n`) }),
    );
    const school = await newSchool({ version: '1.2', baseUrl: 'https://sis.example', tokenUrl: 'https://sis.example' });
    const ports = recordedPorts({ connector: 'oneroster', settings: {}, secret: {} });
    const resting = async (file: string) => {
      const { applied } = await runSync({ web, sync }, ports, school, await handInPackage(web, school, file));
      expect(applied?.outcome).toBe('applied');
      const [row] = await database.admin`
        select count(*)::int as n, count(*) filter (where missed_fetches > 0)::int as missed from roster_enrolment where school_id = ${school.schoolId}`;
      return row;
    };
    const first = await resting(lost);
    expect(first?.n).toBeGreaterThan(0);
    expect(await resting(whole)).toEqual(first);
    expect(await resting(lost)).toEqual(first);
  }, 60_000);
});
