import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, refuseUnsafeRole } from '#db/client.ts';
import { loadEnvironment } from '#server/kernel/env.ts';
import { databaseFolder } from './lib/installation.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './lib/postgres.ts';
import { prepareDatabase, refuseUnfitDatabase } from './lib/prepare-database.ts';

const silent = () => undefined;
const quiet = { max: 1, onnotice: silent };

/** The block of docs/deployment.md that makes the roles by hand, statement by statement as psql would run it. */
function statementsOfDocs(): { before: string[]; inside: string[] } {
  const text = readFileSync('docs/deployment.md', 'utf8');
  const block = /```sql\n([^`]*create role crosswalk_owner[^`]*)```/.exec(text)?.[1] ?? '';
  const [before = '', inside = ''] = block.split('\\c crosswalk\n');
  const statements = (part: string) =>
    part
      .split(';')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  return { before: statements(before), inside: statements(inside) };
}

describe('an external PostgreSQL', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'crosswalk-external-'));
  const masterKey = randomBytes(32).toString('base64');
  let server: EmbeddedPostgres;
  const production = (more: Record<string, string>) =>
    loadEnvironment({
      CROSSWALK_URL: 'https://crosswalk.example.org',
      CROSSWALK_MASTER_KEY: masterKey,
      SMTP_URL: 'smtp://127.0.0.1:25',
      MAIL_FROM: 'crosswalk@example.org',
      ...more,
    });
  const urlOf = (user: string, password: string, database: string) => {
    const url = new URL(server.url(database));
    url.username = user;
    url.password = password;
    return url.toString();
  };
  const admin = async <T>(run: (sql: postgres.Sql) => Promise<T>, database = 'postgres'): Promise<T> => {
    const sql = postgres(server.url(database), quiet);
    return run(sql).finally(() => sql.end());
  };

  beforeAll(async () => {
    server = await startEmbeddedPostgres({ dataDir: databaseFolder(dataDir), port: 0, throwAway: true });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(databaseFolder(dataDir), { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('is run on by roles that were made by hand as the docs say, none of them above row-level security', async () => {
    const { before, inside } = statementsOfDocs();
    expect(before.length).toBeGreaterThan(4);
    await admin(async (sql) => {
      for (const statement of before) await sql.unsafe(statement);
    });
    await admin(async (sql) => {
      for (const statement of inside) await sql.unsafe(statement);
      for (const role of ['migrator', 'web', 'sync'])
        await sql.unsafe(`alter role crosswalk_${role} password 'by-hand'`);
    }, 'crosswalk');
    const env = production({
      DATABASE_URL: urlOf('crosswalk_migrator', 'by-hand', 'crosswalk'),
      DATABASE_WEB_URL: urlOf('crosswalk_web', 'by-hand', 'crosswalk'),
      DATABASE_SYNC_URL: urlOf('crosswalk_sync', 'by-hand', 'crosswalk'),
    });
    const url = env.database.url ?? '';
    // Twice: the first start and every later one.
    for (const expected of ['empty', 'production']) {
      const content = await refuseUnfitDatabase(env, url);
      expect(content).toBe(expected);
      const urls = await prepareDatabase(env, url, content, silent);
      expect(urls.web).toBe(env.database.webUrl);
      const web = openDatabase(urls.web, { max: 1 });
      await refuseUnsafeRole(web);
      expect(await web.sql`select count(*)::int as n from school`).toEqual([{ n: 0 }]);
      await web.close();
    }
    await admin(async (sql) => {
      await sql.unsafe('drop database crosswalk with (force)');
      for (const role of ['migrator', 'web', 'sync', 'owner']) await sql.unsafe(`drop role crosswalk_${role}`);
    });
  });

  it('makes its roles itself as an administrator who is no superuser but may create roles and owns the database', async () => {
    await admin(async (sql) => {
      await sql.unsafe(`create role keeper login createrole password 'keep'`);
      await sql.unsafe(`create database crosswalk owner keeper encoding 'UTF8' template template0`);
    });
    const env = production({ DATABASE_URL: urlOf('keeper', 'keep', 'crosswalk') });
    const url = env.database.url ?? '';
    for (const expected of ['empty', 'production', 'production']) {
      const content = await refuseUnfitDatabase(env, url);
      expect(content).toBe(expected);
      const urls = await prepareDatabase(env, url, content, silent);
      for (const role of [urls.web, urls.sync]) {
        const database = openDatabase(role, { max: 1 });
        await refuseUnsafeRole(database);
        await database.close();
      }
    }
  });

  it('is not taken from another installation on the same server, whose roles have passwords of its own key', async () => {
    await admin((sql) => sql.unsafe(`create database second owner keeper encoding 'UTF8' template template0`));
    const env = production({
      DATABASE_URL: urlOf('keeper', 'keep', 'second'),
      CROSSWALK_MASTER_KEY: randomBytes(32).toString('base64'),
    });
    const url = env.database.url ?? '';
    await expect(prepareDatabase(env, url, await refuseUnfitDatabase(env, url), silent)).rejects.toThrow(
      /^Another installation of Crosswalk uses this PostgreSQL server/,
    );
    const first = production({ DATABASE_URL: urlOf('keeper', 'keep', 'crosswalk') });
    expect(await refuseUnfitDatabase(first, first.database.url ?? '')).toBe('production');
  });

  it('names the right that a role lacks', async () => {
    await admin(async (sql) => {
      await sql.unsafe(`create role guest login password 'guest'`);
      await sql.unsafe(`create database third encoding 'UTF8' template template0`);
      await sql.unsafe(`drop database second`);
    });
    const env = production({ DATABASE_URL: urlOf('guest', 'guest', 'third') });
    const url = env.database.url ?? '';
    await expect(prepareDatabase(env, url, await refuseUnfitDatabase(env, url), silent)).rejects.toThrow(
      /user guest lacks a right that Crosswalk needs; docs\/deployment\.md/,
    );
  });
});
