import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import type { Environment } from '#server/kernel/env.ts';
import { countRowsOfTables, restoreBackup, writeBackup } from './backup.ts';
import { fetchPostgres } from './fetch-postgres.ts';
import { databaseFolder } from './installation.ts';
import {
  clusterMajor,
  type EmbeddedPostgres,
  embeddedMajor,
  runningServer,
  startEmbeddedPostgres,
} from './postgres.ts';
import { prepareDatabase, refuseUnfitDatabase, roleUrls } from './prepare-database.ts';
import { Refused } from './refused.ts';

export interface UpgradeReport {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly tables: number;
  /** Where the old cluster lies; nothing needs it any more. */
  readonly oldFolder: string;
  readonly backupFile: string;
}

/**
 * Brings the embedded cluster to the major version that this version of Crosswalk brings: out of the old server by a backup, into a
 * new cluster, counted. The old cluster is moved aside and kept; where anything fails it is moved back.
 * @returns null where the cluster is of this major version already.
 */
export async function upgradePostgres(
  env: Environment,
  dataDir: string,
  say: (text: string) => void,
): Promise<UpgradeReport | null> {
  if (env.database.url !== null)
    throw new Refused('DATABASE_URL is set: a PostgreSQL server of your own is upgraded with its own tools.');
  const folder = databaseFolder(dataDir);
  const from = clusterMajor(folder);
  const to = embeddedMajor();
  if (from === null) throw new Refused(`There is no database in ${folder}: npm start makes one.`);
  if (from === to) return null;
  if (from > to)
    throw new Refused(
      `The data was written by PostgreSQL ${from}, newer than the ${to} of this version of Crosswalk: use the version of Crosswalk that wrote it.`,
    );
  if (runningServer(folder) !== null)
    throw new Refused('The old PostgreSQL is still running: stop Crosswalk (of the old version) first.');

  const mark = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const oldFolder = `${folder}-${from}-${mark}`;
  const backupFile = join(dataDir, `before-postgresql-${to}-${mark}.backup`);
  say(`Fetching PostgreSQL ${from} …`);
  const fetched = await fetchPostgres(from);
  let before: ReadonlyMap<string, number>;
  try {
    say(`Reading the data with PostgreSQL ${fetched.version.split('-')[0] ?? from} …`);
    before = await withServer({ dataDir: folder, port: 0, native: fetched.native }, async (server) => {
      const adminUrl = server.url('crosswalk');
      const content = await refuseUnfitDatabase(env, adminUrl);
      if (content === 'empty')
        throw new Refused(`The database in ${folder} is empty: remove the folder and start anew.`);
      // The old version of Crosswalk may not have had every migration; a backup goes into its own version only.
      const urls = await prepareDatabase(env, adminUrl, content, say);
      const counts = await countRowsOfTables(urls.migrator);
      await writeBackup(urls.migrator, backupFile, env.auditHeadsFile);
      return counts;
    });
  } finally {
    fetched.remove();
  }
  renameSync(folder, oldFolder);
  try {
    say(`Writing it with PostgreSQL ${to} …`);
    const report = await withServer({ dataDir: folder, port: 0 }, async (server) => {
      const admin = postgres(server.adminUrl, { max: 1, onnotice: () => undefined });
      await admin.unsafe('create database crosswalk').finally(() => admin.end());
      const adminUrl = server.url('crosswalk');
      await prepareDatabase(env, adminUrl, 'empty', () => undefined);
      const { migrator } = roleUrls(env, adminUrl);
      const restored = await restoreBackup(migrator, backupFile, env);
      const after = await countRowsOfTables(migrator);
      for (const [table, rows] of before) {
        if (after.get(table) !== rows)
          throw new Error(`Table ${table} had ${rows} rows and now has ${after.get(table) ?? 0}`);
      }
      return restored;
    });
    return { from, to, ...report, oldFolder, backupFile };
  } catch (error) {
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
    renameSync(oldFolder, folder);
    say(`It did not work, and everything is as before; the backup is kept at ${backupFile}.`);
    throw error;
  }
}

async function withServer<T>(
  options: Parameters<typeof startEmbeddedPostgres>[0],
  run: (server: EmbeddedPostgres) => Promise<T>,
): Promise<T> {
  const server = await startEmbeddedPostgres(options);
  try {
    return await run(server);
  } finally {
    await server.stop();
  }
}
