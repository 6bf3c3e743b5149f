/** Carries out what is wanted of a replacement in a process of its own, for a test that kills it. */
import { z } from 'zod';
import { openDatabase } from '#db/client.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { newId } from '#server/kernel/ids.ts';
import { carryOut } from '../carry-out.ts';

const { webUrl, masterKey, name, ...of } = z
  .object({
    webUrl: z.string(),
    masterKey: z.string(),
    schoolId: z.uuid(),
    replacementId: z.uuid(),
    name: z.string(),
  })
  .parse(JSON.parse(process.env.CARRY_OUT ?? '{}'));
const database = openDatabase(webUrl, { max: 1, name });
const keyring = await loadKeyring(database, { masterKeys: [{ id: '1', base64: masterKey }] });
const actor = { kind: 'job', job: 'replace-system', runId: newId() } as const;
await carryOut(
  { actor, database, clock: systemClock, keyring, baseUrl: 'http://localhost:3000', requestId: newId() },
  of,
);
await database.close();
