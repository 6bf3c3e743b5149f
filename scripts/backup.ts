import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { writeBackup } from './lib/backup.ts';
import { endWithSentence } from './lib/end-with-sentence.ts';
import { openInstallation } from './lib/open-installation.ts';
import { readContent, refuseUnfitDatabase, roleUrls } from './lib/prepare-database.ts';
import { Refused } from './lib/refused.ts';

/** `npm run backup -- <file>`: the whole installation in one file, while it runs or while it is stopped. */
await endWithSentence(async () => {
  const file = process.argv[2];
  if (file === undefined) throw new Refused('Name the file to write: npm run backup -- crosswalk.backup');
  if (existsSync(file)) throw new Refused(`${file} exists already, and a backup never overwrites one.`);
  const { env, database } = await openInstallation();
  try {
    if ((await readContent(database.adminUrl)) === 'empty')
      throw new Refused('There is nothing to back up: the database is empty.');
    await refuseUnfitDatabase(env, database.adminUrl);
    const urls = roleUrls(env, database.adminUrl);
    const report = await writeBackup(urls.migrator, resolve(file), env.auditHeadsFile);
    process.stdout.write(
      `${file}: ${report.rows} rows of ${report.tables} tables. It holds personal data and sealed secrets; the master key is not in it and must be kept elsewhere.\n`,
    );
  } finally {
    await database.close();
  }
});
