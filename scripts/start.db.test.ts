import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openDatabase } from '#db/client.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { freePort } from './lib/postgres.ts';
import { isAlive, recordOf } from './lib/process-mark.ts';
import { startOldPostgres } from './testing/old-postgres.ts';
import { type Ended, runScript } from './testing/run-script.ts';

/** A start that must refuse: with ports that are free, a folder of its own and whatever the case changes. */
describe('npm start refuses with one helpful sentence', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-start-'));
  let database: TestDatabase;
  let ports: Record<string, string>;
  const held: Server[] = [];
  let count = 0;

  const hold = (port: string) =>
    new Promise<void>((done, fail) => {
      const server = createServer();
      held.push(server);
      server.once('error', fail);
      server.listen(Number(port), '127.0.0.1', done);
    });
  const newFolder = () => {
    count += 1;
    return join(folder, String(count));
  };
  const start = (env: Record<string, string>, identity = {}): Promise<Ended> =>
    runScript('scripts/start.ts', [], { ...ports, DATA_DIR: newFolder(), ...env }, identity);
  const production = () => ({
    CROSSWALK_URL: 'https://crosswalk.example.org',
    CROSSWALK_MASTER_KEY: database.masterKey,
    SMTP_URL: 'smtp://127.0.0.1:25',
    MAIL_FROM: 'crosswalk@example.org',
    WEB_HOST: '127.0.0.1',
  });
  const expectSentence = ({ code, stdout, stderr }: Ended, sentence: RegExp) => {
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr.trim()).toMatch(/[.?]$/);
    expect(stdout).not.toContain('Building');
    expect(code).toBe(1);
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    const names = [
      'PORT',
      'WORKER_PORT',
      'SANDBOX_SIS_PORT',
      'SANDBOX_CANVAS_PORT',
      'SANDBOX_MOODLE_PORT',
      'SANDBOX_PULLER_PORT',
    ];
    ports = {};
    for (const name of names) ports[name] = String(await freePort());
  });
  afterAll(async () => {
    for (const server of held) server.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    'PORT',
    'WORKER_PORT',
    'SANDBOX_SIS_PORT',
    'SANDBOX_CANVAS_PORT',
    'SANDBOX_MOODLE_PORT',
    'SANDBOX_PULLER_PORT',
  ])('where %s is taken, naming the port and how to choose another', async (variable) => {
    const taken = String(await freePort());
    await hold(taken);
    expectSentence(
      await start({ [variable]: taken }),
      new RegExp(`^Port ${taken} is taken by another program.*${variable}=\\d+ npm start`),
    );
  });

  it('where two of its own ports are one', async () => {
    const one = ports.SANDBOX_SIS_PORT ?? '';
    expectSentence(await start({ SANDBOX_MOODLE_PORT: one }), /SANDBOX_SIS_PORT and SANDBOX_MOODLE_PORT are both/);
  });

  it('where a port is no number', async () => {
    expectSentence(await start({ SANDBOX_SIS_PORT: 'ftp' }), /^SANDBOX_SIS_PORT cannot be used/);
  });

  it('where DATA_DIR cannot be a folder', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    expectSentence(await start({ DATA_DIR: join(file, 'data') }), /^Crosswalk cannot write to .*a-file\/data/);
  });

  it('where DATA_DIR is read-only', async () => {
    const readOnly = newFolder();
    mkdirSync(readOnly);
    chmodSync(folder, 0o755);
    chmodSync(readOnly, 0o555);
    // root writes everywhere: then as nobody.
    const identity = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    expectSentence(await start({ DATA_DIR: readOnly }, identity), /^Crosswalk cannot write to /);
  });

  it('where another start has the same DATA_DIR', async () => {
    const dataDir = newFolder();
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'start.json'), JSON.stringify(recordOf(process.pid)));
    expectSentence(
      await start({ DATA_DIR: dataDir }),
      new RegExp(`^Crosswalk runs already with the data in .*process ${process.pid}.*DATA_DIR`),
    );
  });

  it('but not for a start that is gone, though its number lives on in another process', async () => {
    const dataDir = newFolder();
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'start.json'), JSON.stringify({ pid: process.pid, mark: 'of long ago' }));
    const taken = String(await freePort());
    await hold(taken);
    expectSentence(await start({ DATA_DIR: dataDir, PORT: taken }), /^Port \d+ is taken/);
    expect(existsSync(join(dataDir, 'start.json'))).toBe(false);
  });

  it('and ends first what a killed start left running, but never a stranger under its number', async () => {
    const dataDir = newFolder();
    mkdirSync(dataDir);
    const idle = () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true });
    const [ours, stranger] = [idle(), idle()];
    const records = [ours, stranger].map((child) => recordOf(child.pid ?? 0));
    const [mine, other] = records;
    if (mine === null || other === null || mine === undefined || other === undefined) throw new Error('no processes');
    writeFileSync(
      join(dataDir, 'processes.json'),
      JSON.stringify([
        { name: 'worker', ...mine },
        { name: 'web', ...other, mark: 'of long ago' },
      ]),
    );
    const taken = String(await freePort());
    await hold(taken);
    const ended = await start({ DATA_DIR: dataDir, PORT: taken });
    expect(ended.stdout).toContain('Ending what an earlier start left running: worker');
    expect(isAlive(mine)).toBe(false);
    expect(isAlive(other)).toBe(true);
    stranger.kill('SIGKILL');
  });

  it('where DATABASE_URL names a host that does not exist', async () => {
    expectSentence(
      await start({ DATABASE_URL: 'postgres://u:secret@db.invalid/crosswalk' }),
      /^DATABASE_URL \(db\.invalid:5432\) names a host that cannot be found/,
    );
  });

  it('where nothing answers at DATABASE_URL', async () => {
    const url = `postgres://u:secret@127.0.0.1:${await freePort()}/crosswalk`;
    expectSentence(await start({ DATABASE_URL: url }), /^DATABASE_URL \(127\.0\.0\.1:\d+\): nothing answers there/);
  });

  it('where the password is wrong, without repeating it', async () => {
    const url = new URL(database.adminUrl);
    url.password = 'not-the-password';
    const ended = await start({ DATABASE_URL: url.toString() });
    expectSentence(ended, /refuses user postgres with this password/);
    expect(ended.stderr).not.toContain('not-the-password');
  });

  it('where the database does not exist', async () => {
    const url = new URL(database.adminUrl);
    url.pathname = '/nowhere';
    expectSentence(
      await start({ DATABASE_URL: url.toString() }),
      /has no database "nowhere": make it with CREATE DATABASE/,
    );
  });

  it('where PostgreSQL is too old', async () => {
    const old = await startOldPostgres('16.9');
    try {
      expectSentence(
        await start({ DATABASE_URL: `postgres://u:p@127.0.0.1:${old.port}/crosswalk` }),
        /^DATABASE_URL leads to PostgreSQL 16\.9, and Crosswalk needs 17 or newer/,
      );
    } finally {
      await old.stop();
    }
  });

  describe('of a database', () => {
    let other: string;
    let admin: postgres.Sql;
    beforeAll(async () => {
      const maintenance = new URL(inject('postgresAdminUrl'));
      admin = postgres(maintenance.toString(), { max: 1, onnotice: () => undefined });
      other = `other_${randomBytes(4).toString('hex')}`;
    });
    afterAll(async () => {
      await admin.unsafe(`drop database if exists ${other} with (force)`);
      await admin.end();
    });
    const urlOf = (name: string) => {
      const url = new URL(database.adminUrl);
      url.pathname = `/${name}`;
      return url.toString();
    };

    it('in another encoding', async () => {
      await admin.unsafe(
        `create database ${other} encoding 'SQL_ASCII' locale_provider libc locale 'C' template template0`,
      );
      expectSentence(await start({ DATABASE_URL: urlOf(other) }), /is encoded in SQL_ASCII.*UTF8/);
      await admin.unsafe(`drop database ${other} with (force)`);
    });

    it('that holds the tables of another program', async () => {
      await admin.unsafe(`create database ${other}`);
      const sql = postgres(urlOf(other), { max: 1 });
      await sql`create table customers (id int)`;
      await sql.end();
      expectSentence(await start({ DATABASE_URL: urlOf(other) }), /holds tables of another program/);
    });
  });

  it('in demo mode, of a database that holds a production installation', async () => {
    await database.admin`insert into installation (key, value, updated_at) values ('mode', '"production"', now())`;
    expectSentence(
      await start({ DATABASE_URL: database.adminUrl }),
      /^DATABASE_URL holds a production installation, and demo mode never touches one/,
    );
  });

  it('in production, of a database that holds a demo', async () => {
    await database.admin`insert into installation (key, value, updated_at) values ('mode', '"demo"', now())
                         on conflict (key) do update set value = excluded.value`;
    expectSentence(
      await start({ ...production(), DATABASE_URL: database.adminUrl }),
      /^DATABASE_URL holds a demo, with accounts whose passwords everybody knows/,
    );
  });

  it.each(['CROSSWALK_MASTER_KEY', 'SMTP_URL', 'MAIL_FROM'])('in production, where %s is missing', async (variable) => {
    expectSentence(await start({ ...production(), [variable]: '' }), new RegExp(`^${variable} is missing`));
  });

  it('in production, each thing that is missing in a sentence of its own', async () => {
    const { stderr, code } = await start({ CROSSWALK_URL: 'https://crosswalk.example.org' });
    expect(stderr.trim().split('\n')).toHaveLength(3);
    expect(code).toBe(1);
  });

  it('where the master key is another, before any password of a role is changed by it', async () => {
    await database.admin`insert into installation (key, value, updated_at) values ('mode', '"production"', now())
                         on conflict (key) do update set value = excluded.value`;
    await loadKeyring(database.web, { masterKeys: [{ id: '1', base64: database.masterKey }] });
    const other = randomBytes(32).toString('base64');
    const env = { ...production(), DATABASE_URL: database.adminUrl };
    expectSentence(
      await start({ ...env, CROSSWALK_MASTER_KEY: other }),
      /^CROSSWALK_MASTER_KEY is not the key under which this installation was made/,
    );
    expectSentence(await start({ ...env, CROSSWALK_MASTER_KEY: `new:${other}` }), /nor does it list that one/);
    const again = openDatabase(database.webUrl, { max: 1 });
    expect(await again.sql`select 1 as one`).toEqual([{ one: 1 }]);
    await again.close();
  });

  it('where a login of ours is a superuser', async () => {
    const env = { ...production(), DATABASE_URL: database.adminUrl, DATABASE_SYNC_URL: database.syncUrl };
    expectSentence(
      await start({ ...env, DATABASE_WEB_URL: database.adminUrl }),
      /^DATABASE_WEB_URL signs in as postgres, which is superuser/,
    );
  });

  it('where somebody asks for a part that there is not', async () => {
    const ended = await runScript('scripts/start.ts', ['everything'], { ...ports, DATA_DIR: newFolder() });
    expectSentence(ended, /^`npm start` runs everything/);
  });
});
