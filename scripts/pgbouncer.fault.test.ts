import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '#db/client.ts';
import { loadEnvironment } from '#server/kernel/env.ts';
import { databaseFolder } from './lib/installation.ts';
import { type EmbeddedPostgres, freePort, startEmbeddedPostgres } from './lib/postgres.ts';
import { prepareDatabase, type RoleUrls, refuseUnfitDatabase } from './lib/prepare-database.ts';

function found(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    // Not installed: then the same is asked of one connection that transactions share.
    return false;
  }
}

const withPooler = found('pgbouncer');
const schools = ['01890000-0000-7000-8000-00000000000a', '01890000-0000-7000-8000-00000000000b'] as const;

describe(withPooler ? 'behind PgBouncer in transaction mode' : 'on one connection that transactions share', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'crosswalk-pooler-'));
  const masterKey = randomBytes(32).toString('base64');
  let server: EmbeddedPostgres;
  let pooler: ChildProcess | null = null;
  let urls: RoleUrls;
  let pooledUrl: string;
  let web: Database;

  async function startPooler(port: number): Promise<ChildProcess> {
    const login = new URL(urls.web);
    const users = join(dataDir, 'users.txt');
    const sync = new URL(urls.sync);
    writeFileSync(users, `"crosswalk_web" "${login.password}"\n"crosswalk_sync" "${sync.password}"\n`);
    const file = join(dataDir, 'pgbouncer.ini');
    const lines = [
      '[databases]',
      `crosswalk = host=127.0.0.1 port=${server.port} dbname=crosswalk`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      'pool_mode = transaction',
      // Fewer than ask at once: transactions of different schools take turns on the same connections.
      'default_pool_size = 2',
      'max_client_conn = 50',
      'unix_socket_dir =',
      '',
    ];
    writeFileSync(file, lines.join('\n'));
    // It refuses to run as root.
    const identity = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    chmodSync(dataDir, 0o755);
    if (identity.uid !== undefined) for (const path of [users, file]) chownSync(path, 65_534, 65_534);
    const child = spawn('pgbouncer', [file], { stdio: 'ignore', ...identity });
    for (let attempt = 0; ; attempt += 1) {
      const sql = postgres(pooledUrl, { max: 1, prepare: false, fetch_types: false, connect_timeout: 2 });
      try {
        await sql.unsafe('select 1');
        return child;
      } catch (error) {
        if (attempt > 100) throw error;
        await new Promise((done) => setTimeout(done, 50));
      } finally {
        await sql.end({ timeout: 1 });
      }
    }
  }

  beforeAll(async () => {
    server = await startEmbeddedPostgres({ dataDir: databaseFolder(dataDir), port: 0, throwAway: true });
    const admin = postgres(server.adminUrl, { max: 1, onnotice: () => undefined });
    await admin.unsafe('create database crosswalk').finally(() => admin.end());
    const env = loadEnvironment({ CROSSWALK_MASTER_KEY: masterKey });
    urls = await prepareDatabase(env, server.url('crosswalk'), 'empty', () => undefined);
    const sql = postgres(server.url('crosswalk'), { max: 1, onnotice: () => undefined });
    for (const school of schools) {
      await sql`insert into organisation (id, kind, name) values (${school}, 'school', ${school})`;
      await sql`insert into school (id, name, register, register_number, country, time_zone) values (${school}, ${school}, 'other', ${school}, 'NL', 'Europe/Amsterdam')`;
    }
    await sql.end();
    const pooled = new URL(urls.web);
    if (withPooler) pooled.port = String(await freePort());
    pooledUrl = pooled.toString();
    if (withPooler) pooler = await startPooler(Number(pooled.port));
    web = openDatabase(pooledUrl, withPooler ? { max: 20, prepare: false } : { max: 1, prepare: false });
  });
  afterAll(async () => {
    await web.close();
    pooler?.kill('SIGKILL');
    await server.stop();
    rmSync(databaseFolder(dataDir), { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('shows each of many transactions at once its own school and no other', async () => {
    const wanted = Array.from({ length: 200 }, (_, index) => [...schools, null][index % 3] ?? null);
    const seen = await Promise.all(
      wanted.map((schoolId) =>
        web.inScope({ schoolId }, async (tx) => (await tx.query.school.findMany()).map((row) => row.id)),
      ),
    );
    expect(seen).toEqual(wanted.map((schoolId) => (schoolId === null ? [] : [schoolId])));
  });

  it('leaves nothing behind on the connection, not even after a transaction that failed', async () => {
    for (const schoolId of schools) {
      await expect(
        web.withSchool(schoolId, async () => {
          throw new Error('broken off');
        }),
      ).rejects.toThrow('broken off');
      expect(await web.sql`select count(*)::int as n from school`).toEqual([{ n: 0 }]);
    }
  });

  it('refuses a pooler where the worker listens', async () => {
    const sync = new URL(urls.sync);
    sync.port = new URL(pooledUrl).port;
    const env = loadEnvironment({
      CROSSWALK_MASTER_KEY: masterKey,
      DATABASE_URL: server.url('crosswalk'),
      DATABASE_WEB_URL: pooledUrl,
      DATABASE_SYNC_URL: sync.toString(),
      DATABASE_PREPARE: '0',
    });
    const examined = refuseUnfitDatabase(env, server.url('crosswalk'));
    if (withPooler)
      await expect(examined).rejects.toThrow(/^DATABASE_SYNC_URL .* must reach PostgreSQL itself, not PgBouncer/);
    else await expect(examined).resolves.toBe('demo');
  });
});
