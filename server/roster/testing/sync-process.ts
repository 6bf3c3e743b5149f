/** One run in a process of its own, for a test that kills it. Says `go` when it begins and `done` when it has applied. */
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
  })
  .parse(JSON.parse(process.env.SYNC_PROCESS ?? '{}'));

const database = openDatabase(given.syncUrl, { max: 2 });
const keyring = await loadKeyring(database, { masterKeys: [{ id: '1', base64: given.masterKey }] });
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
await database.close();
