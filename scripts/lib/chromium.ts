import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from '@playwright/test';

// Without windows of its own it is a quarter quicker; whatever else there is does the same.
const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

function onPath(): string | null {
  const given = process.env.CHROMIUM_PATH;
  if (given !== undefined && existsSync(given)) return given;
  for (const name of names) {
    const found = spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim();
    if (found !== '') return found;
  }
  return existsSync(chromium.executablePath()) ? chromium.executablePath() : null;
}

/** A Chromium of this machine, else Debian's, else Playwright's own; null after one sentence. */
export function findOrInstallChromium(): string | null {
  const present = onPath();
  if (present !== null) return present;
  process.stdout.write('Installing a Chromium (once) …\n');
  const quietly = (command: string, args: string[]) =>
    spawnSync(command, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    if (quietly('apt-get', ['update', '-qq']))
      quietly('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium-headless-shell']);
  } else {
    quietly(process.execPath, ['node_modules/@playwright/test/cli.js', 'install', 'chromium']);
  }
  const found = onPath();
  if (found === null)
    process.stdout.write(
      'No Chromium was found and none could be installed: install one (Debian: apt-get install chromium-headless-shell) or set CHROMIUM_PATH.\n',
    );
  return found;
}
