import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { z } from 'zod';
import { openDatabase } from '#db/client.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { newId } from '#server/kernel/ids.ts';
import { runWork } from '#server/kernel/verb.ts';
import { receivePackage } from '#server/roster/receive-package.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { makeSyncedSchool } from '#server/roster/testing/sync-harness.ts';
import { type Bench, rounded } from './lib/bench.ts';
import { measureLimit } from './lib/copy-and-merge.ts';
import { measureDrizzle } from './lib/drizzle-inserts.ts';
import { scratchDatabase } from './lib/scratch-database.ts';

const outcomeSchema = z.object({
  seconds: z.number(),
  rssMib: z.number(),
  outcome: z.string().nullable(),
  records: z.number(),
});
const peerSchema = z.object({
  baseUrl: z.string(),
  tokenUrl: z.string(),
  url: z.string(),
  client: z.object({ clientId: z.string(), clientSecret: z.string() }),
});
const usageSchema = z.object({ cpuSeconds: z.number() });

const scopes = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
];
/** As `npm start` runs the worker. */
const workerFlags = ['--max-semi-space-size=2', '--max-old-space-size=192'];
const sizes = ['demo', 'district', 'metropolis'];
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Runs a command of ours and gives back the last line that it printed. */
function output(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let last = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      last = line;
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(last) : reject(new Error(`${args.join(' ')} ended with ${code}`)),
    );
  });
}

