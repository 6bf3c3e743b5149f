// The first step of `npm start`: runs on whatever Node the machine has (>= 20), needs no package, installs, and hands over to
// scripts/start.ts on our own Node 24. Keep it plain: nothing is installed yet.
import { spawn } from 'node:child_process';
import { ensureInstalled } from './lib/install.mjs';

const node = await ensureInstalled();
if (node === null) process.exit(1);
const child = spawn(node, ['scripts/start.ts', ...process.argv.slice(2)], { stdio: 'inherit' });
// Ctrl-C reaches the child too (same terminal); stay until it has stopped everything.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
