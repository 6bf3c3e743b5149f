/**
 * One run in a process of its own, for a test that kills it. Says `go` when it begins and `done` when it has applied; with `killAt` it kills
 * itself at that boundary: each begin and end of a transaction, and each progress told within one, counts.
 */
import { z } from 'zod';
import { openDatabase } from '#db/client.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { newId } from '#server/kernel/ids.ts';
import { recordedPorts, runSync } from './sync-harness.ts';

const given = z
  .object({
    syncUrl: z.string(),
    masterKey: z.string(),
    school: z.object({ schoolId: z.uuid(), systemId: z.uuid() }),
    syncRunId: z.uuid(),
    settings: z.unknown(),
    secret: z.unknown(),
    name: z.string().optional(),
    killAt: z.int().nullable().optional(),
  })
  .parse(JSON.parse(process.env.SYNC_PROCESS ?? '{}'));

let boundaries = 0;
function boundary(): void {
  boundaries += 1;
  if (boundaries === given.killAt) process.kill(process.pid, 'SIGKILL');
}

const opened = openDatabase(given.syncUrl, { max: 2, ...(given.name === undefined ? {} : { name: given.name }) });
const keyring = await loadKeyring(opened, { masterKeys: [{ id: '1', base64: given.masterKey }] });
const watched = async <T>(work: () => Promise<T>): Promise<T> => {
  boundary();
  const result = await work();
  boundary();
  return result;
};
const database: typeof opened = {
  ...opened,
  withSchool: (schoolId, run) => watched(() => opened.withSchool(schoolId, run)),
  inScope: (scope, run) => watched(() => opened.inScope(scope, run)),
};
const context = {
  actor: { kind: 'system', reason: 'a sync to be killed' },
  database,
  clock: systemClock,
  keyring,
  baseUrl: 'http://localhost:3000',
  requestId: newId(),
} as const;
const ports = recordedPorts({ connector: 'oneroster', settings: given.settings, secret: given.secret });
process.stdout.write('go\n');
await runSync({ web: context, sync: context }, ports, given.school, given.syncRunId);
process.stdout.write('done\n');
await opened.close();
