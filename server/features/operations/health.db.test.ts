import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { takeWorkerLease } from '#server/jobs/worker-lease.ts';
import { health } from './health.ts';

describe('the health of the installation', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  const look = () => health(() => Promise.resolve({ database: database.web }));

  it('says that jobs are down while no worker shows a sign of life, and ok when one does', async () => {
    expect(await look()).toEqual({ status: 'down', database: 'ok', jobs: 'down' });
    const lease = await takeWorkerLease(database.syncUrl, 'embedded');
    await lease.beat();
    expect(await look()).toEqual({ status: 'ok', database: 'ok', jobs: 'ok' });
    await lease.end();
    expect(await look()).toEqual({ status: 'down', database: 'ok', jobs: 'down' });
  });

  it('says that the database is down where it cannot be opened', async () => {
    expect(await health(() => Promise.reject(new Error('refused')))).toEqual({
      status: 'down',
      database: 'down',
      jobs: 'down',
    });
  });
});
