import { resolve } from 'node:path';
import { restoreBackup } from './lib/backup.ts';
import { livingStart } from './lib/claim-data-folder.ts';
import { endWithSentence } from './lib/end-with-sentence.ts';
import { openInstallation } from './lib/open-installation.ts';
import { prepareDatabase, refuseUnfitDatabase } from './lib/prepare-database.ts';
import { Refused } from './lib/refused.ts';

/** `npm run restore -- <file>`: puts a backup into an empty installation, all of it or nothing. */
await endWithSentence(async () => {
  const file = process.argv[2];
  if (file === undefined) throw new Refused('Name the backup: npm run restore -- crosswalk.backup');
  const { env, dataDir, database } = await openInstallation();
  try {
    const living = livingStart(dataDir);
    if (living !== null) throw new Refused(`Crosswalk runs with this DATA_DIR (process ${living.pid}): stop it first.`);
    const content = await refuseUnfitDatabase(env, database.adminUrl);
    const say = (text: string) => process.stdout.write(`${text}\n`);
    const urls = await prepareDatabase(env, database.adminUrl, content, say);
    const report = await restoreBackup(urls.migrator, resolve(file), env);
    say(`${report.rows} rows of ${report.tables} tables are back. Start with the same CROSSWALK_MASTER_KEY as before.`);
  } finally {
    await database.close();
  }
});
