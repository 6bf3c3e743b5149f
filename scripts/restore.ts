import { resolve } from 'node:path';
import { migrateDatabase, prepareRoles } from '#db/prepare.ts';
import { urlForRole } from '#db/roles.ts';
import { loadEnvironment } from '#server/kernel/env.ts';
import { restoreBackup } from './lib/backup.ts';
import { endWithSentence } from './lib/end-with-sentence.ts';
import { masterKeyOf, openInstallationDatabase, writableFolder } from './lib/installation.ts';
import { Refused } from './lib/refused.ts';

/** `npm run restore -- <file>`: puts a backup into an empty installation, all of it or nothing. */
await endWithSentence(async () => {
  const file = process.argv[2];
  if (file === undefined) throw new Refused('Name the backup: npm run restore -- crosswalk.backup');
  const first = loadEnvironment();
  const dataDir = writableFolder(first.dataDir);
  Object.assign(process.env, { CROSSWALK_MASTER_KEY: masterKeyOf(first, dataDir), DATA_DIR: dataDir });
  const env = loadEnvironment();
  const database = await openInstallationDatabase(env, dataDir);
  try {
    const key = env.masterKeys[0]?.base64 ?? '';
    if (env.database.webUrl === null) await prepareRoles(database.adminUrl, key);
    const url = env.database.webUrl === null ? urlForRole(database.adminUrl, key, 'migrator') : database.adminUrl;
    await migrateDatabase(url);
    const report = await restoreBackup(url, resolve(file), env.auditHeadsFile);
    process.stdout.write(
      `${report.rows} rows of ${report.tables} tables are back. Start with the same CROSSWALK_MASTER_KEY as before.\n`,
    );
  } finally {
    await database.close();
  }
});
