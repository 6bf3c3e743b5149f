import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { freePort } from './lib/postgres.ts';
import { runScript } from './testing/run-script.ts';

const report = z.object({
  healthy: z.boolean(),
  findings: z.array(z.object({ check: z.string(), state: z.string(), sentence: z.string() })),
});

describe('npm run doctor', () => {
  let database: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-doctor-'));
  const run = async (env: Record<string, string>, ...args: string[]) => {
    const ports: Record<string, string> = {};
    for (const name of [
      'PORT',
      'WORKER_PORT',
      'SANDBOX_SIS_PORT',
      'SANDBOX_CANVAS_PORT',
      'SANDBOX_MOODLE_PORT',
      'SANDBOX_PULLER_PORT',
    ])
      ports[name] = String(await freePort());
    return runScript('scripts/doctor.ts', args, { ...ports, DATA_DIR: folder, ...env });
  };

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('ends with 1 and names every mistake where the configuration is unsound', async () => {
    const { code, stdout } = await run({ CROSSWALK_URL: 'https://crosswalk.example.org' }, '--json');
    const { healthy, findings } = report.parse(JSON.parse(stdout));
    expect(code).toBe(1);
    expect(healthy).toBe(false);
    expect(findings.filter((finding) => finding.state === 'wrong')).toHaveLength(3);
  });

  it('ends with 1 where the worker is not there, and shows neither key nor password', async () => {
    const { code, stdout, stderr } = await run({
      DATABASE_URL: database.adminUrl,
      CROSSWALK_MASTER_KEY: database.masterKey,
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/✗ worker +No worker has ever run here/);
    expect(stdout).toMatch(/1 thing is wrong\.\n$/);
    expect(stdout).not.toContain(database.masterKey);
    expect(stdout).not.toContain(new URL(database.adminUrl).password);
    expect(code).toBe(1);
  });

  it('ends with 0 where nothing is wrong', async () => {
    await database.admin`insert into jobs.worker (id, executor) values ('01890000-0000-7000-8000-00000000000a', 'embedded')`;
    const { code, stdout } = await run({
      DATABASE_URL: database.adminUrl,
      CROSSWALK_MASTER_KEY: database.masterKey,
    });
    expect(stdout).toMatch(/Nothing is wrong\.\n$/);
    expect(code).toBe(0);
  });

  it('finds nothing wrong before the first start', async () => {
    const { code, stdout } = await run({ DATA_DIR: join(folder, 'new') });
    expect(stdout).toContain('npm start makes the database');
    expect(code).toBe(0);
  });
});
