import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../scripts/lib/postgres.ts';
import { migrateDatabase, ownDatabase, prepareRoles } from '../prepare.ts';
import { urlForRole } from '../roles.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresAdminUrl: string;
    masterKey: string;
  }
}

export const templateDatabase = 'crosswalk_template';

/** One throw-away cluster per test run, with a migrated template that every test file clones. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = join(
    process.getuid?.() === 0 ? '/var/lib' : tmpdir(),
    `crosswalk-test-${process.pid}-${randomBytes(4).toString('hex')}`,
  );
  const masterKey = randomBytes(32).toString('base64');
  const server = await startEmbeddedPostgres({ dataDir, port: 0, throwAway: true, maxConnections: 200 });
  try {
    const admin = postgres(server.adminUrl, { max: 1, onnotice: () => undefined });
    await admin.unsafe(`create database ${templateDatabase}`);
    await admin.end();
    const templateUrl = server.url(templateDatabase);
    await prepareRoles(templateUrl, masterKey);
    const sql = postgres(templateUrl, { max: 1 });
    await ownDatabase(sql);
    await sql.end();
    await migrateDatabase(urlForRole(templateUrl, masterKey, 'migrator'));
  } catch (error) {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  }
  project.provide('postgresAdminUrl', server.adminUrl);
  project.provide('masterKey', masterKey);
  return async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
