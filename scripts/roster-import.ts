import { setTimeout as wait } from 'node:timers/promises';
import { openDatabase } from '#db/client.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { newId } from '#server/kernel/ids.ts';
import { livingStart } from './lib/claim-data-folder.ts';
import { endWithSentence } from './lib/end-with-sentence.ts';
import { openInstallation } from './lib/open-installation.ts';
import { readContent, refuseUnfitDatabase, roleUrls } from './lib/prepare-database.ts';
import { Refused } from './lib/refused.ts';
import { importRoster, readArguments } from './lib/roster-import.ts';

const pauseMs = 1_000;
/** Looks while nobody takes the run up: as long as a busy worker may take, and one where nothing runs. */
const mostLooksQueued = 120;

/**
 * `npm run roster:import -- --school <id or register number> --system <id> <file.zip>`: hands a OneRoster CSV package in and follows the run
 * that reads it. Exit code 0 once it is in the roster, 1 where it was refused, 2 where it is held or waits.
 */
await endWithSentence(async () => {
  const given = readArguments(process.argv.slice(2));
  const { env, dataDir, database } = await openInstallation();
  try {
    if ((await readContent(database.adminUrl)) === 'empty')
      throw new Refused('There is no school yet: the database is empty. npm start makes it.');
    await refuseUnfitDatabase(env, database.adminUrl);
    const web = openDatabase(roleUrls(env, database.adminUrl).web, {
      prepare: env.database.prepare,
      max: 2,
      name: 'crosswalk roster-import',
    });
    try {
      const ctx = {
        actor: { kind: 'system', reason: 'roster-import' },
        database: web,
        keyring: await loadKeyring(web, env),
        clock: systemClock,
        baseUrl: env.baseUrl,
        requestId: newId(),
      } as const;
      const isAlone = env.database.url === null && livingStart(dataDir) === null;
      const isIn = await importRoster(ctx, given, {
        say: (line) => process.stdout.write(`${line}\n`),
        pause: () => wait(pauseMs),
        mostLooksQueued: isAlone ? 0 : mostLooksQueued,
      });
      if (!isIn) process.exitCode = 2;
    } finally {
      await web.close();
    }
  } finally {
    await database.close();
  }
});
