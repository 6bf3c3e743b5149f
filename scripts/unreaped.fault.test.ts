import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { databaseFolder } from './lib/installation.ts';
import { startEmbeddedPostgres } from './lib/postgres.ts';

/** In a container whose first process waits for nobody, a killed server stays in the process table for ever. */
describe.runIf(process.platform === 'linux')('a killed server that nobody waited for', () => {
  const folder = databaseFolder(mkdtempSync(join(tmpdir(), 'crosswalk-unreaped-')));
  let parent: ChildProcess | undefined;
  afterAll(() => {
    parent?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const state = (pid: number) => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];

  it('does not keep the next one from starting on its data', async () => {
    const first = await startEmbeddedPostgres({ dataDir: folder, port: 0, throwAway: true });
    const file = join(folder, 'cluster', 'postmaster.pid');
    const lines = readFileSync(file, 'utf8').split('\n');
    const { uid, gid } = statSync(file);
    await first.stop();
    // As the server's own user: PostgreSQL takes no notice of processes that it may not signal.
    // The child ends once its parent has become a program that waits for nobody.
    const script = '(until grep -q sleep /proc/$$/comm; do :; done) & echo $!; exec sleep 600';
    const adopter = spawn('sh', ['-c', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: '/',
      uid,
      gid,
    });
    parent = adopter;
    const pid = await new Promise<number>((resolve) => {
      adopter.stdout.once('data', (text: Buffer) => resolve(Number(text.toString('utf8').trim())));
    });
    await expect.poll(() => state(pid)).toBe('Z');

    expect(existsSync(file)).toBe(false);
    writeFileSync(file, [String(pid), ...lines.slice(1)].join('\n'), { mode: 0o600 });
    chownSync(file, uid, gid);

    const second = await startEmbeddedPostgres({ dataDir: folder, port: 0, throwAway: true });
    expect(readFileSync(file, 'utf8').split('\n')[0]).not.toBe(String(pid));
    await second.stop();
  });
});
