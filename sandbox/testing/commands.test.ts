import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { ask } from './http.ts';

const run = promisify(execFile);
const command = (path: string): string => resolve(import.meta.dirname, '..', path);
const summary = z.object({ rows: z.record(z.string(), z.int()), peakRssMib: z.number() });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'commands-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('write-package writes a package and prints its rows', async () => {
  const out = join(folder, 'p.zip');
  const args = ['--school', 'waterkant', '--version', '1.1', '--changed', '5', '--delta', '--out', out];
  const { stdout } = await run(process.execPath, [command('generator/write-package.ts'), ...args]);
  expect(summary.parse(JSON.parse(stdout)).rows.users).toBeGreaterThan(5);
  expect(Object.keys(unzipSync(readFileSync(out)))).toContain('users.csv');
  await expect(
    run(process.execPath, [command('generator/write-package.ts'), '--out', out, '--delta']),
  ).rejects.toThrow();
});

test('write-pages writes what serve-pages serves, which tells its addresses and what it has cost', async () => {
  const args = ['--school', 'waterkant', '--out', join(folder, 'pages')];
  const { stdout } = await run(process.execPath, [command('sis/write-pages.ts'), ...args]);
  expect(summary.parse(JSON.parse(stdout)).rows.students).toBeGreaterThan(150);
  const serving = [command('sis/serve-pages.ts'), '--folder', join(folder, 'pages'), '--port', '0'];
  const peer = spawn(process.execPath, serving, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = async (): Promise<unknown> =>
    JSON.parse(String(z.array(z.unknown()).parse(await once(peer.stdout, 'data'))[0]));
  const { url } = z.object({ url: z.url() }).parse(await said());
  expect((await ask(`${url}/_sandbox/health`)).body).toEqual({ status: 'ok' });
  const ended = once(peer, 'exit');
  const cost = said();
  peer.kill('SIGTERM');
  expect(await cost).toMatchObject({ cpuSeconds: expect.any(Number), requests: 0 });
  expect(await ended).toEqual([0, null]);
});
