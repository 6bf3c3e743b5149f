import { livingStart } from './lib/claim-data-folder.ts';
import { endWithSentence } from './lib/end-with-sentence.ts';
import { openInstallation } from './lib/open-installation.ts';
import { readContent, refuseUnfitDatabase, roleUrls } from './lib/prepare-database.ts';
import { Refused } from './lib/refused.ts';
import { rotateKeys } from './lib/rotate-keys.ts';

/** Running processes read their keys again every 30 s and seal with a new one after 90 s (server/kernel/data-keys.ts). */
const settleSeconds = 95;

/**
 * `npm run rotate-keys`: a new data key, and every secret sealed anew under it. `npm run rotate-keys -- master`: only the data
 * keys are wrapped by the first key of CROSSWALK_MASTER_KEY, after a new one was put there.
 */
await endWithSentence(async () => {
  const [what = 'all', ...more] = process.argv.slice(2);
  if ((what !== 'all' && what !== 'master') || more.length > 0)
    throw new Refused(
      '`npm run rotate-keys` makes a new data key; `npm run rotate-keys -- master` takes up a new master key.',
    );
  const { env, dataDir, database } = await openInstallation();
  try {
    if ((await readContent(database.adminUrl)) === 'empty')
      throw new Refused('There is no key to rotate: the database is empty.');
    await refuseUnfitDatabase(env, database.adminUrl);
    const say = (text: string) => process.stdout.write(`${text}\n`);
    const alone = env.database.url === null && livingStart(dataDir) === null;
    const report = await rotateKeys({
      migratorUrl: roleUrls(env, database.adminUrl).migrator,
      env,
      newDataKey: what === 'all',
      settleSeconds: alone ? 0 : settleSeconds,
      wait: async (seconds) => {
        say(`A new data key is made; ${seconds} s until every process has it …`);
        await new Promise((done) => setTimeout(done, seconds * 1_000));
      },
    });
    say(`${report.rewrapped} data keys were wrapped by the first master key.`);
    if (report.version !== null)
      say(`Version ${report.version} seals from now on; ${report.resealed} secrets were sealed anew under it.`);
    if (report.unreadable.length > 0) {
      for (const { table, column, rowId } of report.unreadable.slice(0, 20)) say(`  ${table}.${column} ${rowId}`);
      throw new Refused(
        `${report.unreadable.length} values do not open where they stand and were left as they are: they were moved or altered; have those credentials entered anew.`,
      );
    }
  } finally {
    await database.close();
  }
});
