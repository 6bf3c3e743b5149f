import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { urlForRole } from '#db/roles.ts';
import { loadEnvironment } from '#server/kernel/env.ts';
import { writeBackup } from './lib/backup.ts';
import { endWithSentence } from './lib/end-with-sentence.ts';
import { masterKeyOf, openInstallationDatabase, writableFolder } from './lib/installation.ts';
import { Refused } from './lib/refused.ts';

/** `npm run backup -- <file>`: the whole installation in one file, while it runs or while it is stopped. */
await endWithSentence(async () => {
  const file = process.argv[2];
  if (file === undefined) throw new Refused('Name the file to write: npm run backup -- crosswalk.backup');
  if (existsSync(file)) throw new Refused(`${file} exists already, and a backup never overwrites one.`);
  const first = loadEnvironment();
  const dataDir = writableFolder(first.dataDir);
  Object.assign(process.env, { CROSSWALK_MASTER_KEY: masterKeyOf(first, dataDir), DATA_DIR: dataDir });
  const env = loadEnvironment();
  const database = await openInstallationDatabase(env, dataDir);
  try {
    const url =
      env.database.webUrl === null
        ? urlForRole(database.adminUrl, env.masterKeys[0]?.base64 ?? '', 'migrator')
        : database.adminUrl;
    const report = await writeBackup(url, resolve(file), env.auditHeadsFile);
    process.stdout.write(
      `${file}: ${report.rows} rows of ${report.tables} tables. It holds personal data and sealed secrets; the master key is not in it and must be kept elsewhere.\n`,
    );
  } finally {
    await database.close();
  }
});
