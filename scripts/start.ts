import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import postgres from 'postgres';
import { z } from 'zod';
import { refuseUnsafeRole } from '#db/client.ts';
import { migrateDatabase, ownDatabase, prepareRoles } from '#db/prepare.ts';
import { urlForRole } from '#db/roles.ts';
import { seedDemo } from '#db/seed/demo.ts';
import { ensureFirstOperator } from '#server/features/people/first-operator.ts';
import { type Environment, loadEnvironment } from '#server/kernel/env.ts';
import { toCrosswalkError } from '#server/kernel/errors.ts';
import { ensureBuilt } from './lib/build.ts';
import { masterKeyOf, openInstallationDatabase, Refused, writableFolder } from './lib/installation.ts';
import { openProcess } from './lib/process-context.ts';

/**
 * `npm start`: PostgreSQL, migrations, demo, build, sandboxes, worker and web, in this order; Ctrl-C stops them in the
 * opposite one. Each thing that can be wrong about a machine is one sentence.
 */

const say = (text: string) => process.stdout.write(`${text}\n`);

function refuse(sentence: string): never {
  throw new Refused(sentence);
}

const running: { name: string; stop: () => Promise<void> }[] = [];
let stopping = false;
async function stopAll(code: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    for (const { stop } of running.toReversed()) await stop();
  }
  process.exit(code);
}

async function freeOrRefuse(port: number, variable: string, host: string): Promise<void> {
  await new Promise<void>((done, fail) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      fail(
        new Refused(
          error.code === 'EADDRINUSE'
            ? `Port ${port} is taken by another program: stop it, or choose another with ${variable}=${port + 100} npm start.`
            : `Port ${port} cannot be opened (${error.code ?? 'unknown'}): choose another with ${variable}=${port + 100} npm start.`,
        ),
      ),
    );
    probe.listen(port, host, () => probe.close(() => done()));
  });
}

function onlyOnce(dataDir: string): void {
  const file = join(dataDir, 'start.pid');
  if (existsSync(file)) {
    const pid = Number(readFileSync(file, 'utf8'));
    if (Number.isInteger(pid) && pid > 1 && pid !== process.pid && existsSync(`/proc/${pid}`)) {
      refuse(
        `Crosswalk runs already with this DATA_DIR (process ${pid}): stop it first, or set another DATA_DIR and PORT.`,
      );
    }
  }
  writeFileSync(file, String(process.pid));
  running.push({ name: 'pid', stop: async () => rmSync(file, { force: true }) });
}

const installationRow = z.array(z.object({ value: z.string() }));

/** A demo never touches a production database, and the other way round. */
async function claimDatabase(url: string, mode: Environment['mode']): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => undefined });
  try {
    const present = await sql`select to_regclass('public.installation') is not null as there`;
    if (present[0]?.there === true) {
      const rows = installationRow.parse(
        await sql`select value #>> '{}' as value from installation where key = 'mode'`,
      );
      const claimed = rows[0]?.value;
      if (claimed !== undefined && claimed !== mode) {
        refuse(
          mode === 'demo'
            ? 'DATABASE_URL holds a production installation, and demo mode never touches one: set CROSSWALK_URL, or use another database.'
            : 'DATABASE_URL holds a demo installation: give production a database of its own.',
        );
      }
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    refuse(
      `The database at DATABASE_URL (${new URL(url).host}) cannot be used (${code}): check address, name, user and password.`,
    );
  } finally {
    await sql.end({ timeout: 2 });
  }
}

async function markMode(url: string, mode: Environment['mode']): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql`insert into installation (key, value, updated_at) values ('mode', ${sql.json(mode)}, now())
              on conflict (key) do nothing`;
  } finally {
    await sql.end({ timeout: 2 });
  }
}

function run(name: string, args: string[], env: NodeJS.ProcessEnv, keepAlive: boolean): ChildProcess {
  // A group of its own: Ctrl-C comes to us alone, and we stop each in order.
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  child.stdout?.on('data', (chunk: Buffer) => {
    if (process.env.CROSSWALK_VERBOSE === '1') process.stdout.write(chunk);
  });
  const slot: (typeof running)[number] = { name, stop: () => Promise.resolve() };
  const existing = running.findIndex((entry) => entry.name === name);
  if (existing >= 0) running[existing] = slot;
  else running.push(slot);
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  slot.stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 8_000);
    await ended;
    clearTimeout(timer);
  };
  child.once('exit', (code) => {
    if (stopping) return;
    say(`${name} stopped unexpectedly (${code ?? 'signal'}).`);
    if (keepAlive) setTimeout(() => stopping || run(name, args, env, keepAlive), 1_000);
    else void stopAll(1);
  });
  return child;
}

async function untilHealthy(url: string, accept: (status: number) => boolean, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1_000;
  while (Date.now() < deadline && !stopping) {
    const status = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.status,
      () => 0,
    );
    if (accept(status)) return true;
    await new Promise((done) => setTimeout(done, 150));
  }
  return false;
}

