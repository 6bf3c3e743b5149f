import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { writeCsvPackage } from '#sandbox/generator/csv-package.ts';
import { schoolOf } from '#sandbox/generator/school.ts';
import { makeScene, type Scene } from '#server/features/connections/testing/school-with-sis.ts';
import { addAndApprove, addCsvSis, syncQueued } from '#server/features/packages/testing/csv-school.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { systemContext, testNow } from '#server/testing/actors.ts';
import { runScript } from '../testing/run-script.ts';
import { importRoster, readArguments } from './roster-import.ts';

describe('npm run roster:import', () => {
  let database: TestDatabase;
  let scene: Scene;
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-import-'));
  const whole = join(folder, 'whole.zip');
  const clock = fixedClock(testNow);

  beforeAll(async () => {
    database = await createTestDatabase();
    await writeCsvPackage(whole, { school: schoolOf({ slug: 'lindenhof' }), version: '1.2' });
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** With a worker that takes the run up while the command waits. */
  const run = async (given: { school: string; systemId: string; file: string }, work = true) => {
    const said: string[] = [];
    const ctx = await systemContext(database, { clock });
    const isIn = await importRoster(ctx, given, {
      say: (line) => void said.push(line),
      pause: () => (work ? syncQueued(scene, given.systemId) : Promise.resolve()),
      mostLooksQueued: 2,
    });
    return { isIn, said: said.join('\n') };
  };

  it('hands a package in by the school’s register number and follows it to the end', async () => {
    scene = await makeScene(database, clock);
    const { systemId } = await addAndApprove(scene);
    const [{ number } = { number: '' }] = await database.admin<{ number: string }[]>`
      select register_number as number from school where id = ${scene.schoolId}`;
    const { isIn, said } = await run({ school: number, systemId, file: whole });
    expect(isIn).toBe(true);
    expect(said).toMatch(/^Handed in: OneRoster CSV 1\.2, \d+ bytes: .*classes\.csv \(bulk\)/);
    expect(said).toMatch(/subjects: [1-9]\d* new, 0 changed, 0 gone, 0 as before, 0 left out/);
    expect(said).toContain(`/school/${scene.schoolId}/systems/${systemId}/packages`);
    const [upload] = await database.admin`select via, state from roster_upload where system_id = ${systemId}`;
    expect(upload).toEqual({ via: 'command', state: 'read' });
  });

  it('says that a package waits: for the approval, or for a worker', async () => {
    scene = await makeScene(database, clock);
    const waiting = await addCsvSis(scene);
    expect(await run({ school: scene.schoolId, systemId: waiting, file: whole })).toMatchObject({ isIn: false });
    const { systemId } = await addAndApprove(scene);
    const { isIn, said } = await run({ school: scene.schoolId, systemId, file: whole }, false);
    expect(isIn).toBe(false);
    expect(said).toContain('It waits for a worker');
  });

  it('refuses in a sentence, as a command with exit code 1', async () => {
    scene = await makeScene(database, clock);
    const systemId = await addCsvSis(scene);
    const broken = join(folder, 'broken.zip');
    writeFileSync(broken, 'no zip');
    const env = { DATABASE_URL: database.adminUrl, CROSSWALK_MASTER_KEY: database.masterKey, DATA_DIR: folder };
    const command = (...args: string[]) => runScript('scripts/roster-import.ts', args, env);
    expect(await command('--school', scene.schoolId, '--system', systemId, broken)).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'This file is not a zip. Export the OneRoster CSV package from your SIS again and give the zip as it comes.\n',
    });
    const unknown = await command(`--school=${scene.schoolId}`, '--system', scene.schoolId, whole);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('no system of that id')]);
    expect((await command('--school', 'nobody', '--system', systemId, whole)).stderr).toContain('No school here');
    expect((await command('--school', scene.schoolId)).stderr).toContain('npm run roster:import -- --school');
    const waits = await command('--school', scene.schoolId, '--system', systemId, whole);
    expect([waits.code, waits.stderr]).toEqual([2, '']);
  });

  it('reads its arguments in any order', () => {
    const expected = { school: '123', systemId: 'x', file: 'a.zip' };
    expect(readArguments(['a.zip', '--system', 'x', '--school', '123'])).toEqual(expected);
    expect(readArguments(['--system=x', '--school=123', 'a.zip'])).toEqual(expected);
    expect(() => readArguments(['--system', 'x', 'a.zip', 'b.zip', '--school', '1'])).toThrow(/which file/);
  });
});
