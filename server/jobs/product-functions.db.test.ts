import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { loadEnvironment } from '#server/kernel/env.ts';
import { silentLogger } from '#server/kernel/log.ts';
import { productFunctions } from './functions.ts';
import { jobsHealth } from './health.ts';
import { embeddedKeys } from './keys.ts';
import { type JobProcess, jobKeys, openJobProcess } from './product-ports.ts';
import { startWorker, type Worker } from './start-worker.ts';

let database: TestDatabase;
let product: JobProcess;
let worker: Worker;

beforeAll(async () => {
  database = await createTestDatabase();
  const env = loadEnvironment({
    DATABASE_URL: database.adminUrl,
    DATABASE_WEB_URL: database.webUrl,
    DATABASE_SYNC_URL: database.syncUrl,
    CROSSWALK_MASTER_KEY: database.masterKey,
  });
  product = await openJobProcess(env, silentLogger);
  worker = await startWorker({
    databaseUrl: product.syncUrl,
    keys: product.keys,
    logger: silentLogger,
    port: 0,
    functions: (client) => productFunctions(client, product.ports),
  });
});
afterAll(async () => {
  await worker?.stop(1_000);
  await product?.close();
  await database?.drop();
});

test('the embedded executor takes every function of the product, with the options that it has', async () => {
  const health = await fetch(`${worker.origin}/health`);
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
  expect((await jobsHealth(database.web)).status).toBe('ok');
});

test('the heartbeat is written through the ports of the product', async () => {
  expect((await jobsHealth(database.web)).pulseAgeMs).toBeNull();
  await product.ports.recordPulse();
  await vi.waitFor(async () => expect((await jobsHealth(database.web)).pulseAgeMs).toBeLessThan(5_000));
});

test('the keys of the embedded executor follow the master key, and the one before still holds', () => {
  const [now] = [embeddedKeys([{ base64: 'new' }, { base64: 'old' }])];
  const before = embeddedKeys([{ base64: 'old' }]);
  expect(now.signingKeyFallback).toBe(before.signingKey);
  expect(now.signingKey).not.toBe(before.signingKey);
  expect(now.signingKey).toMatch(/^signkey-embedded-[0-9a-f]{64}$/);
});

test('with an Inngest server its keys are used', () => {
  const env = loadEnvironment({
    INNGEST_BASE_URL: 'http://127.0.0.1:8288',
    INNGEST_SIGNING_KEY: 'ab'.repeat(32),
    INNGEST_SIGNING_KEY_FALLBACK: 'cd'.repeat(32),
    INNGEST_EVENT_KEY: 'event-key',
  });
  expect(jobKeys(env)).toEqual({
    signingKey: 'ab'.repeat(32),
    signingKeyFallback: 'cd'.repeat(32),
    eventKey: 'event-key',
  });
});
