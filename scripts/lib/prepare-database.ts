import postgres from 'postgres';
import { z } from 'zod';
import { openDatabase, refuseUnsafeRole } from '#db/client.ts';
import { migrateDatabase, prepareRoles } from '#db/prepare.ts';
import { databaseRoles, urlForRole } from '#db/roles.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import type { Environment } from '#server/kernel/env.ts';
import { isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { asOwner, readDatabaseFacts, sentenceAboutDatabase } from './database-problem.ts';
import { Refused } from './refused.ts';

/** The logins of this installation, given or derived. */
export interface RoleUrls {
  /** Becomes the owner: migrations, backup, restore. */
  readonly migrator: string;
  readonly web: string;
  readonly sync: string;
}

/** @throws Refused where neither addresses nor a master key to derive them from are given. */
export function roleUrls(env: Environment, adminUrl: string): RoleUrls {
  const { webUrl, syncUrl } = env.database;
  if (webUrl !== null && syncUrl !== null) return { migrator: adminUrl, web: webUrl, sync: syncUrl };
  const [masterKey] = env.masterKeys;
  if (masterKey === undefined)
    throw new Refused('CROSSWALK_MASTER_KEY is missing: make one with `openssl rand -base64 32`.');
  const of = (role: 'migrator' | 'web' | 'sync') => urlForRole(adminUrl, masterKey.base64, role);
  return { migrator: of('migrator'), web: of('web'), sync: of('sync') };
}

const lookRow = z.array(z.object({ ours: z.boolean(), migrated: z.boolean(), foreign: z.coerce.number() }));
const valueRow = z.array(z.object({ value: z.string() }));

/** What stands in the database before anything is done to it. */
export type DatabaseContent = 'empty' | 'unmarked' | Environment['mode'];

/** As whoever may make the roles: whose installation the database holds. @throws Refused where it is something else's. */
export async function readContent(adminUrl: string): Promise<DatabaseContent> {
  const sql = postgres(adminUrl, { max: 1, connect_timeout: 10, onnotice: () => undefined });
  try {
    const [look] = lookRow.parse(
      // By the catalogue alone: who is neither superuser nor owner may not even look into the schemas.
      await sql`select coalesce(bool_or(n.nspname = 'public' and c.relname = 'installation'), false) as ours,
                       coalesce(bool_or(n.nspname = 'drizzle' and c.relname = '__drizzle_migrations'), false) as migrated,
                       count(*) filter (where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm')
                           and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')) as foreign
                  from pg_class c join pg_namespace n on n.oid = c.relnamespace`,
    );
    if (look === undefined || (look.ours && !look.migrated)) throw new Refused(somebodyElses);
    if (!look.ours) {
      if (look.foreign > 0) throw new Refused(somebodyElses);
      return 'empty';
    }
    return await sql.begin(async (tx) => {
      // Who is neither superuser nor owner reads through the owner, whom an earlier start let it become.
      await tx.unsafe(`set local role ${databaseRoles.owner}`);
      const rows = valueRow.parse(await tx`select value #>> '{}' as value from installation where key = 'mode'`);
      const mode = rows[0]?.value;
      return mode === 'demo' || mode === 'production' ? mode : 'unmarked';
    });
  } finally {
    await sql.end({ timeout: 2 });
  }
}

const somebodyElses =
  'The database at DATABASE_URL holds tables of another program: give Crosswalk an empty database of its own.';

/** A demo never touches a production database, and the other way round. */
export async function refuseOtherMode(adminUrl: string, env: Environment): Promise<DatabaseContent> {
  let content: DatabaseContent;
  try {
    content = await readContent(adminUrl);
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(sentenceAboutDatabase('DATABASE_URL', adminUrl, error));
  }
  const where = env.database.url === null ? `The data folder ${env.dataDir}` : 'DATABASE_URL';
  if (env.mode === 'demo' && content === 'production') {
    throw new Refused(
      `${where} holds a production installation, and demo mode never touches one: set CROSSWALK_URL, or use another ${env.database.url === null ? 'DATA_DIR' : 'database'}.`,
    );
  }
  if (env.mode === 'production' && content === 'demo') {
    throw new Refused(
      `${where} holds a demo, with accounts whose passwords everybody knows: give production ${env.database.url === null ? 'a DATA_DIR' : 'a database'} of its own.`,
    );
  }
  return content;
}

/** The sentence for a keyring that does not open, or null for another error. */
export function sentenceAboutKeyring(error: unknown): string | null {
  if (!isCrosswalkError(error, 'secret-unreadable')) return null;
  return error.details.problem === 'master-key-missing'
    ? 'CROSSWALK_MASTER_KEY is not the key under which this installation was made, nor does it list that one: give the key from then (as id:key, where it had an id).'
    : 'CROSSWALK_MASTER_KEY is not the key under which this installation was made: give the key from then, without it nothing that is sealed can be opened.';
}

/**
 * Before the roles' passwords are derived from it: whether the master key is the one that this database's secrets were sealed under.
 * An empty database takes any.
 */
export async function refuseWrongMasterKey(adminUrl: string, env: Environment): Promise<void> {
  const database = openDatabase(asOwner(adminUrl), { max: 1, name: 'crosswalk start' });
  try {
    const rows = await database.sql`select 1 from data_key limit 1`;
    if (rows.length > 0) await loadKeyring(database, env);
  } catch (error) {
    const sentence = sentenceAboutKeyring(error);
    throw sentence === null ? error : new Refused(sentence);
  } finally {
    await database.close();
  }
}

/** Whatever can be refused before anything is changed: another program's or mode's tables, another master key, unsafe logins. */
export async function refuseUnfitDatabase(env: Environment, adminUrl: string): Promise<DatabaseContent> {
  const content = await refuseOtherMode(adminUrl, env);
  if (content !== 'empty') await refuseWrongMasterKey(adminUrl, env);
  const { webUrl, syncUrl } = env.database;
  if (webUrl !== null) await refuseUnsafeLogin('DATABASE_WEB_URL', webUrl);
  if (syncUrl !== null) {
    await refuseUnsafeLogin('DATABASE_SYNC_URL', syncUrl);
    await refusePooler('DATABASE_SYNC_URL', syncUrl);
  }
  return content;
}

/**
 * From an address to a database that can be run on: roles made, migrations applied, its mode written down. After
 * `refuseUnfitDatabase`.
 * @throws Refused with a sentence for each thing that an administrator must change.
 */
export async function prepareDatabase(
  env: Environment,
  adminUrl: string,
  content: DatabaseContent,
  say: (text: string) => void,
): Promise<RoleUrls> {
  const urls = roleUrls(env, adminUrl);
  if (env.database.url !== null && env.database.webUrl === null && content === 'empty')
    await refuseRolesOfAnother(adminUrl, urls);
  if (env.database.webUrl === null) {
    await prepareRoles(adminUrl, env.masterKeys[0]?.base64 ?? '').catch((error: unknown) => {
      throw new Refused(sentenceAboutDatabase('DATABASE_URL', adminUrl, toCrosswalkError(error).cause ?? error));
    });
  }
  say(content === 'empty' ? 'Making the tables …' : 'Bringing the database up to date …');
  await migrateDatabase(urls.migrator).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    // Rights and logins are the administrator's; anything else in a migration is ours and is shown whole.
    if (!['42501', '28P01', '28000', '22023', '08P01'].includes(String(code))) throw error;
    throw new Refused(sentenceAboutDatabase('DATABASE_URL', urls.migrator, cause));
  });
  const sql = postgres(asOwner(urls.migrator), { max: 1, onnotice: () => undefined });
  try {
    await sql`insert into installation (key, value, updated_at) values ('mode', ${sql.json(env.mode)}, now()) on conflict (key) do nothing`;
  } finally {
    await sql.end({ timeout: 2 });
  }
  // Again, now that the tables have an owner.
  for (const role of ['web', 'sync'] as const)
    await refuseUnsafeLogin(
      env.database.webUrl === null ? 'DATABASE_URL' : `DATABASE_${role.toUpperCase()}_URL`,
      urls[role],
    );
  return urls;
}

