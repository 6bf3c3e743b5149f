import { z } from 'zod';
import { openDatabase } from '#db/client.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { newId } from '#server/kernel/ids.ts';
import { recordedPorts, runSync } from '#server/roster/testing/sync-harness.ts';

/** One sync in a process of its own, as the worker does it: prints what it took and the most memory that it held. */
const given = z
  .object({
    syncUrl: z.string(),
    webUrl: z.string(),
    masterKey: z.string(),
    school: z.object({ schoolId: z.uuid(), systemId: z.uuid() }),
    syncRunId: z.uuid(),
    settings: z.unknown(),
    secret: z.unknown(),
  })
  .parse(JSON.parse(process.env.SYNC_WORKER ?? '{}'));

const sync = openDatabase(given.syncUrl, { max: 3 });
const web = openDatabase(given.webUrl, { max: 3 });
const keyring = await loadKeyring(web, { masterKeys: [{ id: '1', base64: given.masterKey }] });
const context = {
  actor: { kind: 'system', reason: 'benchmark' },
  clock: systemClock,
  keyring,
  baseUrl: 'http://localhost:3000',
  requestId: newId(),
} as const;
const ports = recordedPorts({ connector: 'oneroster', settings: given.settings, secret: given.secret });
const started = performance.now();
const { applied } = await runSync(
  { web: { ...context, database: web }, sync: { ...context, database: sync } },
  ports,
  given.school,
  given.syncRunId,
);
const seconds = (performance.now() - started) / 1000;
process.stdout.write(
  `${JSON.stringify({ seconds, rssMib: process.resourceUsage().maxRSS / 1024, outcome: applied?.outcome ?? null, records: applied?.outcome === 'applied' ? applied.records : 0 })}\n`,
);
await sync.close();
await web.close();
