import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { applyHeldRun } from '#server/features/sync/apply-held-run.ts';
import { discardHeldRun } from '#server/features/sync/discard-held-run.ts';
import { requestSync } from '#server/features/sync/request-sync.ts';
import { createSyncWork } from '#server/features/sync/sync-work.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { silentLogger } from '#server/kernel/log.ts';
import {
  makeSyncedSchool,
  type RecordedPorts,
  recordedPorts,
  type SyncedSchool,
} from '#server/roster/testing/sync-harness.ts';
import { contextFor, systemContext } from '#server/testing/actors.ts';
import { embeddedTarget } from '../fixtures/worker-process.ts';
import { startWorker, type Worker } from '../start-worker.ts';
import { syncSystem } from './sync-system.ts';

const { keys } = embeddedTarget();
const slug = 'waterkant';
const scopes = ['roster.subjects', 'roster.streams', 'roster.groups'];

describe('a sync as a job', () => {
  let database: TestDatabase;
  let worker: Worker;
  let sis: RunningSis;
  let school: SyncedSchool;
  let ports: RecordedPorts;
  let told: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    const context = await systemContext(database, { clock: systemClock });
    const work = createSyncWork(
      { web: () => context, sync: () => ({ ...context, database: database.sync }) },
      {
        withSession: (ctx, use, run) => ports.withSession(ctx, use, run),
        onSyncSucceeded: async (_ctx, { records }) => void told.push(`succeeded ${records}`),
        onSyncHeld: async () => void told.push('held'),
        onSyncFailed: async (_ctx, { error }) => void told.push(`failed ${error.code} ${String(error.details.status)}`),
      },
    );
    worker = await startWorker({
      databaseUrl: database.syncUrl,
      keys,
      logger: silentLogger,
      port: 0,
      functions: (client) => [syncSystem(client, { sync: work })],
      executor: { retryBackOff: { baseMs: 20, maxMs: 100 } },
    });
  });
  afterAll(async () => {
    await worker?.stop(1_000);
    await database?.drop();
  });

  beforeEach(async () => {
    told = [];
    sis = await startSis({ schools: [slug] });
    const { baseV1p2, tokenUrl, client } = sis.school(slug);
    const settings = { version: '1.2', baseUrl: baseV1p2, tokenUrl };
    ports = recordedPorts({ connector: 'oneroster', settings, secret: client });
    school = await makeSyncedSchool(database, { connector: 'oneroster', kind: 'sis', scopes, settings });
    return () => sis.close();
  });

  const administrator = () => contextFor(database, school.people['school-administrator'], { clock: systemClock });
  const request = async () => {
    const { schoolId, systemId } = school;
    return requestSync({ ctx: await administrator(), input: { schoolId, systemId } });
  };
  const reaches = async (syncRunId: string, state: string) => {
    const row = await vi.waitFor(
      async () => {
        const [found] = await database.admin`select * from sync_run where id = ${syncRunId}`;
        expect(found?.state).toBe(state);
        return found;
      },
      { timeout: 20_000, interval: 30 },
    );
    return row;
  };
  const groups = async () =>
    (
      await database.admin`select count(*)::int as n from roster_group where school_id = ${school.schoolId} and gone_at is null`
    )[0]?.n;
  const staged = async (syncRunId: string) =>
    (
      await database.admin`
        select count(*)::int as n from pg_class c join pg_namespace s on s.oid = c.relnamespace
         where s.nspname = 'staging' and c.relkind = 'r' and c.relname like ${`%\\_${syncRunId.replaceAll('-', '')}`}`
    )[0]?.n;
  const isTold = (what: unknown) => vi.waitFor(() => expect(told).toEqual(what), { timeout: 20_000, interval: 30 });

  it('brings the roster and tells the connection once', async () => {
    const { syncRunId } = await request();
    await reaches(syncRunId, 'succeeded');
    await isTold([expect.stringMatching(/^succeeded \d+$/)]);
    expect(await groups()).toBeGreaterThan(50);
    expect(sis.requests(slug).some(({ path }) => /users|students|teachers|enrollments|demographics/.test(path))).toBe(
      false,
    );
  });

  it('waits where it is told to wait, goes on behind what it has, and survives what passes', async () => {
    sis.faults.add({ kind: 'clamped-limit', max: 20, path: '*/classes' });
    sis.faults.add({ kind: 'rate-limit', seconds: 1, path: '*/classes', nth: 3 });
    sis.faults.add({ kind: 'server-error', path: '*/courses', nth: 1 });
    sis.faults.add({ kind: 'truncated', path: '*/orgs', nth: 1 });
    const { syncRunId } = await request();
    const row = await reaches(syncRunId, 'succeeded');
    expect(row?.progress.groups).toMatchObject({ complete: 1 });
    expect(row).toMatchObject({ error_code: null, error_details: null });
    // The pages before the refusal were not asked for again.
    const pages = sis.requests(slug).filter(({ path, status }) => path.endsWith('/classes') && status === 200);
    expect(new Set(pages.map(({ query }) => query)).size).toBe(pages.length);
    // The run has succeeded before its job has told so: wait, or it is told in the next test.
    await isTold([expect.stringMatching(/^succeeded \d+$/)]);
  });

  it('a client that was deleted over there fails the run at once, with the cause and nothing staged', async () => {
    const { syncRunId: first } = await request();
    await reaches(first, 'succeeded');
    const before = await groups();
    sis.deleteClient(slug, sis.school(slug).client.clientId);
    const { syncRunId } = await request();
    const row = await reaches(syncRunId, 'failed');
    expect(row).toMatchObject({
      error_code: 'credential-refused',
      error_details: { status: 401, oauthError: 'invalid_client' },
    });
    await isTold([expect.stringMatching(/^succeeded/), 'failed credential-refused 401']);
    expect(await staged(syncRunId)).toBe(0);
    expect(await groups()).toBe(before);
  });

  it('a held run waits with what it fetched; a yes applies it, a no drops it', async () => {
    await reaches((await request()).syncRunId, 'succeeded');
    const before = await groups();
    const all = [...sis.data(slug).classes.values()].filter((entry) => entry.kind === 'scheduled');
    for (const { id } of all.slice(0, 40)) sis.data(slug).classes.delete(id);
    sis.data(slug).changed();
    await reaches((await request()).syncRunId, 'succeeded');
    const { schoolId } = school;
    const ctx = await administrator();

    const refused = (await request()).syncRunId;
    const heldRow = await reaches(refused, 'held');
    expect(await staged(refused)).toBeGreaterThan(0);
    await discardHeldRun({ ctx, input: { schoolId, syncRunId: refused, fingerprint: heldRow?.held.fingerprint } });
    await vi.waitFor(async () => expect(await staged(refused)).toBe(0), { timeout: 20_000, interval: 30 });
    expect(await groups()).toBe(before);

    const syncRunId = (await request()).syncRunId;
    const row = await reaches(syncRunId, 'held');
    const asked = sis.requests(slug).length;
    await applyHeldRun({ ctx, input: { schoolId, syncRunId, fingerprint: row?.held.fingerprint } });
    await reaches(syncRunId, 'succeeded');
    expect(await groups()).toBe((before ?? 0) - 40);
    expect(sis.requests(slug)).toHaveLength(asked);
    await isTold([
      expect.stringMatching(/^succ/),
      expect.stringMatching(/^succ/),
      'held',
      'held',
      expect.stringMatching(/^succ/),
    ]);
  });
});
