import { Readable } from 'node:stream';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { systemContext } from '#server/testing/actors.ts';
import { applyRun } from './apply-run.ts';
import { beginRun } from './begin-run.ts';
import { receivePackage } from './receive-package.ts';
import { stagePackage } from './stage-package.ts';
import { rosterContent } from './testing/roster-content.ts';
import { manifestOf, type SmallPackage, smallPackage, zipOf } from './testing/small-package.ts';
import { makeSyncedSchool, recordedPorts, runSync, type SyncedSchool } from './testing/sync-harness.ts';

const scopes = ['roster.subjects', 'roster.streams', 'roster.groups', 'roster.teachers', 'roster.students'];

describe('the same package again', () => {
  let database: TestDatabase;
  let web: Context;
  let sync: Context;
  let school: SyncedSchool;
  let now = new Date('2026-11-20T09:00:00Z');
  const clock = { now: () => now };
  const ports = recordedPorts({ connector: 'oneroster', settings: {}, secret: {} });
  // A term whose beginning nobody can read: set aside each time.
  const small = smallPackage('1.2', 20);
  const sessions = small['academicSessions.csv'] ?? [];
  const odd = (sessions[1] ?? '').replace(/^[^,]+/, 'odd').replace(/,\d{4}-\d{2}-\d{2},/, ',soon,');
  const files: SmallPackage = { ...small, 'academicSessions.csv': [...sessions, odd] };
  const membersOf = (all: SmallPackage) => ({
    'manifest.csv': manifestOf('1.2', Object.keys(all)),
    ...Object.fromEntries(Object.entries(all).map(([name, lines]) => [name, lines.join('')])),
  });
  const packed = zipOf(membersOf(files));

  beforeAll(async () => {
    database = await createTestDatabase();
    web = await systemContext(database, { clock });
    sync = { ...web, database: database.sync };
  });
  afterAll(() => database?.drop());
  beforeEach(async () => {
    school = await makeSyncedSchool(database, { connector: 'oneroster', kind: 'sis', scopes, settings: {} });
  });

  const hand = async (zip: Uint8Array = packed) => {
    now = new Date(now.getTime() + 3_600_000);
    const { syncRunId } = await receivePackage(web, {
      schoolId: school.schoolId,
      systemId: school.systemId,
      via: 'command',
      fileName: 'package.zip',
      uploadedBy: null,
      bytes: Readable.from([Buffer.from(zip)]),
    });
    const { applied } = await runSync({ web, sync }, ports, school, syncRunId);
    const [row] = await database.admin`
      select id, state, same_as as "sameAs", progress, deviations from sync_run where id = ${syncRunId}`;
    return { applied, row, syncRunId };
  };
  const asideOf = (syncRunId: string) =>
    database.admin`
      select collection, source_id, file, line::int, field, reason from set_aside_record where sync_run_id = ${syncRunId} order by 1, 2, 3, 4`;
  const left = async () => ({
    content: await rosterContent(database, school.systemId),
    changes: (
      await database.admin`select count(*)::int as n from roster_change where system_id = ${school.systemId}`
    )[0],
  });

  it('is not compared, and its run shows what the one that compared it found', async () => {
    const first = await hand();
    const before = await left();
    const second = await hand();
    expect(second.applied).toEqual(first.applied);
    expect(second.row).toMatchObject({ state: 'succeeded', sameAs: first.syncRunId });
    expect(second.row?.['deviations']).toEqual(first.row?.['deviations']);
    const [told, again] = [first.row?.['progress'], second.row?.['progress']];
    expect(again.students).toMatchObject({ added: 0, changed: 0, gone: 0, missing: 0, unchanged: told.students.added });
    expect(await asideOf(first.syncRunId)).not.toEqual([]);
    expect(await asideOf(second.syncRunId)).toEqual(await asideOf(first.syncRunId));
    expect(await left()).toEqual(before);
    expect(
      await database.admin`select state from roster_upload where system_id = ${school.systemId} order by created_at`,
    ).toEqual([{ state: 'read' }, { state: 'read' }]);
    expect(
      await database.admin`select count(*)::int as n from roster_upload_chunk where school_id = ${school.schoolId}`,
    ).toEqual([{ n: 0 }]);
    expect(
      await database.admin`select distinct seen_at from roster_fetch where system_id = ${school.systemId} and collection in ('students', 'groups')`,
    ).toEqual([{ seen_at: now }]);
    // A third one refers to the run that compared, not to one that did not.
    expect((await hand()).row).toMatchObject({ state: 'succeeded', sameAs: first.syncRunId });
  });

  it('is known by its members, however the zip was put together; packed otherwise it is compared', async () => {
    const first = await hand();
    const members = Object.fromEntries(
      Object.entries(membersOf(files)).map(([name, text]) => [name, Buffer.from(text, 'utf8')]),
    );
    const later = { level: 1, mtime: '2031-02-03' } as const;
    const turned = zipSync(Object.fromEntries(Object.entries(members).toReversed()), later);
    expect((await hand(turned)).row).toMatchObject({ state: 'succeeded', sameAs: first.syncRunId });
    expect((await hand(zipSync(members, { level: 9 }))).row).toMatchObject({
      state: 'succeeded',
      sameAs: null,
      // Classes tell streams and are not granted: what stands in them is no news either.
      progress: { students: { added: 0, changed: 0 }, enrolments: { added: 0, changed: 0 } },
    });
  });

  const { schoolId, systemId } = { schoolId: () => school.schoolId, systemId: () => school.systemId };
  const at = () => now.toISOString();
  it.each([
    [
      'somebody was missing from the fetch before',
      () =>
        database.admin`update roster_person set missed_fetches = 1 where id = (select id from roster_person where system_id = ${systemId()} limit 1)`,
    ],
    [
      'the content of a record is not known for certain',
      () =>
        database.admin`update roster_group set content_hash = 0 where id = (select id from roster_group where system_id = ${systemId()} limit 1)`,
    ],
    [
      'a record is no longer there',
      () =>
        database.admin`delete from roster_enrolment where id = (select id from roster_enrolment where system_id = ${systemId()} limit 1)`,
    ],
    [
      'a grant leaves a field out',
      () =>
        database.admin`update "grant" set without_fields = '{roster.students:email}' where school_id = ${schoolId()}`,
    ],
    [
      'somebody is withheld',
      () => database.admin`
        insert into withheld_person (id, school_id, system_id, source_id, name, withheld_by, withheld_at)
        select ${newId()}, school_id, system_id, source_id, 'somebody', ${newId()}, ${at()} from roster_person
         where system_id = ${systemId()} and kind = 'student' limit 1`,
    ],
    [
      'the school chose otherwise about a stream',
      () => database.admin`
        insert into stream_choice (id, school_id, system_id, source_id, name, chosen_by, chosen_at)
        values (${newId()}, ${schoolId()}, ${systemId()}, 'own:1', 'Another', ${newId()}, ${at()})`,
    ],
    [
      'the school named its sites otherwise',
      () => database.admin`insert into site (id, school_id, name) values (${newId()}, ${schoolId()}, 'Another')`,
    ],
    [
      'the one that compared is a week old',
      async () => {
        now = new Date(now.getTime() + 7 * 86_400_000);
      },
    ],
  ])('is compared where %s', async (_what, change) => {
    const first = await hand();
    expect((await hand()).row).toMatchObject({ sameAs: first.syncRunId });
    await change();
    expect((await hand()).row).toMatchObject({ state: 'succeeded', sameAs: null });
  });

  it('is looked at again where the school asked for that after an undo', async () => {
    await hand();
    await database.admin`
      insert into sync_settings (school_id, system_id, hold_next, updated_at) values (${schoolId()}, ${systemId()}, true, ${at()})`;
    const { row } = await hand();
    expect(row).toMatchObject({ state: 'succeeded', sameAs: null });
  });

  it('is read after all where something changed while its run was under way', async () => {
    await hand();
    const { syncRunId } = await receivePackage(web, {
      schoolId: schoolId(),
      systemId: systemId(),
      via: 'command',
      fileName: 'package.zip',
      uploadedBy: null,
      bytes: Readable.from([Buffer.from(packed)]),
    });
    const run = { schoolId: schoolId(), systemId: systemId(), syncRunId };
    const begun = await beginRun(sync, run);
    if (begun.kind !== 'fetch') throw new Error(begun.kind);
    const held = { ...run, fence: begun.fence };
    await stagePackage(sync, held, begun.toFetch.uploadId ?? '');
    await database.admin`update roster_person set missed_fetches = 1 where system_id = ${systemId()}`;
    expect(await applyRun(sync, held, begun.toFetch)).toEqual({ outcome: 'staging-lost' });
    const again = await runSync({ web, sync }, ports, school, syncRunId);
    expect(again.applied).toMatchObject({ outcome: 'applied' });
    expect(await database.admin`select state, same_as from sync_run where id = ${syncRunId}`).toEqual([
      { state: 'succeeded', same_as: null },
    ]);
  });
});
