import { readFileSync } from 'node:fs';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { z } from 'zod';
import { CrosswalkError } from '../server/kernel/errors.ts';
import { migrateQueue } from './queue.ts';
import { databaseRoles, rolePassword } from './roles.ts';

const quoteIdentifier = (name: string) => `"${name.replaceAll('"', '""')}"`;
const quoteLiteral = (text: string) => `'${text.replaceAll("'", "''")}'`;

/**
 * Makes or repairs the roles and gives the database and its `public` schema to the owner. Needs a URL whose role may
 * create roles; where an administrator has made them by hand (docs/deployment.md) nothing is changed.
 */
export async function prepareRoles(adminUrl: string, masterKey: string): Promise<void> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => undefined });
  try {
    const version = z
      .array(z.object({ v: z.coerce.number() }))
      .parse(await sql`select current_setting('server_version_num') as v`);
    if ((version[0]?.v ?? 0) < 170_000) {
      throw new CrosswalkError('misconfigured', { details: { problem: 'postgresql-too-old', needs: 17 } });
    }
    await sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(hashtext('crosswalk roles'))`;
      const rows = await tx`select rolname from pg_roles where rolname = any(${Object.values(databaseRoles)})`;
      const existing = new Set(
        z
          .array(z.object({ rolname: z.string() }))
          .parse(rows)
          .map((row) => row.rolname),
      );
      const wanted = (name: string, options: string) =>
        tx.unsafe(`${existing.has(name) ? 'alter' : 'create'} role ${quoteIdentifier(name)} ${options}`);
      const common = 'nosuperuser nobypassrls nocreatedb nocreaterole noreplication';
      await wanted(databaseRoles.owner, `${common} nologin`);
      for (const role of ['migrator', 'web', 'sync'] as const) {
        await wanted(databaseRoles[role], `${common} login password ${quoteLiteral(rolePassword(masterKey, role))}`);
      }
      await tx.unsafe(`grant ${databaseRoles.owner} to ${databaseRoles.migrator}`);
      await tx.unsafe(`alter role ${databaseRoles.web} set statement_timeout = '30s'`);
      await tx.unsafe(`alter role ${databaseRoles.sync} set client_connection_check_interval = '2s'`);
    });
    await ownDatabase(sql);
  } finally {
    await sql.end();
  }
}

/** Hands the connected database to the owner role; superuser or database owner only. */
export async function ownDatabase(sql: postgres.Sql): Promise<void> {
  const rows = z.array(z.object({ name: z.string() })).parse(await sql`select current_database() as name`);
  const database = quoteIdentifier(rows[0]?.name ?? '');
  await sql.unsafe(`grant all on database ${database} to ${databaseRoles.owner}`);
  await sql.unsafe(`revoke temporary on database ${database} from public`);
  await sql.unsafe(`alter schema public owner to ${databaseRoles.owner}`);
}

const journalSchema = z.object({ entries: z.array(z.object({ tag: z.string(), when: z.number() })) });

/** Migrations in the repository, oldest first. */
export function knownMigrations(): { tag: string; when: number }[] {
  const journal = new URL('./migrations/meta/_journal.json', import.meta.url);
  return journalSchema.parse(JSON.parse(readFileSync(journal, 'utf8'))).entries;
}

/**
 * Applies what is missing, as the owner (the migrator becomes it at connect). Statements see every row: the owner has a
 * policy of its own, since under FORCE ROW LEVEL SECURITY a data migration without one changes nothing, silently.
 */
export async function migrateDatabase(migratorUrl: string): Promise<void> {
  const sql = postgres(migratorUrl, { max: 1, onnotice: () => undefined, connection: { role: databaseRoles.owner } });
  try {
    await migrate(drizzle(sql), { migrationsFolder: new URL('./migrations', import.meta.url).pathname });
  } finally {
    await sql.end();
  }
  await migrateQueue(migratorUrl);
}