/** A first sync, an unchanged one and one with a hundredth changed, beside what the same database takes for the bare writing. */
export const bench: Bench = {
  about: 'A sync of a whole roster through the real engine, beside COPY and MERGE of the same rows.',
  options: { size: 'metropolis', source: 'csv', keep: '' },
  run: async (say, { size = '', source = '', keep = '' }) => {
    if (!sizes.includes(size) || !['csv', 'rest'].includes(source)) {
      throw new Error(`--size is one of ${sizes.join(', ')}, --source is csv or rest`);
    }
    const folder = keep === '' ? mkdtempSync(join(tmpdir(), 'crosswalk-bench-sync-')) : keep;
    const database = await scratchDatabase();
    const admin = postgres(database.adminUrl, { max: 2, onnotice: () => undefined });
    const web = openDatabase(database.webUrl, { max: 3 });
    const sync = openDatabase(database.syncUrl, { max: 3 });
    const stops: (() => void)[] = [];
    try {
      const keyring = await loadKeyring(web, { masterKeys: [{ id: '1', base64: database.masterKey }] });
      const context = {
        actor: { kind: 'system', reason: 'benchmark' },
        database: web,
        clock: systemClock,
        keyring,
        baseUrl: 'http://localhost:3000',
        requestId: newId(),
      } as const;
      const test = { ...database, web, sync, admin };
      const peers: { usage(): Promise<number> }[] = [];
      const rss: number[] = [];
      let school = { schoolId: '', systemId: '' };

      const worker = async (syncRunId: string, settings: unknown, secret: unknown) => {
        const line = await output([...workerFlags, path('./lib/sync-worker.ts')], {
          SYNC_WORKER: JSON.stringify({
            syncUrl: database.syncUrl,
            webUrl: database.webUrl,
            masterKey: database.masterKey,
            school,
            syncRunId,
            settings,
            secret,
          }),
        });
        const outcome = outcomeSchema.parse(JSON.parse(line));
        if (outcome.outcome !== 'applied') throw new Error(`the run ended as ${outcome.outcome}`);
        rss.push(outcome.rssMib);
        say(`  ${rounded(outcome.seconds)} s, ${Math.round(outcome.rssMib)} MiB, ${outcome.records} records`);
        return outcome;
      };

      /** Makes what is read: a package, or the pages of a peer that serves them. @returns how one run reads it */
      const prepare = async (changed: boolean) => {
        const part = changed ? ['--changed', '1'] : [];
        if (source === 'csv') {
          const file = join(folder, changed ? 'changed.zip' : 'first.zip');
          if (!exists(file)) {
            await output([
              '--max-semi-space-size=8',
              path('../sandbox/generator/write-package.ts'),
              '--size',
              size,
              '--version',
              '1.2',
              '--out',
              file,
              ...part,
            ]);
          }
          return async () => {
            const { syncRunId } = await receivePackage(context, {
              ...school,
              via: 'command',
              fileName: 'bench.zip',
              uploadedBy: null,
              bytes: createReadStream(file),
            });
            return worker(syncRunId, {}, {});
          };
        }
        const out = join(folder, changed ? 'changed' : 'first');
        if (!exists(out))
          await output([
            '--max-semi-space-size=8',
            path('../sandbox/sis/write-pages.ts'),
            '--size',
            size,
            '--out',
            out,
            ...part,
          ]);
        const peer = spawn(process.execPath, [path('../sandbox/sis/serve-pages.ts'), '--folder', out, '--port', '0'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        stops.push(() => peer.kill('SIGTERM'));
        const ready = await new Promise<string>((resolve) =>
          createInterface({ input: peer.stdout }).once('line', resolve),
        );
        const { baseUrl, tokenUrl, url, client } = peerSchema.parse(JSON.parse(ready));
        peers.push({
          usage: async () => usageSchema.parse(await (await fetch(`${url}/_sandbox/usage`)).json()).cpuSeconds,
        });
        return async () => {
          const { syncRunId } = await runWork(context, { schoolId: school.schoolId }, (work) =>
            requestRun(work, { ...school, trigger: 'hand' }),
          );
          return worker(syncRunId, { version: '1.2', baseUrl, tokenUrl }, client);
        };
      };

      say(`Making the ${size} as ${source} …`);
      const readFirst = await prepare(false);
      const readChanged = await prepare(true);
      const made = await makeSyncedSchool(test, { connector: 'oneroster', kind: 'sis', scopes, settings: {} });
      school = { schoolId: made.schoolId, systemId: made.systemId };

      say('First sync …');
      const first = await readFirst();
      const peerCpu = (await peers[0]?.usage()) ?? null;
      say('Unchanged …');
      const unchanged = await readFirst();
      // The same package again is known as such; where that is in doubt every record is compared.
      let compared = unchanged;
      if (source === 'csv') {
        say('Unchanged, compared record by record …');
        await admin`update sync_run set inputs = null where system_id = ${school.systemId}`;
        compared = await readFirst();
      }
      say('One hundredth changed …');
      const changed1 = await readChanged();
      say('The limit: COPY and MERGE of the same rows, resolved …');
      const limit = await measureLimit({ admin, syncUrl: database.syncUrl, school });
      say(`  ${rounded(limit.seconds)} s`);
      say('Drizzle, row by row and many rows at once, on a sample …');
      const drizzle = await measureDrizzle({ sync, school });
      return {
        size,
        source,
        rows: first.records,
        first_s: rounded(first.seconds, 2),
        unchanged_s: rounded(unchanged.seconds, 2),
        compared_s: rounded(compared.seconds, 2),
        changed1_s: rounded(changed1.seconds, 2),
        first_rows_per_s: Math.round(first.records / first.seconds),
        unchanged_rows_per_s: Math.round(first.records / unchanged.seconds),
        compared_rows_per_s: Math.round(first.records / compared.seconds),
        worker_peak_rss_mib: Math.round(Math.max(...rss)),
        limit_s: rounded(limit.seconds, 2),
        of_limit: rounded(limit.seconds / first.seconds, 3),
        drizzle_row_rows_per_s: Math.round(drizzle.rowByRow),
        drizzle_multi_rows_per_s: Math.round(drizzle.multiRow),
        times_drizzle_row: rounded(first.records / first.seconds / drizzle.rowByRow),
        times_drizzle_multi: rounded(first.records / first.seconds / drizzle.multiRow),
        ...(source === 'rest' ? { peer_cpu_s: peerCpu === null ? null : rounded(peerCpu) } : {}),
      };
    } finally {
      for (const stop of stops) stop();
      await admin.end();
      await web.close();
      await sync.close();
      await database.drop();
      if (keep === '') rmSync(folder, { recursive: true, force: true });
    }
  },
};

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
