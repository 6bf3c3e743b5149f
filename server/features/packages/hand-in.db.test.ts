import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { writeCsvPackage } from '#sandbox/generator/csv-package.ts';
import { schoolOf } from '#sandbox/generator/school.ts';
import { enterCredential } from '#server/features/connections/enter-credential.ts';
import { previewRequest } from '#server/features/connections/preview-request.ts';
import { approve, askFor, edge, makeScene, type Scene } from '#server/features/connections/testing/school-with-sis.ts';
import { requestSync } from '#server/features/sync/request-sync.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { runWork } from '#server/kernel/verb.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { testNow } from '#server/testing/actors.ts';
import { packagesPage } from './packages-page.ts';
import { createPackagesWork } from './packages-work.ts';
import { addAndApprove, addCsvSis, handIn, queuedRun, syncQueued } from './testing/csv-school.ts';

describe('a school whose SIS gives its data in packages', () => {
  let database: TestDatabase;
  let scene: Scene;
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-hand-in-'));
  const whole = join(folder, 'whole.zip');
  const clock = fixedClock(testNow);
  let written = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    await writeCsvPackage(whole, { school: schoolOf({ slug: 'lindenhof', schoolYear: 2026 }), version: '1.2' });
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });
  const newScene = async () => {
    scene = await makeScene(database, clock);
    return scene;
  };
  const zip = (files: Record<string, string>) => {
    written += 1;
    const path = join(folder, `${written}.zip`);
    writeFileSync(
      path,
      zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)]))),
    );
    return path;
  };
  const page = async (systemId: string) =>
    packagesPage({ ctx: await scene.as('school-administrator'), input: { schoolId: scene.schoolId, systemId } });
  const chunks = (systemId: string) =>
    database.admin`select 1 from roster_upload_chunk c join roster_upload u on u.id = c.upload_id where u.system_id = ${systemId}`;

  it('comes to live with the first package, which is the proof and the first data', async () => {
    await newScene();
    const { systemId, connectionId } = await addAndApprove(scene);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'approved', cause: 'credential-needed' });
    const taken = await handIn(scene, systemId, whole);
    expect(taken.version).toBe('1.2');
    expect(taken.counts.groups).toBeGreaterThan(10);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'first-sync' });
    expect(taken.syncRunId).toBe(await queuedRun(scene, systemId));
    await syncQueued(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
    const subjects = await database.admin`select 1 from roster_subject where system_id = ${systemId}`;
    expect(subjects.length).toBe(taken.counts.subjects);
    expect(await database.admin`select 1 from roster_person where system_id = ${systemId}`).toHaveLength(0);
    expect(await chunks(systemId)).toHaveLength(0);
    const shown = await page(systemId);
    expect(shown).toMatchObject({ way: 'upload', proved: true, granted: true, mayHandIn: true });
    expect(shown.packages).toMatchObject([
      { fileName: 'export.zip', via: 'browser', state: 'read', run: { state: 'succeeded', setAside: 0 } },
    ]);

    // Asking for data without a package says so, and takes nothing away.
    const { schoolId } = scene;
    const asked = requestSync({ ctx: await scene.as('technical-contact'), input: { schoolId, systemId } });
    await expect(asked).rejects.toMatchObject({ code: 'package-awaited' });
    await runWork(await scene.job(), { schoolId }, (work) =>
      requestRun(work, { schoolId, systemId, trigger: 'amended' }),
    );
    await syncQueued(scene, systemId);
    const [run] = await database.admin`
      select state, error_code from sync_run where system_id = ${systemId} order by id desc limit 1`;
    expect(run).toMatchObject({ state: 'failed', error_code: 'package-awaited' });
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
  });

  it('may hand it in before the approval: it waits, shows counts to the approver, and is read as soon as he says yes', async () => {
    await newScene();
    const systemId = await addCsvSis(scene);
    const { requestId, connectionId } = await askFor(scene, systemId);
    const { syncRunId, counts } = await handIn(scene, systemId, whole, 'school-administrator');
    expect(syncRunId).toBeNull();
    const preview = await previewRequest({
      ctx: await scene.as('approver'),
      input: { schoolId: scene.schoolId, requestId },
    });
    expect(preview.collections.find(({ collection }) => collection === 'groups')).toMatchObject({
      count: counts.groups,
      precision: 'estimated',
    });
    await approve(scene, requestId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'first-sync' });
    await syncQueued(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
  });

  it('hears at once what is wrong with a package, and nothing of it is kept', async () => {
    await newScene();
    const { systemId, connectionId } = await addAndApprove(scene);
    const broken = join(folder, 'broken.zip');
    writeFileSync(broken, 'this is no zip');
    await expect(handIn(scene, systemId, broken)).rejects.toMatchObject({ code: 'package-not-zip' });
    await expect(handIn(scene, systemId, zip({ 'notes.txt': 'hello' }))).rejects.toMatchObject({
      code: 'package-without-files',
    });
    const manifest =
      'propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.orgs,bulk\nfile.classes,bulk\n';
    const semicolons = {
      'manifest.csv': manifest,
      'orgs.csv': 'sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\no1,,,School,school,,\n',
      'classes.csv': 'sourcedId;status;dateLastModified;title\nc1;;;5a\n',
    };
    await expect(handIn(scene, systemId, zip(semicolons))).rejects.toMatchObject({
      code: 'csv-delimiter',
      details: { file: 'classes.csv', line: 1 },
    });
    expect(await chunks(systemId)).toHaveLength(0);
    expect(await database.admin`select 1 from roster_upload where system_id = ${systemId}`).toHaveLength(0);
    const refusals = await database.admin`
      select 1 from audit_entry where subject_id = ${systemId} and action = 'package.refused'`;
    expect(refusals).toHaveLength(3);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'approved', cause: 'credential-needed' });
  });

  it('is not proved by a package that lacks what was asked for', async () => {
    await newScene();
    const { systemId, connectionId } = await addAndApprove(scene);
    const poor = zip({
      'manifest.csv': 'propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.orgs,bulk\n',
      'orgs.csv': 'sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\no1,,,School,school,,\n',
    });
    await expect(handIn(scene, systemId, poor)).rejects.toMatchObject({
      code: 'package-insufficient',
      details: { files: 'academicSessions.csv, courses.csv, classes.csv' },
    });
    expect(await chunks(systemId)).toHaveLength(0);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'proof-refused' });
    expect(await queuedRun(scene, systemId)).toBeNull();
    await handIn(scene, systemId, whole);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'first-sync' });
  });

  it('cannot type a proof in', async () => {
    await newScene();
    const { systemId } = await addAndApprove(scene);
    const entered = enterCredential({
      ctx: await scene.as('technical-contact'),
      input: { schoolId: scene.schoolId, systemId, secret: { handedIn: 'upload', user: 'somebody', password: 'x' } },
    });
    await expect(entered).rejects.toMatchObject({ code: 'package-awaited' });
  });

  it('lets in only who runs the system', async () => {
    await newScene();
    const { systemId } = await addAndApprove(scene);
    for (const who of ['signatory', 'approver', 'agent', 'agent-administrator'] as const) {
      await expect(handIn(scene, systemId, whole, who)).rejects.toMatchObject({ code: 'forbidden' });
    }
    const other = await makeScene(database, clock);
    await expect(handIn(other, systemId, whole)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('finds a package forgotten a day later, whether it was read or not', async () => {
    await newScene();
    const systemId = await addCsvSis(scene);
    await handIn(scene, systemId, whole);
    expect((await chunks(systemId)).length).toBeGreaterThan(0);
    const job = await scene.job();
    const later = new Date(Date.parse(testNow) + 25 * 3_600_000);
    const work = createPackagesWork(() => ({ ...job, clock: fixedClock(later.toISOString()) }));
    expect(await createPackagesWork(() => job).dropOld({ runId: 'early' })).toBe(0);
    expect(await work.dropOld({ runId: 'daily' })).toBeGreaterThan(0);
    expect(await chunks(systemId)).toHaveLength(0);
    expect((await page(systemId)).packages).toMatchObject([{ state: 'dropped', run: null }]);
    expect(await work.dropOld({ runId: 'again' })).toBe(0);
  });
});
