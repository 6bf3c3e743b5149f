import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { z } from 'zod';
import { openDatabase } from '#db/client.ts';
import { urlForRole } from '#db/roles.ts';
import { demoPassword } from '#db/seed/persons.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { loadEnvironment } from '#server/kernel/env.ts';
import { newId } from '#server/kernel/ids.ts';
import { receivePackage } from '#server/roster/receive-package.ts';
import { makeSyncedSchool } from '#server/roster/testing/sync-harness.ts';
import { databaseFolder, masterKeyOf } from '../scripts/lib/installation.ts';
import { freePort, runningServer } from '../scripts/lib/postgres.ts';
import { type Bench, quantile, rounded } from './lib/bench.ts';

const scopes = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
];
const memberships = z.array(z.object({ organisation_id: z.uuid() }));
const runRows = z.array(z.object({ state: z.string() }));
const idleRounds = 40;
/** Administrator of the demo's live school (db/seed/demo.ts). */
const demoAdministrator = 'saskia@lindenhof.example';

/** Pages of the portals while nothing happens, and while the worker of the same product syncs a large roster. */
export const bench: Bench = {
  about: 'Pages of the portals, idle and while a large roster is synced by the same product.',
  options: { size: 'metropolis', package: '' },
  run: async (say, { size = '', package: given = '' }) => {
    const folder = mkdtempSync(join(tmpdir(), 'crosswalk-bench-pages-'));
    const dataDir = join(folder, 'data');
    const names = [
      'PORT',
      'WORKER_PORT',
      'SANDBOX_SIS_PORT',
      'SANDBOX_CANVAS_PORT',
      'SANDBOX_MOODLE_PORT',
      'SANDBOX_PULLER_PORT',
    ];
    const ports: Record<string, string> = {};
    for (const name of names) ports[name] = String(await freePort());
    const origin = `http://localhost:${ports.PORT}`;
    const file = given === '' ? join(folder, 'roster.zip') : given;
    if (given === '') {
      say(`Making the ${size} …`);
      await run([
        '--max-semi-space-size=8',
        fileURLToPath(new URL('../sandbox/generator/write-package.ts', import.meta.url)),
        '--size',
        size,
        '--version',
        '1.2',
        '--out',
        file,
      ]);
    }
    say('Starting the product …');
    const product = spawn(process.execPath, ['scripts/start.ts'], {
      env: { ...process.env, ...ports, DATA_DIR: dataDir, LOG_LEVEL: 'error' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<void>((resolve) => product.once('exit', () => resolve()));
    try {
      await new Promise<void>((resolve, reject) => {
        let output = '';
        product.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString('utf8');
          if (output.includes('Ctrl-C stops everything')) resolve();
        });
        product.once('exit', (code) => reject(new Error(`the product ended with ${code}: ${output.slice(-2_000)}`)));
      });
      const cookie = await signIn(origin, demoAdministrator);
      const server = runningServer(databaseFolder(dataDir));
      if (server === null) throw new Error('PostgreSQL does not run');
      const adminUrl = server.url('crosswalk');
      const admin = postgres(adminUrl, { max: 2, onnotice: () => undefined });
      const masterKey = masterKeyOf(loadEnvironment({ ...process.env, DATA_DIR: dataDir }), dataDir);
      const web = openDatabase(urlForRole(adminUrl, masterKey, 'web'), { max: 2 });
      try {
        const [home] = memberships.parse(
          await admin`select m.organisation_id from membership m join app_user u on u.id = m.user_id where u.email = ${demoAdministrator} limit 1`,
        );
        const at = `/school/${home?.organisation_id ?? ''}`;
        const pages = [
          at,
          `${at}/data`,
          `${at}/agreements`,
          `${at}/people`,
          `${at}/inbox`,
          `${at}/activity`,
          '/account',
        ];
        const round = async (times: number[]) => {
          for (const page of pages) {
            const started = performance.now();
            const answer = await fetch(`${origin}${page}`, { headers: { cookie }, redirect: 'manual' });
            await answer.arrayBuffer();
            if (answer.status !== 200) throw new Error(`${page} answered ${answer.status}`);
            times.push(performance.now() - started);
          }
        };
        await round([]);
        await round([]);
        say('Idle …');
        const idle: number[] = [];
        for (let n = 0; n < idleRounds; n++) await round(idle);

        say(`Handing the ${size} in …`);
        const keyring = await loadKeyring(web, { masterKeys: [{ id: '1', base64: masterKey }] });
        const made = await makeSyncedSchool(
          { web, sync: web, admin, adminUrl, webUrl: '', syncUrl: '', masterKey, drop: () => Promise.resolve() },
          { connector: 'oneroster', kind: 'sis', scopes, settings: {} },
        );
        await admin`
          insert into credential (id, school_id, system_id, state, hint, proved_at) values (${newId()}, ${made.schoolId}, ${made.systemId}, 'proved', 'bench', now())`;
        const { syncRunId } = await receivePackage(
          {
            actor: { kind: 'system', reason: 'benchmark' },
            database: web,
            clock: systemClock,
            keyring,
            baseUrl: origin,
            requestId: newId(),
          },
          {
            schoolId: made.schoolId,
            systemId: made.systemId,
            via: 'command',
            fileName: 'bench.zip',
            uploadedBy: null,
            bytes: createReadStream(file),
          },
        );
        const state = async () =>
          runRows.parse(await admin`select state from sync_run where id = ${syncRunId}`)[0]?.state ?? '';
        while ((await state()) === 'queued') await new Promise((resolve) => setTimeout(resolve, 100));
        say('While it syncs …');
        const started = performance.now();
        const busy: number[] = [];
        while ((await state()) === 'running') await round(busy);
        const seconds = (performance.now() - started) / 1000;
        const outcome = await state();
        if (outcome !== 'succeeded') throw new Error(`the run ended as ${outcome}`);
        const [idleP95, busyP95] = [quantile(idle, 0.95), quantile(busy, 0.95)];
        return {
          size,
          pages: pages.length,
          idle_p50_ms: rounded(quantile(idle, 0.5)),
          idle_p95_ms: rounded(idleP95),
          while_syncing_p50_ms: rounded(quantile(busy, 0.5)),
          while_syncing_p95_ms: rounded(busyP95),
          times_idle_p95: rounded(busyP95 / idleP95, 2),
          requests_while_syncing: busy.length,
          sync_s: rounded(seconds),
        };
      } finally {
        await admin.end();
        await web.close();
      }
    } finally {
      product.kill('SIGINT');
      if (product.exitCode === null) await ended;
      for (const gone of [databaseFolder(dataDir), folder]) rmSync(gone, { recursive: true, force: true });
    }
  },
};

function run(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`ended with ${code}`))));
  });
}

/** Signs somebody of the demo in, as the page's form does. @returns the Cookie header */
async function signIn(origin: string, email: string): Promise<string> {
  const jar = new Map<string, string>();
  const keep = (answer: Response) => {
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
  };
  const header = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const first = await fetch(`${origin}/api/auth/csrf`);
  keep(first);
  const { csrfToken } = z.object({ csrfToken: z.string() }).parse(await first.json());
  keep(
    await fetch(`${origin}/api/auth/callback/password`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: header(), origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ csrfToken, email, password: demoPassword, callbackUrl: '/start' }).toString(),
    }),
  );
  return header();
}
