import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { makeSyncedSchool, type SyncedSchool } from '#server/roster/testing/sync-harness.ts';
import { contextFor, makeAgent, makeAgreement, systemContext, testNow } from '#server/testing/actors.ts';
import { agentSyncProgress } from './agent-sync-progress.ts';
import { applyHeldRun } from './apply-held-run.ts';
import { discardHeldRun } from './discard-held-run.ts';
import { listCalls } from './list-calls.ts';
import { listRuns } from './list-runs.ts';
import { requestSync } from './request-sync.ts';
import { runDetail } from './run-detail.ts';
import { syncProgress } from './sync-progress.ts';
import { createSyncWork } from './sync-work.ts';

const held = {
  fingerprint: 'as-shown',
  reasons: [{ collection: 'groups', site: null, kind: 'gone', field: null, count: 60, of: 396, limit: 0.1 }],
  collections: {},
};

describe('what people do with syncs', () => {
  let database: TestDatabase;
  let school: SyncedSchool;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  const make = async () => {
    school = await makeSyncedSchool(database, {
      connector: 'oneroster',
      kind: 'sis',
      scopes: ['roster.groups'],
      settings: {},
    });
    return school;
  };
  const events = () =>
    database.admin`select data from outbox where school_id = ${school.schoolId} and name = 'sync/requested' order by id`;
  const heldRun = async () => {
    const id = newId();
    await database.admin`
      insert into sync_run (id, school_id, system_id, trigger, state, phase, held, progress, created_at)
      values (${id}, ${school.schoolId}, ${school.systemId}, 'schedule', 'held', 'guard', ${database.admin.json(held)},
              ${database.admin.json({ groups: { fetched: 336, total: 336, gone: 60, complete: 1 } })}, ${testNow})`;
    return id;
  };

  it('"sync now" queues one run, which a second click joins', async () => {
    const { schoolId, systemId, people } = await make();
    const ctx = await contextFor(database, people['technical-contact']);
    const first = await requestSync({ ctx, input: { schoolId, systemId } });
    expect(first.joined).toBe(false);
    expect(await requestSync({ ctx, input: { schoolId, systemId } })).toEqual({ ...first, joined: true });
    expect(await events()).toEqual([{ data: { schoolId, systemId, syncRunId: first.syncRunId } }]);
    expect(await syncProgress({ ctx, input: { schoolId } })).toMatchObject([
      { systemId, run: { state: 'queued', trigger: 'hand' } },
    ]);
  });

  it('"sync now" without a live grant says so, and for a system of another school that there is none', async () => {
    const { schoolId, people } = await make();
    const other = school.systemId;
    await make();
    const ctx = await contextFor(database, school.people['school-administrator']);
    await expect(requestSync({ ctx, input: { schoolId: school.schoolId, systemId: other } })).rejects.toMatchObject({
      code: 'not-found',
    });
    await database.admin`update "grant" set ended_at = now() where school_id = ${schoolId}`;
    const theirs = await contextFor(database, people['school-administrator']);
    await expect(requestSync({ ctx: theirs, input: { schoolId, systemId: other } })).rejects.toMatchObject({
      code: 'grant-not-live',
    });
  });

  it('a held run shows its diff, and a yes to exactly that diff queues it again', async () => {
    const { schoolId, systemId, people } = await make();
    const ctx = await contextFor(database, people['school-administrator']);
    const syncRunId = await heldRun();
    expect(await runDetail({ ctx, input: { schoolId, syncRunId } })).toMatchObject({
      run: { state: 'held', counts: [{ collection: 'groups', gone: 60, complete: true }] },
      held,
      isNewest: true,
    });
    await expect(applyHeldRun({ ctx, input: { schoolId, syncRunId, fingerprint: 'another' } })).rejects.toMatchObject({
      code: 'changed-meanwhile',
    });
    await applyHeldRun({ ctx, input: { schoolId, syncRunId, fingerprint: held.fingerprint, as: 'additions' } });
    expect(await events()).toEqual([{ data: { schoolId, systemId, syncRunId } }]);
    const [row] =
      await database.admin`select state, approved_fingerprint, applied_as, decided_by from sync_run where id = ${syncRunId}`;
    expect(row).toEqual({
      state: 'queued',
      approved_fingerprint: held.fingerprint,
      applied_as: 'additions',
      decided_by: people['school-administrator'].userId,
    });
    await expect(
      applyHeldRun({ ctx, input: { schoolId, syncRunId, fingerprint: held.fingerprint } }),
    ).rejects.toMatchObject({
      code: 'state-forbids',
    });
  });

  it('a no discards it, and only a school administrator says either', async () => {
    const { schoolId, people } = await make();
    const syncRunId = await heldRun();
    const input = { schoolId, syncRunId, fingerprint: held.fingerprint };
    for (const role of ['approver', 'technical-contact', 'signatory'] as const) {
      const ctx = await contextFor(database, people[role]);
      await expect(discardHeldRun({ ctx, input })).rejects.toMatchObject({ code: 'forbidden' });
      await expect(applyHeldRun({ ctx, input })).rejects.toMatchObject({ code: 'forbidden' });
    }
    const ctx = await contextFor(database, people['school-administrator']);
    await discardHeldRun({ ctx, input });
    expect((await runDetail({ ctx, input })).run.state).toBe('discarded');
  });

  it('runs and calls are paged, newest first', async () => {
    const { schoolId, systemId, people } = await make();
    const ctx = await contextFor(database, people.approver);
    for (let n = 0; n < 52; n++) {
      await database.admin`
        insert into sync_run (id, school_id, system_id, trigger, state, created_at) values (${newId()}, ${schoolId}, ${systemId}, 'schedule', 'succeeded', ${testNow})`;
      await database.admin`
        insert into system_call (id, school_id, system_id, at, purpose, method, path, status, rows, milliseconds)
        values (${newId()}, ${schoolId}, ${systemId}, ${testNow}, 'sync', 'GET', '/classes?limit=1000', 200, ${n}, 12)`;
    }
    const first = await listRuns({ ctx, input: { schoolId } });
    expect(first.runs).toHaveLength(50);
    const second = await listRuns({ ctx, input: { schoolId, before: first.next ?? '' } });
    expect(second).toMatchObject({ runs: { length: 2 }, next: null });
    const { calls } = await listCalls({ ctx, input: { schoolId, systemId } });
    expect(calls.map((call) => call.rows)).toEqual([...Array(52).keys()].reverse());
  });

  it('an agent with an agreement sees counts and nothing else; another agent sees nothing', async () => {
    await make();
    await heldRun();
    const { schoolId, systemId } = school;
    const [mine, other] = [await makeAgent(database), await makeAgent(database)];
    await makeAgreement(database, school, { agentId: mine.agentId });
    const ctx = await contextFor(database, mine.agent);
    const [row] = await agentSyncProgress({ ctx, input: { agentId: mine.agentId, schoolId } });
    expect(row).toMatchObject({ systemId, state: 'held', counts: [{ collection: 'groups', fetched: 336 }] });
    expect(Object.keys(row ?? {}).sort()).toEqual([
      'counts',
      'finishedAt',
      'kind',
      'phase',
      'startedAt',
      'state',
      'systemId',
    ]);
    const theirs = await contextFor(database, other.agent);
    await expect(agentSyncProgress({ ctx: theirs, input: { agentId: other.agentId, schoolId } })).rejects.toMatchObject(
      {
        code: 'forbidden',
      },
    );
  });

  it('the schedule asks for what is older than two hours, once, and for nothing that is held or cannot be asked', async () => {
    await make();
    const { schoolId, systemId } = school;
    const context = await systemContext(database);
    const work = createSyncWork(
      { web: () => context, sync: () => ({ ...context, database: database.sync }) },
      {
        withSession: () => Promise.reject(new Error('not asked here')),
        onSyncSucceeded: async () => undefined,
        onSyncHeld: async () => undefined,
        onSyncFailed: async () => undefined,
      },
    );
    const requested = async () => {
      await work.requestDue({ runId: 'r' });
      return (await events()).length;
    };
    // No proved credential: nobody could be asked.
    expect(await requested()).toBe(0);
    await database.admin`
      insert into credential (id, school_id, system_id, state, proved_at) values (${newId()}, ${schoolId}, ${systemId}, 'proved', ${testNow})`;
    expect(await requested()).toBe(1);
    expect(await requested()).toBe(1);
    const past = new Date(new Date(testNow).getTime() - 3 * 3_600_000);
    await database.admin`update sync_run set state = 'succeeded', created_at = ${past} where school_id = ${schoolId}`;
    expect(await requested()).toBe(2);
    await database.admin`update sync_run set state = 'held', created_at = ${past} where school_id = ${schoolId} and state = 'queued'`;
    expect(await requested()).toBe(2);
  });
});
