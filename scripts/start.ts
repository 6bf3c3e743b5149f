import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { installStandardTemplate } from '#server/features/agreements/install-standard-template.ts';
import { ensureFirstOperator } from '#server/features/people/first-operator.ts';
import { type Environment, loadEnvironment } from '#server/kernel/env.ts';
import { toCrosswalkError } from '#server/kernel/errors.ts';
import { type Building, ensureBuilt, refuseUnbuildable, serverActionsKey } from './lib/build.ts';
import { claimDataFolder } from './lib/claim-data-folder.ts';
import { forgetInterruptedDemo } from './lib/forget-interrupted-demo.ts';
import { masterKeyOf, openInstallationDatabase, writableFolder } from './lib/installation.ts';
import { refuseTakenPorts, type WantedPort } from './lib/ports.ts';
import { prepareDatabase, type RoleUrls, refuseUnfitDatabase } from './lib/prepare-database.ts';
import { openProcess } from './lib/process-context.ts';
import type { RecordedProcess } from './lib/process-mark.ts';
import { Refused } from './lib/refused.ts';
import { type ChildSpecification, Supervisor } from './lib/supervisor.ts';

/**
 * `npm start`: PostgreSQL, migrations, build, sandboxes, worker, demo and web, in this order; Ctrl-C stops them in the
 * opposite one. Each thing that can be wrong about a machine is one sentence, said before anything heavy begins.
 * `npm start -- web` and `npm start -- worker` run one of the two alone, for several machines on one database.
 */

const say = (text: string) => process.stdout.write(`${text}\n`);
const parts = ['all', 'web', 'worker'] as const;
type Part = (typeof parts)[number];

/** What must be undone at the end, the last first. */
const undo: (() => Promise<void> | void)[] = [];
let stopping = false;
async function stopAll(code: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    for (const step of undo.toReversed()) await step();
  }
  process.exit(code);
}

function wantedPart(): Part {
  const [given = 'all', ...more] = process.argv.slice(2);
  const part = parts.find((name) => name === given);
  if (part === undefined || more.length > 0)
    throw new Refused('`npm start` runs everything; `npm start -- web` or `npm start -- worker` runs one part of it.');
  return part;
}

interface Sandbox {
  readonly name: 'sis' | 'canvas' | 'moodle' | 'puller';
  readonly port: WantedPort;
  readonly url: string;
}

function sandboxes(env: Environment): Sandbox[] {
  if (env.mode !== 'demo') return [];
  const standard = { sis: 4310, canvas: 4311, moodle: 4312, puller: 4313 } as const;
  return (['sis', 'canvas', 'moodle', 'puller'] as const).map((name) => {
    const variable = `SANDBOX_${name.toUpperCase()}_PORT`;
    const port = Number(process.env[variable] ?? standard[name]);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Refused(
        `${variable} cannot be used: give a port number between 1 and 65535 that is free on this machine.`,
      );
    return { name, port: { port, variable, host: '127.0.0.1' }, url: `http://127.0.0.1:${port}` };
  });
}

async function untilAnswers(url: string, accept: (status: number) => boolean, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1_000;
  while (Date.now() < deadline && !stopping) {
    const status = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.status,
      () => 0,
    );
    if (accept(status)) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
  return false;
}

/** The configuration of a child: what we were given and found out, but never the login of an administrator. */
function environmentOfChildren(dataDir: string, key: string, urls: RoleUrls): NodeJS.ProcessEnv {
  return {
    ...process.env,
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    DATA_DIR: dataDir,
    CROSSWALK_MASTER_KEY: key,
    DATABASE_URL: urls.web,
    DATABASE_WEB_URL: urls.web,
    DATABASE_SYNC_URL: urls.sync,
  };
}

