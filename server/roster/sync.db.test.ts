import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { systemContext } from '#server/testing/actors.ts';
import { purgeBeyond } from './purge.ts';
import {
  makeSyncedSchool,
  type RecordedPorts,
  recordedPorts,
  runSync,
  type SyncedSchool,
} from './testing/sync-harness.ts';

const marketplaceScopes = ['roster.subjects', 'roster.streams', 'roster.groups'];
const slug = 'lindenhof';

describe('a sync of a school', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  let web: Context;
  let sync: Context;
  let ports: RecordedPorts;
  let school: SyncedSchool;
  const clock = fixedClock('2026-11-20T09:00:00Z');

  beforeAll(async () => {
    database = await createTestDatabase();
    web = await systemContext(database, { clock });
    sync = { ...web, database: database.sync };
  });
  afterAll(() => database.drop());

  beforeEach(async () => {
    sis = await startSis({ schools: [slug], schoolYear: 2026 });
    const { baseV1p2, tokenUrl, client } = sis.school(slug);
    const settings = { version: '1.2', baseUrl: baseV1p2, tokenUrl };
    ports = recordedPorts({ connector: 'oneroster', settings, secret: client });
    school = await makeSyncedSchool(database, {
      connector: 'oneroster',
      kind: 'sis',
      scopes: marketplaceScopes,
      settings,
    });
    return () => sis.close();
  });

  const run = (syncRunId?: string) => runSync({ web, sync }, ports, school, syncRunId);
  const count = async (table: string, where = 'gone_at is null') => {
    const [row] = await database.admin.unsafe(
      `select count(*)::int as n from ${table} where school_id = '${school.schoolId}' and ${where}`,
    );
    return row?.n;
  };
  const runRow = async (syncRunId: string) => {
    const [row] = await database.admin`select * from sync_run where id = ${syncRunId}`;
    return row;
  };
  const staged = async () =>
    (
      await database.admin`
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'staging' and c.relkind = 'r'
           and exists (select 1 from sync_run r where r.school_id = ${school.schoolId} and c.relname like '%' || replace(r.id::text, '-', ''))`
    ).length;
  const scheduled = () => [...sis.data(slug).classes.values()].filter((entry) => entry.kind === 'scheduled');

  it('brings subjects, streams, groups, sites and terms, and asks for no person', async () => {
    const { applied, syncRunId } = await run();
    expect(applied).toMatchObject({ outcome: 'applied' });
    expect(await count('roster_group')).toBe(scheduled().length);
    expect(await count('roster_group', "kind = 'class'")).toBe(0);
    expect(await count('roster_subject')).toBe(sis.data(slug).courses.size);
    expect(await count('roster_site')).toBe(5);
    expect(await count('roster_stream', "name = 'havo 4 Nature & Tech' and code = 'H4-NT'")).toBe(1);
    expect(await count('roster_group', "title = 'Biology H4-NT group 1' and stream_source_id is not null")).toBe(1);
    expect(await runRow(syncRunId)).toMatchObject({ state: 'succeeded', error_code: null });
    expect(await staged()).toBe(0);
    const asked = sis.requests(slug).map(({ path }) => path.split('/').at(-1));
    expect(new Set(asked)).toEqual(new Set(['token', 'orgs', 'academicSessions', 'courses', 'classes']));
    expect(JSON.stringify(ports.calls)).not.toContain(sis.school(slug).client.clientSecret);
  });

  it('changes nothing when nothing changed, and keeps every id', async () => {
    await run();
    const before =
      await database.admin`select id, source_id from roster_group where school_id = ${school.schoolId} order by id`;
    const { syncRunId } = await run();
    const after =
      await database.admin`select id, source_id from roster_group where school_id = ${school.schoolId} order by id`;
    expect(after).toEqual(before);
    expect((await runRow(syncRunId))?.progress).toMatchObject({
      groups: { added: 0, changed: 0, gone: 0, missing: 0, unchanged: before.length, complete: 1 },
      streams: { added: 0, changed: 0 },
    });
  });

  it('tells of no change where a version of ours before hashed otherwise', async () => {
    await run();
    const tables = ['roster_site', 'roster_term', 'roster_subject', 'roster_group', 'roster_stream'];
    for (const table of tables) {
      await database.admin.unsafe(`update ${table} set content_hash = 0 where school_id = '${school.schoolId}'`);
    }
    clock.advance(60_000);
    const { syncRunId } = await run();
    const none = { added: 0, changed: 0, gone: 0, missing: 0 };
    expect((await runRow(syncRunId))?.progress).toMatchObject({
      sites: none,
      terms: none,
      subjects: none,
      groups: none,
      streams: none,
    });
    const now = clock.now().toISOString();
    for (const table of tables) {
      expect(await count(table, `(changed_at >= '${now}' or content_hash = 0)`), table).toBe(0);
    }
    expect(await count('roster_change', `sync_run_id = '${syncRunId}'`)).toBe(0);
  });

  it('takes a record for gone only after two complete fetches without it, and gives it its old id when it returns', async () => {
    await run();
    const [left] = scheduled();
    if (left === undefined) throw new Error('the sandbox has no groups');
    const rowOf = async () =>
      (
        await database.admin`select id, gone_at, missed_fetches from roster_group where school_id = ${school.schoolId} and source_id = ${left.id}`
      )[0];
    const before = await rowOf();
    sis.data(slug).classes.delete(left.id);
    sis.data(slug).changed();
    await run();
    expect(await rowOf()).toMatchObject({ gone_at: null, missed_fetches: 1 });
    await run();
    expect(await rowOf()).toMatchObject({ gone_at: expect.any(Date) });
    sis.data(slug).classes.set(left.id, left);
    sis.data(slug).changed();
    await run();
    expect(await rowOf()).toEqual({ id: before?.id, gone_at: null, missed_fetches: 0 });
  });

  it('misses nothing by a fetch that lost a page', async () => {
    await run();
    for (let n = 0; n < 3; n++) {
      sis.faults.clear();
      sis.faults.add({ kind: 'clamped-limit', max: 50, path: '*/classes' });
      sis.faults.add({ kind: 'duplicate-page', path: '*/classes', nth: 2 });
      const { syncRunId } = await run();
      expect((await runRow(syncRunId))?.progress.groups).toMatchObject({ complete: 0, missing: 0, gone: 0 });
    }
    expect(await count('roster_group', 'missed_fetches > 0')).toBe(0);
  });

  it('holds a run that would remove more than a tenth, applies it after a yes, and asks again when it has changed', async () => {
    await run();
    const groups = scheduled();
    for (const { id } of groups.slice(0, 60)) sis.data(slug).classes.delete(id);
    sis.data(slug).changed();
    await run();
    const { applied, syncRunId } = await run();
    expect(applied).toEqual({ outcome: 'held' });
    expect(await count('roster_group')).toBe(groups.length);
    const held = await runRow(syncRunId);
    expect(held).toMatchObject({
      state: 'held',
      held: {
        reasons: expect.arrayContaining([
          expect.objectContaining({ collection: 'groups', site: null, kind: 'gone', upcoming: false }),
        ]),
      },
    });
    const shown =
      await database.admin`select name from held_change where sync_run_id = ${syncRunId} and collection = 'groups' and kind = 'gone'`;
    expect(shown).toHaveLength(60);
    await database.admin`update sync_run set state = 'queued', approved_fingerprint = ${held?.held.fingerprint} where id = ${syncRunId}`;
    expect((await run(syncRunId)).applied).toMatchObject({ outcome: 'applied' });
    expect(await count('roster_group')).toBe(groups.length - 60);
  });

  it('writes nothing when another has taken the run over, at whatever transaction that happens', async () => {
    const takenOverBefore = (n: number): Context => {
      let transactions = 0;
      const withSchool: Context['database']['withSchool'] = async (schoolId, work) => {
        transactions += 1;
        if (transactions === n)
          await database.admin`update sync_run set fence = fence + 1 where school_id = ${schoolId}`;
        return database.sync.withSchool(schoolId, work);
      };
      return { ...sync, database: { ...database.sync, withSchool } };
    };
    const attempt = (n: number) => runSync({ web, sync: takenOverBefore(n) }, ports, school);
    // The first takes the run: who takes over before that is simply the one who came before.
    let n = 2;
    for (; n < 100; n++) {
      const outcome = await attempt(n).then(
        () => 'applied',
        (error: unknown) => error,
      );
      if (outcome === 'applied') break;
      expect(outcome).toMatchObject({ code: 'state-forbids', details: { problem: 'lease-lost' } });
      expect(await count('roster_group', 'true')).toBe(0);
    }
    expect(n).toBeGreaterThan(8);
    expect(await count('roster_group')).toBe(scheduled().length);
  });

  it('comes to the same when every step is done twice, as after a crash before its answer was kept', async () => {
    const twice = await runSync({ web, sync }, ports, school, undefined, { everyStepTwice: true });
    const groups = scheduled().length;
    expect(twice.applied).toEqual({ outcome: 'applied', records: expect.any(Number) });
    expect(await count('roster_group')).toBe(groups);
    expect((await runRow(twice.syncRunId))?.progress.groups).toMatchObject({ added: groups, complete: 1 });
    for (const { id } of scheduled().slice(0, 60)) sis.data(slug).classes.delete(id);
    sis.data(slug).changed();
    await runSync({ web, sync }, ports, school, undefined, { everyStepTwice: true });
    expect(await count('roster_group', 'missed_fetches = 1')).toBe(60);
    expect((await runSync({ web, sync }, ports, school, undefined, { everyStepTwice: true })).applied).toEqual({
      outcome: 'held',
    });
    await database.admin`update "grant" set ended_at = now() where school_id = ${school.schoolId}`;
    await runSync({ web, sync }, ports, school, undefined, { everyStepTwice: true });
    expect(await database.admin`select facts from receipt where school_id = ${school.schoolId}`).toHaveLength(1);
  });

  it('sets a bad record aside with its reason and keeps what is known of it', async () => {
    await run();
    const [first] = scheduled();
    if (first === undefined) throw new Error('the sandbox has no groups');
    sis.data(slug).classes.set(first.id, { ...first, title: '', code: '' });
    sis.data(slug).changed();
    const { syncRunId } = await run();
    const aside =
      await database.admin`select collection, source_id, field, reason from set_aside_record where sync_run_id = ${syncRunId}`;
    expect(aside).toEqual([{ collection: 'groups', source_id: first.id, field: 'title', reason: 'name-missing' }]);
    expect(await count('roster_group', `source_id = '${first.id}' and title <> ''`)).toBe(1);
  });

  it('fetches for fewer scopes once the grant is narrower, and purges the rest with a receipt', async () => {
    await run();
    const groups = await count('roster_group');
    await database.admin`update "grant" set scopes = '{roster.subjects}' where school_id = ${school.schoolId}`;
    sis.log.clear();
    await run();
    expect(await count('roster_group')).toBe(0);
    expect(await count('roster_stream')).toBe(0);
    expect(await count('roster_subject')).toBeGreaterThan(0);
    expect(sis.requests(slug).some(({ path }) => path.endsWith('/classes'))).toBe(false);
    const [receipt] =
      await database.admin`select kind, facts, reason from receipt where school_id = ${school.schoolId}`;
    expect(receipt).toMatchObject({ kind: 'data-deleted', facts: { groups }, reason: 'grants-narrowed' });
  });

  it('holds nothing because less is shared: what stays has other content then', async () => {
    await run();
    await database.admin`update "grant" set scopes = '{roster.subjects,roster.groups}' where school_id = ${school.schoolId}`;
    expect((await run()).applied).toMatchObject({ outcome: 'applied' });
    expect(await count('roster_stream')).toBe(0);
    expect(await count('roster_group')).toBeGreaterThan(0);
  });

  it('asks for nothing and purges everything when nothing is granted', async () => {
    await run();
    await database.admin`update "grant" set ended_at = now() where school_id = ${school.schoolId}`;
    sis.log.clear();
    expect((await run()).begun).toMatchObject({ kind: 'nothing-granted' });
    expect(sis.requests(slug)).toEqual([]);
    for (const table of ['roster_site', 'roster_term', 'roster_subject', 'roster_stream', 'roster_group']) {
      expect(await count(table, 'true')).toBe(0);
    }
  });

  it('asks for nothing more once the grant has shrunk under it, and leaves no trace of what it fetched', async () => {
    const narrowed: RecordedPorts = {
      ...ports,
      // The approver narrows while sites are being read.
      withSession: async (ctx, use, work) => {
        const result = await ports.withSession(ctx, use, work);
        await database.admin`update "grant" set scopes = '{roster.subjects}' where school_id = ${school.schoolId}`;
        return result;
      },
    };
    const { syncRunId, applied } = await runSync({ web, sync }, narrowed, school);
    expect(applied).toBeNull();
    expect(await runRow(syncRunId)).toMatchObject({ state: 'discarded' });
    expect(await staged()).toBe(0);
    expect(sis.requests(slug).some(({ path }) => path.endsWith('/classes'))).toBe(false);
  });

  it('a purge discards a held run with its diff and what it staged, whoever begins it', async () => {
    await run();
    for (const { id } of scheduled().slice(0, 60)) sis.data(slug).classes.delete(id);
    sis.data(slug).changed();
    await run();
    const { applied, syncRunId } = await run();
    expect(applied).toEqual({ outcome: 'held' });
    expect(await staged()).toBeGreaterThan(0);
    await database.admin`update "grant" set ended_at = now() where school_id = ${school.schoolId}`;
    const { schoolId, systemId } = school;
    const purge = {
      schoolId,
      systemId,
      scopes: [],
      grants: [],
      sites: null,
      reason: 'nothing-granted',
      now: clock.now(),
    } as const;
    await web.database.withSchool(schoolId, (tx) => purgeBeyond(tx, purge));
    expect(await staged()).toBe(0);
    expect(await runRow(syncRunId)).toMatchObject({ state: 'discarded', held: null });
    expect(await count('roster_group', 'true')).toBe(0);
  });

  it('keeps only the sites to which the grant was narrowed, and what stands above and below them', async () => {
    const { admin } = database;
    const [own] =
      await admin`insert into site (id, school_id, name) values (gen_random_uuid(), ${school.schoolId}, 'Lindenhof  vakcollege') returning id`;
    await admin`update "grant" set sharing_rule = ${admin.json({ sites: [own?.id], streams: [], subjects: [], groups: [] })} where school_id = ${school.schoolId}`;
    await run();
    const names = await admin`select name, site_id from roster_site where school_id = ${school.schoolId} order by name`;
    expect(names).toEqual([
      { name: 'Lindenhof Schools', site_id: null },
      { name: 'Lindenhof Vakcollege', site_id: own?.id },
    ]);
    const sites =
      await admin`select distinct s.name from roster_group g join roster_site s on s.source_id = g.site_source_id and s.school_id = g.school_id where g.school_id = ${school.schoolId}`;
    expect(sites).toEqual([{ name: 'Lindenhof Vakcollege' }]);
  });

  it('joins a run that is under way', async () => {
    const { requestRun } = await import('./request-run.ts');
    const { runWork } = await import('#server/kernel/verb.ts');
    const { schoolId, systemId } = school;
    const ask = (trigger: 'hand' | 'amended') =>
      runWork(web, { schoolId }, (work) => requestRun(work, { schoolId, systemId, trigger }));
    const first = await ask('hand');
    expect(await ask('hand')).toEqual({ ...first, joined: true });
    expect(await ask('amended')).toEqual({ ...first, joined: true });
    await database.admin`update sync_run set state = 'running', lease_until = ${new Date(clock.now().getTime() + 60_000)} where id = ${first.syncRunId}`;
    expect(await ask('hand')).toEqual({ ...first, joined: true });
    const second = await ask('amended');
    expect(second).toMatchObject({ joined: false });
    await database.admin`delete from sync_run where id = ${second.syncRunId}`;
    await database.admin`update sync_run set lease_until = ${new Date(clock.now().getTime() - 1)} where id = ${first.syncRunId}`;
    expect(await ask('hand')).toMatchObject({ joined: false });
  });
});
