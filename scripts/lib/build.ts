import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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
];

/** One hash over path and content of everything that the web build is made of. */
function fingerprint(): string {
  const hash = createHash('sha256');
  const visit = (path: string) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else if (!path.endsWith('.test.ts')) {
      hash.update(path).update(readFileSync(path));
    }
  };
  for (const source of sources) visit(source);
  return hash.digest('hex');
}

/** Builds the web part where it is missing or its sources have changed since. */
export async function ensureBuilt(say: (text: string) => void): Promise<void> {
  const stamp = join('.next', 'crosswalk-sources');
  const now = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now && existsSync(join('.next', 'BUILD_ID'))) return;
  say('Building the pages (once, about a minute) …');
  const result = spawnSync(process.execPath, ['node_modules/next/dist/bin/next', 'build'], {
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status !== 0) {
    throw new Error(`The pages could not be built:\n${`${result.stdout}\n${result.stderr}`.slice(-6_000)}`);
  }
  writeFileSync(stamp, now);
}
