import postgres from 'postgres';
import { z } from 'zod';
import { databaseRoles } from '#db/roles.ts';
import { Refused } from './refused.ts';

/** PostgreSQL's oldest major version that Crosswalk runs on. */
export const oldestPostgres = 17;

/** What an address's server says of itself. */
export interface DatabaseFacts {
  /** As `server_version` says it: `17.6`. */
  readonly version: string;
  readonly major: number;
  readonly encoding: string;
  readonly name: string;
  readonly user: string;
  /** Seconds by which the server's clock is ahead of this machine's; half of the round trip is taken off. */
  readonly clockAheadSeconds: number;
}

const hostOf = (url: string) => {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === '' ? '5432' : port}`;
};

/** The one sentence for a database that cannot be used; decided by codes, never by a message. */
export function sentenceAboutDatabase(variable: string, url: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const where = `${variable} (${hostOf(url)})`;
  const { username, pathname } = new URL(url);
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${where} names a host that cannot be found: check its spelling and this machine's DNS.`;
    case 'ECONNREFUSED':
      return `${where}: nothing answers there: is PostgreSQL running, and are host and port right?`;
    case 'CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${where} does not answer in time: check the network and firewalls between this machine and the database.`;
    case 'CONNECTION_CLOSED':
    case 'CONNECTION_ENDED':
    case 'ECONNRESET':
      return `${where} closes the connection: is that a PostgreSQL server, and does it want TLS (add ?sslmode=require)?`;
    case '28P01':
      return `${where} refuses user ${username} with this password: correct the password in ${variable}.`;
    case '28000':
      return `${where} refuses user ${username}: the role must exist with LOGIN, and pg_hba.conf must let it in from this machine.`;
    case '3D000':
      return `${where} has no database "${pathname.slice(1)}": make it with CREATE DATABASE ${pathname.slice(1)} ENCODING 'UTF8' TEMPLATE template0.`;
    case '42501':
      return `${where}: user ${username} lacks a right that Crosswalk needs; docs/deployment.md lists what the role must be able to do.`;
    case '53300':
      return `${where} has no connection left: raise max_connections or close other clients.`;
    case '57P03':
      return `${where} is starting up or shutting down: try again in a moment.`;
    case '08P01':
      return `${where} does not understand us: DATABASE_URL and DATABASE_SYNC_URL must reach PostgreSQL itself, not PgBouncer (docs/deployment.md).`;
    default:
      return `${where} cannot be used (${code}): check address, name, user and password.`;
  }
}

const factsRow = z.array(
  z.object({
    version: z.string(),
    number: z.coerce.number(),
    encoding: z.string(),
    name: z.string(),
    who: z.string(),
    now: z.coerce.number(),
  }),
);

/** Connects once and asks. In the simple protocol, so that poolers of every age pass it on. */
export async function readDatabaseFacts(url: string): Promise<DatabaseFacts> {
  const sql = postgres(url, {
    max: 1,
    connect_timeout: 10,
    prepare: false,
    fetch_types: false,
    onnotice: () => undefined,
  });
  try {
    await sql.unsafe('select 1');
    const sent = Date.now();
    const [row] = factsRow.parse(
      await sql.unsafe(`select current_setting('server_version') as version, current_setting('server_version_num') as number,
        current_setting('server_encoding') as encoding, current_database() as name, current_user as who,
        extract(epoch from clock_timestamp()) as now`),
    );
    const arrived = Date.now();
    if (row === undefined) throw new Refused('The database answers nothing to a simple question.');
    return {
      version: row.version,
      major: Math.floor(row.number / 10_000),
      encoding: row.encoding,
      name: row.name,
      user: row.who,
      clockAheadSeconds: row.now - (sent + arrived) / 2_000,
    };
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** What of the facts forbids a start, as sentences. */
export function sentencesAboutFacts(variable: string, facts: DatabaseFacts): string[] {
  const sentences: string[] = [];
  if (facts.major < oldestPostgres)
    sentences.push(
      `${variable} leads to PostgreSQL ${facts.version}, and Crosswalk needs ${oldestPostgres} or newer: upgrade it, or unset ${variable} to use the embedded server.`,
    );
  if (facts.encoding !== 'UTF8')
    sentences.push(
      `The database "${facts.name}" is encoded in ${facts.encoding}, and names of people need UTF8: make it anew with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
    );
  return sentences;
}

/** @throws Refused with the sentence where the database cannot be reached, is too old or of another encoding. */
export async function refuseUnusableDatabase(variable: string, url: string): Promise<DatabaseFacts> {
  let facts: DatabaseFacts;
  try {
    facts = await readDatabaseFacts(url);
  } catch (error) {
    throw new Refused(sentenceAboutDatabase(variable, url, error));
  }
  const [problem] = sentencesAboutFacts(variable, facts);
  if (problem !== undefined) throw new Refused(problem);
  return facts;
}

/** The same address, as the owner of the tables from the first statement on (where the user may become it). */
export function asOwner(url: string): string {
  const owner = new URL(url);
  owner.searchParams.set('role', databaseRoles.owner);
  return owner.toString();
}
