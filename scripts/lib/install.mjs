// Installs the dependencies where they are missing or of another lock file, and names the Node that came with them.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** The path of Node 24, or null after one helpful sentence. */
export async function ensureInstalled() {
  process.chdir(root);
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) {
    say(`Crosswalk needs Node 20 or newer to install itself; this is Node ${process.versions.node}.`);
    return null;
  }
  const stamp = join(root, 'node_modules', '.crosswalk-lock');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock && existsSync(node);
  if (installed) return node;
  try {
    accessSync(root, constants.W_OK);
  } catch {
    say(
      `Crosswalk cannot write to ${root}, so it cannot install its packages there: copy it to a folder that you own.`,
    );
    return null;
  }
  say('Installing packages (once, about a minute) …');
  // Not `npm ci`: it refuses a lock file that was written where the registry serves no packages of other platforms, since
  // their optional parts are missing in it. `install --no-save` keeps to the lock and changes neither it nor package.json.
  const result = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
    env: { ...process.env, NODE_ENV: 'development' },
  });
  if (result.status !== 0 || !existsSync(node)) {
    say(
      'The packages could not be installed: `npm install` says why above. Is the npm registry reachable and the disk not full?',
    );
    return null;
  }
  writeFileSync(stamp, lock);
  return node;
}
