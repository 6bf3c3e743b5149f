// `npm run verify`: types, lint, unit tests; no database, under 90 seconds. For every save.
import { spawnSync } from 'node:child_process';
import { ensureInstalled } from './lib/install.mjs';

const node = await ensureInstalled();
if (node === null) process.exit(1);
process.exit(spawnSync(node, ['scripts/verify.ts'], { stdio: 'inherit' }).status ?? 1);
