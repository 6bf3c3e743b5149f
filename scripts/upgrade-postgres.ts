import { loadEnvironment } from '#server/kernel/env.ts';
import { claimDataFolder } from './lib/claim-data-folder.ts';
import { endWithSentence } from './lib/end-with-sentence.ts';
import { masterKeyOf, writableFolder } from './lib/installation.ts';
import { upgradePostgres } from './lib/upgrade-postgres.ts';

/** `npm run upgrade-postgres`: the embedded database from one major version of PostgreSQL to the next. */
await endWithSentence(async () => {
  const first = loadEnvironment();
  const dataDir = writableFolder(first.dataDir);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  // Nobody starts in between, and a start that runs is not disturbed.
  const claim = await claimDataFolder(dataDir, say);
  try {
    const env = loadEnvironment({
      ...process.env,
      CROSSWALK_MASTER_KEY: masterKeyOf(first, dataDir),
      DATA_DIR: dataDir,
    });
    const report = await upgradePostgres(env, dataDir, say);
    if (report === null) say('The database is of the newest version already; there is nothing to upgrade.');
    else {
      say(
        `${report.rows} rows of ${report.tables} tables went from PostgreSQL ${report.from} to ${report.to}, and every table was counted.`,
      );
      say(
        `The old data lies in ${report.oldFolder} and a backup at ${report.backupFile}: remove both once you are content.`,
      );
    }
  } finally {
    claim.release();
  }
});
