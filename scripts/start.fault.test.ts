import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { databaseFolder } from './lib/installation.ts';
import { portProblem } from './lib/ports.ts';
import { freePort, runningServer } from './lib/postgres.ts';
import { isAlive, type RecordedProcess, recordOf } from './lib/process-mark.ts';
import { type RunningScript, startScript } from './testing/run-script.ts';

const children = z.array(z.object({ name: z.string(), pid: z.int(), mark: z.string() }));
const ready = 'Ctrl-C stops everything';

/** The first start builds the pages and tells the demo's story; on a machine that does much else both take their time. */
const firstStartMs = 400_000;

describe('npm start', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'crosswalk-killed-'));
  let ports: Record<string, string>;
  let running: RunningScript;
  const start = () => {
    running = startScript('scripts/start.ts', [], { ...ports, DATA_DIR: dataDir });
    return running;
  };
  const processes = () => children.parse(JSON.parse(readFileSync(join(dataDir, 'processes.json'), 'utf8')));
  const server = (): RecordedProcess => {
    const line = readFileSync(join(databaseFolder(dataDir), 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0];
    const record = recordOf(Number(line));
    if (record === null) throw new Error('PostgreSQL does not run');
    return record;
  };
  const health = async () => (await fetch(`http://127.0.0.1:${ports.PORT ?? ''}/api/health`)).status;
  const untilDead = async (records: readonly RecordedProcess[]) => {
    while (records.some(isAlive)) await new Promise((done) => setTimeout(done, 20));
  };

  beforeAll(async () => {
    ports = {};
    for (const name of [
      'PORT',
      'WORKER_PORT',
      'SANDBOX_SIS_PORT',
      'SANDBOX_CANVAS_PORT',
      'SANDBOX_MOODLE_PORT',
      'SANDBOX_PULLER_PORT',
    ])
      ports[name] = String(await freePort());
  });
  afterAll(async () => {
    running.child.kill('SIGINT');
    await running.ended;
    await runningServer(databaseFolder(dataDir))?.stop();
    rmSync(databaseFolder(dataDir), { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  });

  it(
    'is ready with worker, web and sandboxes, each with its log',
    async () => {
      await start().until(ready);
      expect(processes().map((child) => child.name)).toEqual([
        'sandbox sis',
        'sandbox canvas',
        'sandbox moodle',
        'sandbox puller',
        'worker',
        'web',
      ]);
      expect(await health()).toBe(200);
      expect(existsSync(join(dataDir, 'logs', 'worker.log'))).toBe(true);
    },
    firstStartMs,
  );

  it('after kill -9 of itself ends what it left running and takes over its PostgreSQL', async () => {
    const before = processes();
    const postgres = server();
    running.child.kill('SIGKILL');
    await running.ended;
    expect(before.every(isAlive)).toBe(true);
    await start().until(ready);
    expect(running.output()).toContain('Ending what an earlier start left running: sandbox sis,');
    expect(before.some(isAlive)).toBe(false);
    expect(server()).toEqual(postgres);
    expect(await health()).toBe(200);
  });

  it('after kill -9 of everything starts again with the same data', async () => {
    const everything = [...processes(), server()];
    running.child.kill('SIGKILL');
    for (const { pid } of everything) process.kill(pid, 'SIGKILL');
    await running.ended;
    await untilDead(everything);
    await start().until(ready);
    expect(running.output()).not.toContain('Making the tables');
    expect(await health()).toBe(200);
  });

  it('starts a part again that is killed', async () => {
    const worker = processes().find((child) => child.name === 'worker');
    if (worker === undefined) throw new Error('no worker');
    process.kill(worker.pid, 'SIGKILL');
    await running.until('worker stopped (SIGKILL); it is started again');
    await expect
      .poll(() => processes().find((child) => child.name === 'worker')?.pid, { timeout: 20_000 })
      .not.toBe(undefined);
    await expect.poll(health, { timeout: 30_000 }).toBe(200);
  });

  it('stops everything at Ctrl-C and leaves no process and no port', async () => {
    const everything = [...processes(), server()];
    running.child.kill('SIGINT');
    const { code } = await running.ended;
    expect(code).toBe(0);
    expect(everything.filter(isAlive)).toEqual([]);
    expect(existsSync(join(dataDir, 'start.json'))).toBe(false);
    expect(existsSync(join(dataDir, 'processes.json'))).toBe(false);
    for (const port of Object.values(ports)) expect(await portProblem(Number(port), '127.0.0.1')).toBeNull();
  });

  it('stops everything also where Ctrl-C comes while it is starting', async () => {
    const starting = start();
    await starting.until('Starting PostgreSQL');
    starting.child.kill('SIGINT');
    const { code, stderr } = await starting.ended;
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(runningServer(databaseFolder(dataDir))).toBeNull();
    expect(existsSync(join(dataDir, 'start.json'))).toBe(false);
  });
});
