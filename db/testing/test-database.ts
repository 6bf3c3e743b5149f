import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';
import { type Database, openDatabase } from '../client.ts';
import { ownDatabase } from '../prepare.ts';
import { urlForRole } from '../roles.ts';
import { templateDatabase } from './global-setup.ts';

export interface TestDatabase {
  /** As `crosswalk_web`. */
  readonly web: Database;
  /** As `crosswalk_sync`. */
  readonly sync: Database;
  /** As the superuser, to look behind the policies or to play the thief; never what a feature would use. */
  readonly admin: postgres.Sql;
  readonly adminUrl: string;
  readonly webUrl: string;
  readonly syncUrl: string;
  readonly masterKey: string;
  drop(): Promise<void>;
}

/** A fresh database for one test file, cloned from the migrated template. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const maintenanceUrl = inject('postgresAdminUrl');
  const masterKey = inject('masterKey');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const maintenance = postgres(maintenanceUrl, { max: 1, onnotice: () => undefined });
  await maintenance.unsafe(`create database ${name} template ${templateDatabase} strategy file_copy`);
  const url = new URL(maintenanceUrl);
  url.pathname = `/${name}`;
  const adminUrl = url.toString();
  const admin = postgres(adminUrl, { max: 2, onnotice: () => undefined });
  await ownDatabase(admin);
  const webUrl = urlForRole(adminUrl, masterKey, 'web');
  const syncUrl = urlForRole(adminUrl, masterKey, 'sync');
  const web = openDatabase(webUrl, { max: 8 });
  const sync = openDatabase(syncUrl, { max: 8 });
  return {
    web,
    sync,
    admin,
    adminUrl,
    webUrl,
    syncUrl,
    masterKey,
    drop: async () => {
      await Promise.all([web.close(), sync.close(), admin.end({ timeout: 5 })]);
      await maintenance.unsafe(`drop database ${name} with (force)`);
      await maintenance.end({ timeout: 5 });
    },
  };
}
