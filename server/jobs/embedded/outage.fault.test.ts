import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { embeddedTarget, type WorkerProcess, workerProcess } from '../fixtures/worker-process.ts';

let database: TestDatabase;
let worker: WorkerProcess;
beforeAll(async () => {
  database = await createTestDatabase();
  worker = await workerProcess(embeddedTarget(), database);
  await worker.start();
});
afterAll(async () => {
  await worker?.close();
  await database?.drop();
});

const cutOff = () => database.admin`
  select pg_terminate_backend(pid) from pg_stat_activity
   where datname = current_database() and pid <> pg_backend_pid() and usename = 'crosswalk_sync'`;

test('a worker whose connections the database cuts, again and again, lives on and finishes its work', async () => {
  const keys = Array.from({ length: 15 }, () => newId());
  await worker.send(keys.map((key) => ({ name: 'conformance/steps', data: { key } })));
  for (let cuts = 0; cuts < 3; cuts++) {
    const before = await Promise.all(keys.map((key) => worker.effects(key)));
    await cutOff();
    await vi.waitFor(
      async () => {
        const now = await Promise.all(keys.map((key) => worker.effects(key)));
        const finished = now.every((effects) => effects.includes('result:3'));
        expect(finished || now.flat().length > before.flat().length).toBe(true);
      },
      { timeout: 30_000, interval: 50 },
    );
  }
  await vi.waitFor(
    async () => {
      for (const key of keys) expect(await worker.effects(key)).toContain('result:3');
    },
    { timeout: 60_000, interval: 50 },
  );
  // The very process that was cut off: it ends by our word and cleanly.
  expect(await worker.terminate()).toBe(0);
});

test('two workers over one database share the work, and what one was doing when it was killed the other does', async () => {
  const other = await workerProcess(embeddedTarget(), database);
  await Promise.all([worker.start(), other.start()]);
  const keys = Array.from({ length: 30 }, () => newId());
  await worker.send(keys.map((key) => ({ name: 'conformance/steps', data: { key } })));
  await vi.waitFor(async () =>
    expect((await Promise.all(keys.map((key) => worker.effects(key)))).flat().length).toBeGreaterThan(10),
  );
  await worker.kill();
  await vi.waitFor(
    async () => {
      for (const key of keys) expect(await other.effects(key)).toContain('result:3');
    },
    { timeout: 30_000, interval: 50 },
  );
  await other.close();
});
