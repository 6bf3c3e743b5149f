import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { z } from 'zod';
import { CrosswalkError } from '../server/kernel/errors.ts';
import { migrateQueue } from './queue.ts';
import { databaseRoles, rolePassword } from './roles.ts';

const quoteIdentifier = (name: string) => `"${name.replaceAll('"', '""')}"`;
const quoteLiteral = (text: string) => `'${text.replaceAll("'", "''")}'`;

const roleRows = z.array(z.object({ name: z.string(), unsafe: z.boolean() }));

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
      const existing = new Map(
        roleRows
          .parse(
            await tx`select rolname as name, rolsuper or rolbypassrls or rolreplication or rolcreatedb or rolcreaterole as unsafe
                       from pg_roles where rolname = any(${Object.values(databaseRoles)})`,
          )
          .map((row) => [row.name, row]),
      );
      // Without a word about superuser and the like where nothing is wrong: only a superuser may even repeat them.
      const common = 'nosuperuser nobypassrls nocreatedb nocreaterole noreplication';
      const wanted = async (name: string, options: string) => {
        const found = existing.get(name);
        await tx.unsafe(`${found === undefined ? 'create' : 'alter'} role ${quoteIdentifier(name)} ${options}`);
        if (found?.unsafe === true) await tx.unsafe(`alter role ${quoteIdentifier(name)} ${common}`);
      };
      await wanted(databaseRoles.owner, 'nologin');
      for (const role of ['migrator', 'web', 'sync'] as const) {
        await wanted(databaseRoles[role], `login password ${quoteLiteral(rolePassword(masterKey, role))}`);
      }
      await tx.unsafe(`grant ${databaseRoles.owner} to ${databaseRoles.migrator}`);
      // Who is no superuser may hand the schema over only to a role that he may become.
      const may = z
        .array(z.object({ may: z.boolean() }))
        .parse(await tx`select pg_has_role(${databaseRoles.owner}, 'SET') as may`);
      if (may[0]?.may !== true)
        await tx.unsafe(`grant ${databaseRoles.owner} to current_user with inherit false, set true`);
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
 * Applies what is missing, one process at a time, as the owner (the migrator becomes it at connect). Statements see every row: the owner has a
 * policy of its own, since under FORCE ROW LEVEL SECURITY a data migration without one changes nothing, silently.
 */
export async function migrateDatabase(migratorUrl: string): Promise<void> {
  const sql = postgres(migratorUrl, { max: 1, onnotice: () => undefined, connection: { role: databaseRoles.owner } });
  try {
    // Of the session: it ends with this connection.
    await sql`select pg_advisory_lock(hashtext('crosswalk migrations'))`;
    await migrate(drizzle(sql), { migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)) });
    await migrateQueue(migratorUrl);
  } finally {
    await sql.end();
  }
}
