import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { writeCsvPackage } from '#sandbox/generator/csv-package.ts';
import { schoolOf } from '#sandbox/generator/school.ts';
import { newHostKey, type SftpServer, startSftpServer } from '#server/connectors/oneroster-csv/testing/sftp-server.ts';
import { enterCredential } from '#server/features/connections/enter-credential.ts';
import { edge, makeScene, type Scene } from '#server/features/connections/testing/school-with-sis.ts';
import { createSyncWork } from '#server/features/sync/sync-work.ts';
import type { Clock } from '#server/kernel/clock.ts';
import { testNow } from '#server/testing/actors.ts';
import { lookNow } from './look-now.ts';
import { packagesPage } from './packages-page.ts';
import { createPackagesWork } from './packages-work.ts';
import { addAndApprove, queuedRun, syncQueued } from './testing/csv-school.ts';

describe('a folder that is looked into', () => {
  let database: TestDatabase;
  let server: SftpServer;
  let scene: Scene;
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-folder-'));
  const hostKey = newHostKey();
  const time = { at: Date.parse(testNow) };
  const clock: Clock = { now: () => new Date(time.at) };
  const pass = (minutes: number) => {
    time.at += minutes * 60_000;
  };
  let whole: Buffer;

  beforeAll(async () => {
    database = await createTestDatabase();
    const path = join(folder, 'whole.zip');
    await writeCsvPackage(path, { school: schoolOf({ slug: 'lindenhof' }), version: '1.2' });
    whole = readFileSync(path);
    server = await startSftpServer({ hostKey });
  });
  afterAll(async () => {
    await server.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const put = (name: string, bytes = whole) => server.files.set(name, { bytes, modifiedAt: clock.now() });
  const newSchool = async () => {
    scene = await makeScene(database, clock);
    server.files.clear();
    const { schoolId } = scene;
    const added = await addAndApprove(scene, {
      way: 'sftp',
      host: '127.0.0.1',
      port: String(server.port),
      folder: '/out',
      fingerprint: server.fingerprint,
    });
    const trial = await enterCredential({
      ctx: await scene.as('technical-contact'),
      input: { schoolId, systemId: added.systemId, secret: { user: 'crosswalk', password: 'let-me-in' } },
    });
    expect(trial.outcome).toBe('proved');
    // The run that follows the proof finds no package.
    await syncQueued(scene, added.systemId);
    return { ...added, schoolId };
  };
  const work = async () => {
    const job = await scene.job();
    return createPackagesWork(() => job);
  };
  const look = async (systemId: string) =>
    (await work()).look({ schoolId: scene.schoolId, systemId, runId: 'test-run' });
  const page = async (systemId: string) =>
    packagesPage({ ctx: await scene.as('technical-contact'), input: { schoolId: scene.schoolId, systemId } });

  it('brings a connection to live with the first whole package, once, and changes nothing over there', async () => {
    const { systemId, connectionId } = await newSchool();
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'package-awaited' });
    put('export.zip');
    expect(await look(systemId)).toMatchObject({ handedIn: 0, growing: 1 });
    pass(1);
    expect(await look(systemId)).toMatchObject({ handedIn: 1, growing: 0, more: false });
    await syncQueued(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
    pass(15);
    expect(await look(systemId)).toMatchObject({ handedIn: 0, growing: 0 });
    expect(await queuedRun(scene, systemId)).toBeNull();
    expect(server.asked.filter((what) => what !== 'list')).toEqual(['read export.zip']);
    const shown = await page(systemId);
    expect(shown.folder).toMatchObject([{ name: 'export.zip', state: 'handed-in' }]);
    expect(shown.packages).toMatchObject([{ fileName: 'export.zip', via: 'sftp', by: null, state: 'read' }]);
  });

  it('notes a package that cannot be read beside its file, and goes on with the next', async () => {
    const { systemId } = await newSchool();
    put('first.zip');
    put('first.zip.done', Buffer.alloc(0));
    await look(systemId);
    pass(5);
    put('broken.zip', whole.subarray(0, 2000));
    pass(1);
    put('good.zip');
    await look(systemId);
    pass(1);
    expect(await look(systemId)).toMatchObject({ refused: 1, more: true });
    expect(await look(systemId)).toMatchObject({ handedIn: 1, more: false });
    const { folder: files } = await page(systemId);
    expect(files.find(({ name }) => name === 'broken.zip')).toMatchObject({
      state: 'refused',
      problem: { code: 'package-cut-short' },
    });
    pass(15);
    expect(await look(systemId)).toMatchObject({ handedIn: 0, refused: 0 });
  });

  it('sends no login to a server with another key: the connection asks for somebody, and the old key brings it back', async () => {
    const { systemId, connectionId, schoolId } = await newSchool();
    put('export.zip');
    put('export.zip.done', Buffer.alloc(0));
    const { port } = server;
    await server.close();
    const stranger = await startSftpServer({ port });
    await look(systemId);
    expect(stranger.logins()).toBe(0);
    expect(await edge(scene, connectionId)).toMatchObject({ turn: 'technical-contact', cause: 'credential-refused' });
    await stranger.close();
    server = await startSftpServer({ hostKey, port });
    put('export.zip');
    put('export.zip.done', Buffer.alloc(0));
    expect(await look(systemId)).toMatchObject({ handedIn: 1 });
    await syncQueued(scene, systemId);
    const again = await enterCredential({
      ctx: await scene.as('technical-contact'),
      input: { schoolId, systemId, secret: { user: 'crosswalk', password: 'let-me-in' } },
    });
    expect(again.outcome).toBe('proved');
  });

  it('is looked into when it is due and on demand; nobody asks such a source over REST', async () => {
    const { systemId, schoolId } = await newSchool();
    const asked = () => database.admin<{ data: { systemId: string } }[]>`
      select data from outbox where name = 'packages/look-requested'`;
    const count = async () => (await asked()).filter(({ data }) => data.systemId === systemId).length;
    await (await work()).requestLooks({ runId: 'cron' });
    expect(await count()).toBe(1);
    await lookNow({ ctx: await scene.as('technical-contact'), input: { schoolId, systemId } });
    expect(await count()).toBe(2);
    pass(600);
    const job = await scene.job();
    const nothing = async () => undefined;
    const sync = createSyncWork(
      { web: () => job, sync: () => job },
      {
        withSession: () => Promise.reject(new Error('not asked')),
        onSyncSucceeded: nothing,
        onSyncFailed: nothing,
        onSyncHeld: nothing,
      },
    );
    await sync.requestDue({ runId: 'cron' });
    expect(await queuedRun(scene, systemId)).toBeNull();
  });
});