async function start(): Promise<void> {
  const env = loadEnvironment();
  const host = env.mode === 'demo' ? '127.0.0.1' : '0.0.0.0';
  const dataDir = writableFolder(env.dataDir);
  onlyOnce(dataDir);
  await freeOrRefuse(env.port, 'PORT', host);
  await freeOrRefuse(env.workerPort, 'WORKER_PORT', '127.0.0.1');
  const key = masterKeyOf(env, dataDir);

  if (env.database.url === null) say('Starting PostgreSQL …');
  const opened = await openInstallationDatabase(env, dataDir, 'take-over');
  running.push({ name: 'postgres', stop: opened.close });
  const { adminUrl } = opened;
  await claimDatabase(adminUrl, env.mode);
  const childEnv: NodeJS.ProcessEnv = {
    ...process.env,
    NODE_ENV: 'production',
    DATA_DIR: dataDir,
    CROSSWALK_MASTER_KEY: key,
    DATABASE_URL: adminUrl,
  };
  Object.assign(process.env, {
    CROSSWALK_MASTER_KEY: key,
    DATABASE_URL: adminUrl,
    DATA_DIR: dataDir,
    NODE_ENV: 'production',
  });
  const full = loadEnvironment();
  const keyForRoles = full.masterKeys[0]?.base64 ?? '';
  if (env.database.webUrl === null) {
    await prepareRoles(adminUrl, keyForRoles);
    const sql = postgres(adminUrl, { max: 1, onnotice: () => undefined });
    await ownDatabase(sql).finally(() => sql.end({ timeout: 2 }));
    say('Migrating the database …');
    await migrateDatabase(urlForRole(adminUrl, keyForRoles, 'migrator'));
  } else {
    await migrateDatabase(adminUrl);
  }
  await markMode(adminUrl, env.mode);

  const own = await openProcess(full);
  await refuseUnsafeRole(own.database);
  await refuseUnsafeRole(own.syncDatabase);

  const ports = { sis: 4310, canvas: 4311, moodle: 4312 } as const;
  if (env.mode === 'demo') {
    for (const [name, standard] of Object.entries(ports)) {
      const port = Number(process.env[`SANDBOX_${name.toUpperCase()}_PORT`] ?? standard);
      await freeOrRefuse(port, `SANDBOX_${name.toUpperCase()}_PORT`, '127.0.0.1');
      const url = `http://127.0.0.1:${port}`;
      childEnv[`SANDBOX_${name.toUpperCase()}_URL`] = url;
      process.env[`SANDBOX_${name.toUpperCase()}_URL`] = url;
      const folder = join(dataDir, 'sandbox', name);
      mkdirSync(folder, { recursive: true });
      run(
        `sandbox ${name}`,
        [`sandbox/${name}/main.ts`],
        { ...process.env, PORT: String(port), DATA_DIR: folder },
        true,
      );
      if (!(await untilHealthy(url, (status) => status > 0, 30))) refuse(`The sandbox's ${name} did not start.`);
    }
  }

  await ensureBuilt(say);
  run('worker', ['server/jobs/worker.ts'], childEnv, true);

  let accounts: readonly { person: string; email: string; password: string; tryFirst: string }[] = [];
  if (env.mode === 'demo') {
    accounts = await seedDemo(await openProcess(loadEnvironment()), say);
  }
  const firstOperator = await ensureFirstOperator(own.systemContext('start'), {
    email: full.operatorEmail,
    baseUrl: full.baseUrl,
  });

  run('web', ['node_modules/next/dist/bin/next', 'start', '-p', String(env.port), '-H', host], childEnv, false);
  if (!(await untilHealthy(`http://127.0.0.1:${env.port}/api/health`, (status) => status === 200, 60))) {
    refuse(`Crosswalk did not become healthy: http://127.0.0.1:${env.port}/api/health says which part is down.`);
  }
  say('');
  say(`Crosswalk is ready at ${full.baseUrl}`);
  if (firstOperator !== null) say(`\nFirst operator: open this link once, within a day: ${firstOperator}`);
  if (accounts.length > 0) {
    say(`\nSign in as (every password is ${accounts[0]?.password ?? ''}):`);
    const width = Math.max(...accounts.map((account) => account.email.length));
    for (const account of accounts) say(`  ${account.email.padEnd(width)}  ${account.person}`);
    say('\nTry first:');
    for (const account of accounts.filter((entry) => entry.tryFirst !== '')) say(`  ${account.tryFirst}`);
    say(`\nMail is kept at ${full.baseUrl}/dev/mail. The invented SIS and LMSs:`);
    say(
      `  ${process.env.SANDBOX_SIS_URL ?? ''} (SIS)  ${process.env.SANDBOX_CANVAS_URL ?? ''} (Canvas)  ${process.env.SANDBOX_MOODLE_URL ?? ''} (Moodle)`,
    );
  }
  say('\nCtrl-C stops everything; the data stays.');
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!stopping) say('\nStopping …');
    void stopAll(0);
  });
}

start().catch(async (error: unknown) => {
  if (stopping) return;
  if (error instanceof Refused) process.stderr.write(`${error.message}\n`);
  else {
    const ours = toCrosswalkError(error);
    const problems = ours.details.problems;
    if (ours.code === 'misconfigured' && Array.isArray(problems)) process.stderr.write(`${problems.join('\n')}\n`);
    else
      process.stderr.write(
        `Crosswalk could not start in ${basename(process.cwd())}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
  }
  await stopAll(1);
});
