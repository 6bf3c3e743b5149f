import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { migrateDatabase, prepareRoles } from '#db/prepare.ts';
import { urlForRole } from '#db/roles.ts';
import { startEmbeddedPostgres } from '../../scripts/lib/postgres.ts';

export interface ScratchDatabase {
  readonly adminUrl: string;
  readonly webUrl: string;
  readonly syncUrl: string;
  readonly masterKey: string;
  drop(): Promise<void>;
}

/** A migrated database on an embedded server of its own, as durable as the real one, gone afterwards. */
export async function scratchDatabase(): Promise<ScratchDatabase> {
  const parent = process.getuid?.() === 0 ? '/var/lib' : tmpdir();
  const dataDir = join(parent, `crosswalk-bench-${process.pid}-${randomBytes(4).toString('hex')}`);
  const server = await startEmbeddedPostgres({ dataDir, port: 0 });
  const drop = async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const admin = postgres(server.adminUrl, { max: 1, onnotice: () => undefined });
    await admin.unsafe('create database bench');
    await admin.end();
    const adminUrl = server.url('bench');
    const masterKey = randomBytes(32).toString('base64');
    await prepareRoles(adminUrl, masterKey);
    await migrateDatabase(urlForRole(adminUrl, masterKey, 'migrator'));
    return {
      adminUrl,
      webUrl: urlForRole(adminUrl, masterKey, 'web'),
      syncUrl: urlForRole(adminUrl, masterKey, 'sync'),
      masterKey,
      drop,
    };
  } catch (error) {
    await drop();
    throw error;
  }
}
