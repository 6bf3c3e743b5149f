import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, hkdfSync } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Environment } from '#server/kernel/env.ts';
import { isAlive, type RecordedProcess, recordOf } from './process-mark.ts';
import { Refused } from './refused.ts';

const sources = [
  'app',
  'components',
  'db',
  'i18n',
  'messages',
  'server',
  'next.config.ts',
  'package-lock.json',
  'proxy.ts',
  'postcss.config.mjs',
  'tsconfig.json',
];

/** Handed on to the build; it needs nothing of the configuration, and a secret that it does not know cannot end up in a page. */
const handedOn =
  /^(?:PATH|HOME|USER|TMPDIR|LANG|LC_\w+|TZ|CI|SSL_CERT_\w+|HTTPS?_PROXY|NO_PROXY|NODE_EXTRA_CA_CERTS|SystemRoot)$/i;

/** One hash over path and content of everything that the web build is made of, its key for server actions included. */
function fingerprint(actionsKey: string | null): string {
  const hash = createHash('sha256').update(actionsKey ?? '');
  const visit = (path: string) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else if (!/\.test\.tsx?$/.test(path)) {
      hash.update(path).update(readFileSync(path));
    }
  };
  for (const source of sources) visit(source);
  return hash.digest('hex');
}

const folder = '.next';
const stampFile = join(folder, 'crosswalk-sources');
const lockFile = join('node_modules', '.crosswalk-build.json');
const lockSchema = z.object({ pid: z.int(), mark: z.string() });

const isBuilt = (now: string) =>
  existsSync(stampFile) && readFileSync(stampFile, 'utf8') === now && existsSync(join(folder, 'BUILD_ID'));

function holderLives(): boolean {
  try {
    return isAlive(lockSchema.parse(JSON.parse(readFileSync(lockFile, 'utf8'))));
  } catch {
    // Just released, or left half-written by a build that was killed.
    return false;
  }
}

/** Two starts in one checkout do not build into one folder at once. */
async function lock(stopped: () => boolean): Promise<() => void> {
  for (;;) {
    try {
      writeFileSync(lockFile, JSON.stringify(recordOf(process.pid)), { flag: 'wx' });
      return () => rmSync(lockFile, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      if (stopped()) throw new Refused('Stopped before the pages were built.');
      if (holderLives()) await new Promise((done) => setTimeout(done, 250));
      else rmSync(lockFile, { force: true });
    }
  }
}

export interface Building {
  readonly done: Promise<void>;
  /** Ends a build under way; `done` is refused then. */
  abort(): void;
}

/** @throws Refused where the pages must be built and cannot be: the checkout is not ours to write. */
export function refuseUnbuildable(actionsKey: string | null): void {
  if (isBuilt(fingerprint(actionsKey))) return;
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    accessSync('node_modules', constants.W_OK);
  } catch {
    throw new Refused(
      `Crosswalk cannot write to ${resolve(folder)}, where the pages are built: copy the checkout to a folder that you own, or build once as its owner.`,
    );
  }
}

/**
 * The key under which Next.js names and seals its server actions: of the master key in production, so that every machine of an
 * installation understands the forms that another one served; made by each build for itself in a demo.
 */
export function serverActionsKey(env: Pick<Environment, 'mode' | 'masterKeys'>): string | null {
  const [masterKey] = env.masterKeys;
  if (env.mode === 'demo' || masterKey === undefined) return null;
  const bytes = hkdfSync('sha256', Buffer.from(masterKey.base64, 'base64'), '', 'crosswalk server actions 1', 32);
  return Buffer.from(bytes).toString('base64');
}

/**
 * Builds the web part where it is missing or its sources have changed since.
 * @param remember told of the process that builds, and with null of its end: a killed start leaves it behind like any other.
 */
export function ensureBuilt(
  actionsKey: string | null,
  say: (text: string) => void,
  remember: (builder: RecordedProcess | null) => void,
): Building {
  let child: ChildProcess | null = null;
  let aborted = false;
  const build = async () => {
    const now = fingerprint(actionsKey);
    if (isBuilt(now)) return;
    const release = await lock(() => aborted);
    try {
      if (isBuilt(now) || aborted) return;
      say('Building the pages (once, about a minute) …');
      const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => handedOn.test(name)));
      child = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'build'], {
        env: {
          ...env,
          ...(actionsKey === null ? {} : { NEXT_SERVER_ACTIONS_ENCRYPTION_KEY: actionsKey }),
          NODE_ENV: 'production',
          NEXT_TELEMETRY_DISABLED: '1',
          CROSSWALK_BUILD_ID: now.slice(0, 20),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk: Buffer) => {
          output = (output + chunk.toString('utf8')).slice(-6_000);
        });
      }
      if (child.pid !== undefined) remember(recordOf(child.pid));
      const ending = child;
      const code = await new Promise<number | null>((done) => ending.once('exit', (status) => done(status)));
      if (aborted) throw new Refused('Stopped while the pages were built.');
      if (code !== 0) throw new Error(`The pages could not be built:\n${output}`);
      writeFileSync(stampFile, now);
    } finally {
      remember(null);
      release();
    }
  };
  return {
    done: build(),
    abort: () => {
      aborted = true;
      if (child?.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    },
  };
}
