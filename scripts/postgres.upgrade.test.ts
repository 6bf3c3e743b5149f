import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '#db/client.ts';
import { urlForRole } from '#db/roles.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { type Environment, loadEnvironment } from '#server/kernel/env.ts';
import { openText, seal } from '#server/kernel/sealed.ts';
import { type FetchedPostgres, fetchPostgres } from './lib/fetch-postgres.ts';
import { databaseFolder } from './lib/installation.ts';
import { clusterMajor, type EmbeddedPostgres, embeddedMajor, freePort, startEmbeddedPostgres } from './lib/postgres.ts';
import { prepareDatabase } from './lib/prepare-database.ts';
import { runScript } from './testing/run-script.ts';

/** PostgreSQL's major version that a cluster is brought from. */
const oldMajor = 17;
const user = '01890000-0000-7000-8000-000000000001';
const place = { table: 'totp', column: 'sealed_secret', schoolId: null, rowId: user, origin: null };

describe(`npm run upgrade-postgres from ${oldMajor} to ${embeddedMajor()}`, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'crosswalk-upgrade-'));
  const folder = databaseFolder(dataDir);
  const masterKey = randomBytes(32).toString('base64');
  let fetched: FetchedPostgres;
  let ports: Record<string, string>;
  let env: Environment;
  const siblings = () =>
    readdirSync(dirname(folder)).filter((name) => name.startsWith(`${basename(folder)}-${oldMajor}-`));
  const upgrade = () =>
    runScript('scripts/upgrade-postgres.ts', [], { DATA_DIR: dataDir, CROSSWALK_MASTER_KEY: masterKey });
  const within = async <T>(server: EmbeddedPostgres, run: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
    const sql = postgres(server.url('crosswalk'), { max: 1, onnotice: () => undefined });
    return run(sql).finally(() => sql.end());
  };

  beforeAll(async () => {
    env = loadEnvironment({ DATA_DIR: dataDir, CROSSWALK_MASTER_KEY: masterKey });
    ports = {};
    for (const name of [
      'PORT',
      'WORKER_PORT',
      'SANDBOX_SIS_PORT',
      'SANDBOX_CANVAS_PORT',
      'SANDBOX_MOODLE_PORT',
      'SANDBOX_PULLER_PORT',
    ])
      ports[name] = String(await freePort());
    fetched = await fetchPostgres(oldMajor);
    const server = await startEmbeddedPostgres({ dataDir: folder, port: 0, native: fetched.native });
    try {
      const admin = postgres(server.adminUrl, { max: 1 });
      await admin.unsafe('create database crosswalk').finally(() => admin.end());
      await prepareDatabase(env, server.url('crosswalk'), 'empty', () => undefined);
      const web = openDatabase(urlForRole(server.url('crosswalk'), masterKey, 'web'), { max: 1 });
      const keyring = await loadKeyring(web, env).finally(() => web.close());
      await within(server, async (sql) => {
        await sql`insert into app_user (id, email, email_folded, name) values (${user}, 'a@example.org', 'a@example.org', 'Zoë')`;
        await sql`insert into totp (user_id, sealed_secret) values (${user}, ${sql.json({ ...seal(keyring, 'the secret', place) })})`;
        await sql`insert into outbox (id, name, data) select gen_random_uuid(), 'agreement/changed', '{}' from generate_series(1, 5000)`;
      });
    } finally {
      await server.stop();
    }
  });
  afterAll(() => {
    fetched.remove();
    for (const name of siblings()) rmSync(join(dirname(folder), name), { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('is what a start asks for, in one sentence', async () => {
    expect(clusterMajor(folder)).toBe(oldMajor);
    const { code, stderr } = await runScript('scripts/start.ts', [], {
      ...ports,
      DATA_DIR: dataDir,
      CROSSWALK_MASTER_KEY: masterKey,
    });
    expect(stderr).toMatch(
      /^The data in .* was written by PostgreSQL 17, .*: run `npm run upgrade-postgres` once\.\n$/,
    );
    expect(code).toBe(1);
  });

  it('refuses another master key and leaves everything as it was', async () => {
    const { code, stderr } = await runScript('scripts/upgrade-postgres.ts', [], {
      DATA_DIR: dataDir,
      CROSSWALK_MASTER_KEY: randomBytes(32).toString('base64'),
    });
    expect(stderr).toMatch(/^CROSSWALK_MASTER_KEY is not the key under which this installation was made/);
    expect(code).toBe(1);
    expect(clusterMajor(folder)).toBe(oldMajor);
    expect(siblings()).toEqual([]);
  });

  it('brings every row over, counted, and keeps the old data and a backup', async () => {
    const { code, stdout, stderr } = await upgrade();
    expect(stderr).toBe('');
    expect(stdout).toMatch(/\d+ rows of \d+ tables went from PostgreSQL 17 to 18, and every table was counted/);
    expect(code).toBe(0);
    expect(clusterMajor(folder)).toBe(embeddedMajor());
    expect(siblings()).toHaveLength(1);
    expect(readFileSync(join(dirname(folder), siblings()[0] ?? '', 'cluster', 'PG_VERSION'), 'utf8').trim()).toBe('17');
    expect(readdirSync(dataDir).filter((name) => name.endsWith('.backup'))).toHaveLength(1);
    expect(existsSync(join(dataDir, 'start.json'))).toBe(false);
    const server = await startEmbeddedPostgres({ dataDir: folder, port: 0 });
    try {
      await within(server, async (sql) => {
        expect(await sql`select name from app_user`).toEqual([{ name: 'Zoë' }]);
        expect(await sql`select count(*)::int as n from outbox`).toEqual([{ n: 5000 }]);
        const web = openDatabase(urlForRole(server.url('crosswalk'), masterKey, 'web'), { max: 1 });
        const keyring = await loadKeyring(web, env).finally(() => web.close());
        const [row] = await sql`select sealed_secret from totp`;
        expect(openText(keyring, row?.sealed_secret, place)).toBe('the secret');
      });
    } finally {
      await server.stop();
    }
  });

  it('has nothing to do a second time', async () => {
    const { code, stdout } = await upgrade();
    expect(stdout).toContain('there is nothing to upgrade');
    expect(code).toBe(0);
  });
});
