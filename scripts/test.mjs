// `npm test`: installs, finds or installs a Chromium, runs everything, ends with "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { ensureInstalled } from './lib/install.mjs';

const node = await ensureInstalled();
if (node === null) process.exit(1);
process.exit(spawnSync(node, ['scripts/test.ts', ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1);
