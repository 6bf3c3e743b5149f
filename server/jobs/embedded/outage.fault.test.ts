import { setTimeout as wait } from 'node:timers/promises';
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

/** What `npm start` and every init system do. */
async function supervise(done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error('the work is not done after a minute');
    if (!worker.alive()) await worker.start();
    await wait(50);
  }
}

test('a worker whose connections the database cuts, again and again, finishes its work', async () => {
  const keys = Array.from({ length: 15 }, () => newId());
  const effects = async () => (await Promise.all(keys.map((key) => worker.effects(key)))).flat();
  const finished = async () => (await effects()).filter((what) => what === 'result:3').length >= keys.length;
  await worker.send(keys.map((key) => ({ name: 'conformance/steps', data: { key } })));
  for (let cuts = 0; cuts < 3; cuts++) {
    const before = (await effects()).length;
    await cutOff();
    await supervise(async () => (await finished()) || (await effects()).length > before);
  }
  await supervise(finished);
  await supervise(async () => worker.alive());
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