/**
 * Roles belong to a whole server, and their passwords derive from the master key: a second installation on it would lock the first
 * one out.
 */
async function refuseRolesOfAnother(adminUrl: string, urls: RoleUrls): Promise<void> {
  const sql = postgres(adminUrl, { max: 1, connect_timeout: 10, onnotice: () => undefined });
  try {
    const there = await sql`select 1 from pg_roles where rolname = ${databaseRoles.web}`;
    if (there.length === 0) return;
    const code = await readDatabaseFacts(urls.web).then(
      () => null,
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : null),
    );
    if (code !== '28P01') return;
    throw new Refused(
      `Another installation of Crosswalk uses this PostgreSQL server: its roles (${databaseRoles.web} and others) have passwords of another master key. Use another server, or drop the roles where that installation is gone.`,
    );
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/**
 * The worker listens for notifications and holds locks of its session, which a pooler in transaction mode gives to somebody else.
 * A pooler is known by its refusing of a parameter at connect that PostgreSQL takes.
 */
async function refusePooler(variable: string, url: string): Promise<void> {
  const sql = postgres(url, {
    max: 1,
    connect_timeout: 10,
    onnotice: () => undefined,
    connection: { lock_timeout: 60_000 },
  });
  try {
    await sql`select 1`;
  } catch (error) {
    throw new Refused(sentenceAboutDatabase(variable, url, error));
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** @throws Refused where the login does not work or row-level security would not hold it. */
export async function refuseUnsafeLogin(variable: string, url: string): Promise<void> {
  try {
    await readDatabaseFacts(url);
  } catch (error) {
    throw new Refused(sentenceAboutDatabase(variable, url, error));
  }
  const database = openDatabase(url, { max: 1, prepare: false, name: 'crosswalk start' });
  try {
    await refuseUnsafeRole(database);
  } catch (error) {
    const { details, code } = toCrosswalkError(error);
    if (code !== 'misconfigured') throw error;
    throw new Refused(
      `${variable} signs in as ${String(details.role)}, which is superuser, owner of the tables or above row-level security: give a role that is none of these (docs/deployment.md).`,
    );
  } finally {
    await database.close();
  }
}
