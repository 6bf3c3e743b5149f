/**
 * `npm run faults -- fetches --rounds 10000 [--seed 1]`: so many fetches broken at random, three quarters over REST and a quarter as packages.
 * `npm run faults -- kills --rounds 500 [--seed 1]`: so many syncs killed by `kill -9`, at every stage boundary and at random moments.
 * Each prints its figures as JSON, and a failure with the seed and the round that repeat it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, seed: { type: 'string', default: '1' } },
});
const suite = z.enum(['fetches', 'kills']).safeParse(positionals[0]);
const rounds = z.coerce
  .number()
  .int()
  .min(1)
  .safeParse(values.rounds ?? (suite.data === 'kills' ? '500' : '10000'));
if (!suite.success || !rounds.success) {
  process.stderr.write('npm run faults -- fetches|kills [--rounds n] [--seed n]\n');
  process.exit(2);
}
const packages = suite.data === 'kills' ? 0 : Math.round(rounds.data / 4);
/** Rounds are drawn one by one from seed and number, so that processes can share them out. */
function shared(file: string, count: number, mostParts: number) {
  const parts = Math.max(1, Math.min(mostParts, Math.floor(count / 100)));
  const firstOf = (part: number) => 1 + Math.floor((count * part) / parts);
  return Array.from({ length: parts }, (_, part) => ({
    file,
    env: { FAULT_FROM: String(firstOf(part)), FAULT_ROUNDS: String(firstOf(part + 1) - firstOf(part)) },
  }));
}
const waiting =
  suite.data === 'kills'
    ? shared('server/roster/sync.fault.test.ts', rounds.data, 4)
    : [
        { file: 'server/roster/broken-packages.fault.test.ts', env: { FAULT_PACKAGES: String(packages) } },
        ...shared('server/roster/never-a-wrong-deletion.fault.test.ts', rounds.data - packages, 4),
      ];
let failed = false;

/** Works off what waits; each is a process with a database of its own. */
async function workOff(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', 'faults', next.file], {
      stdio: 'inherit',
      env: { ...process.env, ...next.env, FAULT_SEED: values.seed },
    });
    const [code] = await once(child, 'exit');
    failed ||= code !== 0;
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, workOff));
process.exitCode = failed ? 1 : 0;
