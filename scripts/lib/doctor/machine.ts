import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { livingStart } from '../claim-data-folder.ts';
import { sentenceAboutPort, type WantedPort } from '../ports.ts';
import { type Finding, ok, skipped, warning, wrong } from './finding.ts';

const needsNode = 24;
const needsNpm = 10;
const mebibyte = 1024 * 1024;

const majorOf = (version: string) => Number(version.split('.')[0]);

/** The Node that runs us and the npm on the path. */
export function lookAtNode(nodeVersion = process.versions.node, npmVersion = npmOnPath()): Finding[] {
  const node =
    majorOf(nodeVersion) < needsNode
      ? wrong(
          'node',
          `This is Node ${nodeVersion}, and Crosswalk runs on ${needsNode}: start it by npm, which brings that one along.`,
        )
      : ok('node', `Node ${nodeVersion}.`);
  if (npmVersion === null) return [node, warning('npm', 'npm is not on the path: it is needed to install an update.')];
  return [
    node,
    majorOf(npmVersion) < needsNpm
      ? wrong('npm', `This is npm ${npmVersion}, and installing needs ${needsNpm} or newer: npm install --global npm.`)
      : ok('npm', `npm ${npmVersion}.`),
  ];
}

function npmOnPath(): string | null {
  try {
    return execFileSync('npm', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // Not on the path, which is what is asked.
    return null;
  }
}

function nearestExisting(path: string): string {
  let here = resolve(path);
  while (!existsSync(here) && dirname(here) !== here) here = dirname(here);
  return here;
}

/** Room where data is written; `free` in bytes, for tests. */
export function lookAtDisk(folders: readonly string[], free = freeBytes): Finding[] {
  return folders.map((folder) => {
    const mebibytes = Math.floor(free(folder) / mebibyte);
    const says = `${mebibytes} MiB are free at ${folder}`;
    if (mebibytes < 256) return wrong('disk', `${says}, and PostgreSQL stops when it is full: make room.`);
    if (mebibytes < 2_048) return warning('disk', `${says}: make room before it is full.`);
    return ok('disk', `${says}.`);
  });
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(nearestExisting(folder));
  return bavail * bsize;
}

/** Folders that Crosswalk writes to; a missing one counts by where it would be made. */
export function lookAtFolders(folders: readonly string[]): Finding[] {
  return folders.map((folder) => {
    try {
      accessSync(nearestExisting(folder), constants.W_OK | constants.X_OK);
      return ok('folders', `${resolve(folder)} can be written to.`);
    } catch {
      return wrong(
        'folders',
        `${resolve(folder)} cannot be written to: make it this user's, or set DATA_DIR (AUDIT_HEADS_FILE for the heads) to one that is.`,
      );
    }
  });
}

/** Free while nothing runs; held by our own processes while a start of this data folder lives. */
export async function lookAtPorts(wanted: readonly WantedPort[], dataDir: string): Promise<Finding[]> {
  const living = livingStart(resolve(dataDir));
  if (living !== null) return [skipped('ports', `Crosswalk is running (process ${living.pid}) and holds its ports.`)];
  return Promise.all(
    wanted.map(async (one) => {
      const sentence = await sentenceAboutPort(one);
      return sentence === null ? ok('ports', `${one.variable} ${one.port} is free.`) : wrong('ports', sentence);
    }),
  );
}
