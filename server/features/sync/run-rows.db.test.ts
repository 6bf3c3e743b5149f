import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SyncState } from '#db/schema/vocabulary.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { makeSystem, put, received } from '#server/features/roster-browser/testing/received-rows.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextFor, makeSchool, type TestSchool, testNow } from '#server/testing/actors.ts';
import { exportSetAside } from './export-set-aside.ts';
import { listRunChanges } from './list-run-changes.ts';
import { listSetAside } from './list-set-aside.ts';
import { runDetail } from './run-detail.ts';

describe('the rows of a run', () => {
  let database: TestDatabase;
  let school: TestSchool;
  let systemId: string;
  const ctx = (role: keyof TestSchool['people'] = 'school-administrator') => contextFor(database, school.people[role]);
  const run = async (state: SyncState, more: object = {}) => {
    const id = newId();
    await put(database, 'sync_run', [
      {
        id,
        school_id: school.schoolId,
        system_id: systemId,
        trigger: 'schedule',
        state,
        created_at: testNow,
        started_at: testNow,
        finished_at: state === 'succeeded' ? testNow : null,
        ...more,
      },
    ]);
    return id;
  };
  const change = (syncRunId: string, collection: string, kind: string, more: object = {}) => ({
    school_id: school.schoolId,
    system_id: systemId,
    sync_run_id: syncRunId,
    collection,
    kind,
    at: testNow,
    ...more,
  });

  beforeAll(async () => {
    database = await createTestDatabase();
    school = await makeSchool(database);
    systemId = await makeSystem(database, school.schoolId, 'sis', 'Registra');
    await put(database, 'roster_site', [received(school.schoolId, systemId, 'n', { name: 'Noord', kind: 'school' })]);
    await put(database, 'roster_subject', [received(school.schoolId, systemId, 'wis', { title: 'Wiskunde B' })]);
  });
  afterAll(() => database.drop());

  it('tell what an applied run did: who, which fields, before and after, with names for what is referred to', async () => {
    const emma = received(school.schoolId, systemId, 'p1', {
      kind: 'student',
      given_name: 'Emma',
      family_name: 'de Vries',
    });
    const group = received(school.schoolId, systemId, 'g1', { kind: 'group', title: '4H wisB' });
    const enrolment = received(school.schoolId, systemId, 'e1', {
      group_id: group.id,
      person_id: emma.id,
      role: 'student',
    });
    await put(database, 'roster_person', [emma]);
    await put(database, 'roster_group', [group]);
    await put(database, 'roster_enrolment', [enrolment]);
    const syncRunId = await run('succeeded');
    await put(database, 'roster_change', [
      change(syncRunId, 'students', 'updated', {
        record_id: emma.id,
        fields: ['family_name', 'site_source_ids'],
        before: { family_name: 'Vries', site_source_ids: [] },
        after: { family_name: 'de Vries', site_source_ids: ['n', 'elsewhere'] },
      }),
      change(syncRunId, 'students', 'deleted', { record_id: newId() }),
      change(syncRunId, 'enrolments', 'created', { record_id: enrolment.id }),
      change(syncRunId, 'groups', 'updated', {
        record_id: group.id,
        before: { subject_source_id: null },
        after: { subject_source_id: 'wis' },
      }),
      change(syncRunId, 'subjects', 'baseline', { records: 1 }),
    ]);
    const input = { schoolId: school.schoolId, syncRunId };
    const read = async (more: Omit<Parameters<typeof listRunChanges>[0]['input'], 'schoolId' | 'syncRunId'>) =>
      (await listRunChanges({ ctx: await ctx(), input: { ...input, ...more } })).changes;
    expect(await read({ collection: 'students' })).toMatchObject([
      {
        kind: 'changed',
        name: 'Emma de Vries',
        recordId: emma.id,
        fields: [
          { field: 'family_name', before: 'Vries', after: 'de Vries' },
          { field: 'site_source_ids', before: null, after: 'Noord, elsewhere' },
        ],
      },
      { kind: 'gone', name: null, fields: [] },
    ]);
    expect(await read({ collection: 'students', kind: 'gone' })).toHaveLength(1);
    expect(await read({ collection: 'students', kind: 'reused' })).toEqual([]);
    expect(await read({ collection: 'enrolments' })).toMatchObject([
      { kind: 'added', name: 'Emma de Vries · 4H wisB' },
    ]);
    expect(await read({ collection: 'groups' })).toMatchObject([
      { fields: [{ field: 'subject_source_id', before: null, after: 'Wiskunde B' }] },
    ]);
    expect(await read({ collection: 'subjects' })).toMatchObject([{ kind: 'first', records: 1, name: null }]);
  });

  it('tell what a held run would do, a page at a time', async () => {
    const syncRunId = await run('held');
    await put(
      database,
      'held_change',
      Array.from({ length: 60 }, (_, index) => ({
        id: newId(),
        school_id: school.schoolId,
        sync_run_id: syncRunId,
        collection: 'students',
        kind: index < 55 ? 'gone' : 'reused',
        source_id: `s${index}`,
        name: `Student ${index}`,
        before: { given_name: 'A' },
        after: { given_name: 'B' },
      })),
    );
    const input = { schoolId: school.schoolId, syncRunId, collection: 'students' } as const;
    const first = await listRunChanges({ ctx: await ctx(), input });
    expect(first.changes).toHaveLength(50);
    expect(first.changes[0]).toMatchObject({ kind: 'gone', name: 'Student 0' });
    const second = await listRunChanges({ ctx: await ctx(), input: { ...input, after: first.next ?? '' } });
    expect(second).toMatchObject({ changes: { length: 10 }, next: null });
    const reused = await listRunChanges({ ctx: await ctx(), input: { ...input, kind: 'reused' } });
    expect(reused.changes.map(({ name }) => name)).toEqual([55, 56, 57, 58, 59].map((n) => `Student ${n}`));
  });

  it('that are about somebody are for the school administrator alone', async () => {
    const syncRunId = await run('succeeded');
    const input = { schoolId: school.schoolId, syncRunId };
    for (const role of ['approver', 'signatory', 'technical-contact'] as const) {
      for (const collection of ['teachers', 'students', 'guardians', 'enrolments', 'demographics'] as const) {
        await expect(listRunChanges({ ctx: await ctx(role), input: { ...input, collection } })).rejects.toMatchObject({
          code: 'forbidden',
        });
      }
      expect(await listRunChanges({ ctx: await ctx(role), input: { ...input, collection: 'groups' } })).toEqual({
        changes: [],
        next: null,
      });
      expect(await runDetail({ ctx: await ctx(role), input })).toMatchObject({ seesPeople: false });
    }
  });

  it('that were set aside are counted by reason, filtered, paged and downloaded without a formula in them', async () => {
    const syncRunId = await run('succeeded');
    await put(
      database,
      'set_aside_record',
      Array.from({ length: 56 }, (_, index) => ({
        id: newId(),
        school_id: school.schoolId,
        sync_run_id: syncRunId,
        collection: index < 55 ? 'students' : 'groups',
        source_id: index === 0 ? '=HYPERLINK("http://evil.example")' : `x${index}`,
        file: 'users.csv',
        line: index + 2,
        field: 'familyName',
        reason: index < 54 ? 'name-missing' : 'role-missing',
      })),
    );
    const input = { schoolId: school.schoolId, syncRunId };
    const { setAside } = await runDetail({ ctx: await ctx(), input });
    expect(setAside).toMatchObject({
      count: 56,
      reasons: [{ collection: 'students', reason: 'name-missing', count: 54 }, {}, {}],
    });
    const first = await listSetAside({ ctx: await ctx(), input: { ...input, collection: 'students' } });
    expect(first.rows).toHaveLength(50);
    expect(first.rows[1]).toMatchObject({ sourceId: 'x1', file: 'users.csv', line: 3, field: 'familyName' });
    const rest = await listSetAside({
      ctx: await ctx(),
      input: { ...input, collection: 'students', after: first.next ?? '' },
    });
    expect(rest).toMatchObject({ rows: { length: 5 }, next: null });
    expect((await listSetAside({ ctx: await ctx(), input: { ...input, reason: 'role-missing' } })).rows).toHaveLength(
      2,
    );

    const file = await exportSetAside({ ctx: await ctx(), input });
    const lines = file.body.trimEnd().split('\r\n');
    expect(lines[0]).toBe('\u{feff}collection,sourceId,file,line,field,reason');
    expect(lines).toHaveLength(57);
    expect(lines[1]).toBe(`students,"'=HYPERLINK(""http://evil.example"")",users.csv,2,familyName,name-missing`);

    const theirs = await exportSetAside({ ctx: await ctx('technical-contact'), input });
    expect(theirs.body).toContain('students,,users.csv,3,familyName,name-missing');
    expect(theirs.body).toContain('groups,x55,users.csv');
    const rows = (await listSetAside({ ctx: await ctx('technical-contact'), input })).rows;
    expect(rows.every(({ sourceId }) => sourceId === null)).toBe(true);
  });

  it('come with the package that was read, who decided, and until when it can be undone', async () => {
    const uploadId = newId();
    await put(database, 'roster_upload', [
      {
        id: uploadId,
        school_id: school.schoolId,
        system_id: systemId,
        via: 'browser',
        file_name: 'district.zip',
        bytes: 1234,
        state: 'read',
      },
    ]);
    const syncRunId = await run('succeeded', {
      kind: 'delta',
      upload_id: uploadId,
      applied_as: 'additions',
      decided_by: school.people['school-administrator'].userId,
      decided_at: testNow,
      drift: 3,
      progress: database.admin.json({ groups: { added: 2, changed: 0, gone: 0 } }),
    });
    const input = { schoolId: school.schoolId, syncRunId };
    expect(await runDetail({ ctx: await ctx(), input })).toMatchObject({
      run: { kind: 'delta', imported: true, appliedAs: 'additions', drift: 3 },
      upload: { fileName: 'district.zip', via: 'browser' },
      decidedBy: 'Sanne Schooladmin',
      systemName: 'Registra',
      undoableUntil: new Date('2026-04-01T09:00:00.000Z'),
      seesPeople: true,
    });
    const undo = await run('succeeded', {
      kind: 'undo',
      undo_of: syncRunId,
      progress: database.admin.json({ groups: { gone: 2 } }),
    });
    await database.admin`update sync_run set undone_at = ${testNow} where id = ${syncRunId}`;
    expect(await runDetail({ ctx: await ctx(), input })).toMatchObject({ undoableUntil: null, undoneBy: undo });
    expect(await runDetail({ ctx: await ctx(), input: { ...input, syncRunId: undo } })).toMatchObject({
      undoOf: syncRunId,
      undoableUntil: null,
    });
    await database.admin`update sync_run set undone_at = null where id = ${syncRunId}`;
    const later = await run('succeeded', {
      finished_at: '2026-03-02T11:00:00Z',
      progress: database.admin.json({ groups: { gone: 1 } }),
    });
    expect(await runDetail({ ctx: await ctx(), input })).toMatchObject({ undoableUntil: null });
    await database.admin`update sync_run set progress = '{"groups": {"gone": 0}}' where id = ${later}`;
    expect((await runDetail({ ctx: await ctx(), input })).undoableUntil).not.toBeNull();
    const unchanged = await run('succeeded', { progress: database.admin.json({ groups: { added: 0, unchanged: 5 } }) });
    expect(await runDetail({ ctx: await ctx(), input: { ...input, syncRunId: unchanged } })).toMatchObject({
      undoableUntil: null,
    });
  });
});