async function start(): Promise<void> {
  const part = wantedPart();
  const env = loadEnvironment();
  const invented = part === 'all' ? sandboxes(env) : [];
  if (part !== 'all' && env.database.url === null)
    throw new Refused('One part alone needs the database of the others: set DATABASE_URL.');
  const dataDir = writableFolder(env.dataDir);
  const claim = await claimDataFolder(dataDir, say);
  undo.push(claim.release);
  await refuseTakenPorts([
    ...(part === 'worker' ? [] : [{ port: env.port, variable: 'PORT', host: env.webHost }]),
    ...(part === 'web' ? [] : [{ port: env.workerPort, variable: 'WORKER_PORT', host: env.workerHost }]),
    ...invented.map((one) => one.port),
  ]);
  const key = masterKeyOf(env, dataDir);
  const actionsKey = serverActionsKey(env);
  if (part !== 'worker') refuseUnbuildable(actionsKey);

  if (env.database.url === null) say('Starting PostgreSQL …');
  const opening = openInstallationDatabase(env, dataDir, 'take-over');
  undo.push(async () => {
    await opening.then(
      (opened) => opened.close(),
      () => undefined,
    );
  });
  const { adminUrl } = await opening;
  Object.assign(process.env, { CROSSWALK_MASTER_KEY: key, DATA_DIR: dataDir });
  const withKey = { ...env, masterKeys: loadEnvironment().masterKeys };
  let content = await refuseUnfitDatabase(withKey, adminUrl);
  if (content === 'demo' && part === 'all' && env.database.url === null) {
    if (await forgetInterruptedDemo(adminUrl, dataDir, withKey.auditHeadsFile)) {
      say('The demo was interrupted while it was made: it is made anew.');
      content = 'empty';
    }
  }
  const children = new Map<'build' | 'rest', readonly (RecordedProcess & { name: string })[]>();
  const remember = (kind: 'build' | 'rest', living: readonly (RecordedProcess & { name: string })[]) => {
    children.set(kind, living);
    if (!stopping) claim.remember([...children.values()].flat());
  };
  const building: Building | null =
    part === 'worker'
      ? null
      : ensureBuilt(actionsKey, say, (builder) =>
          remember('build', builder === null ? [] : [{ name: 'build', ...builder }]),
        );
  if (building !== null) undo.push(() => building.abort());
  /** What is done meanwhile, or the sentence of a build that failed, whichever comes first. */
  const whileBuilding = <T>(work: Promise<T>): Promise<T> =>
    Promise.race([work, (building?.done ?? Promise.resolve()).then(() => work)]);
  // Its error is taken up by whoever waits; until then nobody may.
  building?.done.catch(() => undefined);
  const urls = await whileBuilding(prepareDatabase(withKey, adminUrl, content, say));
  const childEnv = environmentOfChildren(dataDir, key, urls);
  for (const one of invented) childEnv[`SANDBOX_${one.name.toUpperCase()}_URL`] = one.url;
  const full = loadEnvironment(childEnv);

  const own = await openProcess(full);
  const supervisor = new Supervisor({
    say,
    logFolder: env.mode === 'demo' && process.env.CROSSWALK_VERBOSE !== '1' ? join(dataDir, 'logs') : null,
    remember: (living) => remember('rest', living),
  });
  undo.push(() => supervisor.stop());
  const notUp = (name: string, sentence: string): never => {
    throw new Refused(`${sentence}\n${supervisor.lastWords(name)}`.trimEnd());
  };

  for (const { name, port, url } of invented) {
    const folder = join(dataDir, 'sandbox', name);
    mkdirSync(folder, { recursive: true });
    const sandboxEnv: NodeJS.ProcessEnv = { ...process.env, PORT: String(port.port), DATA_DIR: folder };
    for (const secret of ['CROSSWALK_MASTER_KEY', 'DATABASE_URL']) delete sandboxEnv[secret];
    const child: ChildSpecification = { name: `sandbox ${name}`, args: [`sandbox/${name}/main.ts`], env: sandboxEnv };
    supervisor.run(child);
    if (!(await untilAnswers(url, (status) => status > 0, 30)))
      notUp(child.name, `The invented ${name} did not start.`);
  }

  if (part !== 'web')
    supervisor.run({
      name: 'worker',
      args: ['--max-semi-space-size=2', '--max-old-space-size=192', 'server/jobs/worker.ts'],
      env: childEnv,
    });
  const accounts =
    env.mode === 'demo' && part === 'all'
      ? await whileBuilding((await import('#db/seed/demo.ts')).seedDemo(own, say))
      : [];
  await installStandardTemplate({ ctx: own.systemContext('start'), input: {} });
  const firstOperator = await ensureFirstOperator(own.systemContext('start'), {
    email: full.operatorEmail,
    baseUrl: full.baseUrl,
  });

  if (building !== null) {
    await building.done;
    const args = ['node_modules/next/dist/bin/next', 'start', '-p', String(env.port), '-H', env.webHost];
    supervisor.run({ name: 'web', args, env: childEnv });
    const host = env.webHost === '0.0.0.0' ? '127.0.0.1' : env.webHost.includes(':') ? `[${env.webHost}]` : env.webHost;
    const health = `http://${host}:${env.port}/api/health`;
    if (!(await untilAnswers(health, (status) => status === 200, 60)))
      notUp('web', `Crosswalk did not become healthy: ${health} says which part is down.`);
    if (invented.length > 0) await (await import('#db/seed/demo.ts')).afterStart(full);
  } else {
    const health = `http://${env.workerHost === '0.0.0.0' ? '127.0.0.1' : env.workerHost}:${env.workerPort}/health`;
    if (!(await untilAnswers(health, (status) => status === 200, 60)))
      notUp('worker', `The worker did not become healthy (${health}).`);
  }
  await own.close();
  if (stopping) return;
  say('');
  say(part === 'worker' ? 'The worker of Crosswalk is ready.' : `Crosswalk is ready at ${full.baseUrl}`);
  if (firstOperator !== null) say(`\nFirst operator: open this link once, within a day: ${firstOperator}`);
  if (accounts.length > 0) {
    say(`\nSign in as (every password is ${accounts[0]?.password ?? ''}):`);
    const width = Math.max(...accounts.map((account) => account.email.length));
    for (const account of accounts) say(`  ${account.email.padEnd(width)}  ${account.person}`);
    say('\nTry first:');
    for (const account of accounts.filter((entry) => entry.tryFirst !== '')) say(`  ${account.tryFirst}`);
  }
  if (invented.length > 0) {
    say(`\nMail is kept at ${full.baseUrl}/dev/mail. The invented SIS and LMSs:`);
    say(`  ${invented.map((one) => `${one.url} (${one.name})`).join('  ')}`);
    say('Atrium, the LMS that pulls (puller), shows what Lindenhof gives it: user admin, password atrium-demo.');
    say(`Logs: ${join(dataDir, 'logs')}`);
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
  // Whatever breaks while everything is being taken down is no news.
  if (stopping) return;
  const { code, details } = toCrosswalkError(error);
  if (error instanceof Refused) process.stderr.write(`${error.message}\n`);
  else if (code === 'misconfigured' && Array.isArray(details.problems))
    process.stderr.write(`${details.problems.join('\n')}\n`);
  else
    process.stderr.write(
      `Crosswalk could not start in ${basename(process.cwd())}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  await stopAll(1);
});
