// Runs one of our commands on the Node 24 that comes with the packages: `node scripts/run.mjs doctor`. Plain, since nothing may be installed yet.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [command, ...args] = process.argv.slice(2);
process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const node = join('node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
if (existsSync(node)) {
  const child = spawn(node, [`scripts/${command}.ts`, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
} else {
  process.stderr.write('The packages are not installed yet: npm start (or npm ci) installs them.\n');
  process.exit(1);
}
