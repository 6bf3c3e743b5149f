import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { prngFor } from '#sandbox/generator/prng.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { systemClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { runWork } from '#server/kernel/verb.ts';
import { systemContext } from '#server/testing/actors.ts';
import { requestRun } from './request-run.ts';
import { makeSyncedSchool, recordedPorts, runSync, type SyncedSchool } from './testing/sync-harness.ts';

const slug = 'lindenhof';
/** Another seed kills at other moments; `SYNC_FAULT_ROUNDS` makes it as long as wanted. */
const seed = process.env.SYNC_FAULT_SEED ?? '1';
const rounds = Number(process.env.SYNC_FAULT_ROUNDS ?? '6');

let database: TestDatabase;
let sis: RunningSis;
let web: Context;
let school: SyncedSchool;
let settings: { version: string; baseUrl: string; tokenUrl: string };

beforeAll(async () => {
  database = await createTestDatabase();
  web = await systemContext(database, { clock: systemClock });
  sis = await startSis({ schools: [slug] });
  const { baseV1p2, tokenUrl } = sis.school(slug);
  settings = { version: '1.2', baseUrl: baseV1p2, tokenUrl };
  const scopes = ['roster.subjects', 'roster.streams', 'roster.groups'];
  school = await makeSyncedSchool(database, { connector: 'oneroster', kind: 'sis', scopes, settings });
});
afterAll(async () => {
  await sis?.close();
  await database?.drop();
});

/** Every second group is called after the round, so that a half-written roster would show two of them. */
function renameGroups(round: number): number {
  const groups = [...sis.data(slug).classes.values()].filter(
    (entry) => entry.kind === 'scheduled' && entry.status === 'active',
  );
  const renamed = groups.filter((_group, index) => index % 2 === 0);
  for (const group of renamed) sis.data(slug).classes.set(group.id, { ...group, title: `round ${round}` });
  sis.data(slug).changed();
  return renamed.length;
}

const rosterNow = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await database.admin<{ title: string; n: number }[]>`
        select title, count(*)::int as n from roster_group
         where school_id = ${school.schoolId} and title like 'round %' and gone_at is null group by title`
    ).map(({ title, n }) => [title, n]),
  );

it('a process killed at any moment of a sync leaves the old roster or the new one, and the run ends after it', async () => {
  const ports = recordedPorts({ connector: 'oneroster', settings, secret: sis.school(slug).client });
  const sync = { ...web, database: database.sync };
  const random = prngFor(`sync-fault/${seed}`);
  const renamed = renameGroups(0);
  await runSync({ web, sync }, ports, school);
  expect(await rosterNow()).toEqual({ 'round 0': renamed });
  const ids = await database.admin`select id from roster_group where school_id = ${school.schoolId} order by id`;
  for (let round = 1; round <= rounds; round++) {
    renameGroups(round);
    const { schoolId, systemId } = school;
    const { syncRunId } = await runWork(web, { schoolId }, (work) =>
      requestRun(work, { schoolId, systemId, trigger: 'hand' }),
    );
    const child = spawn(process.execPath, [fileURLToPath(new URL('./testing/sync-process.ts', import.meta.url))], {
      env: {
        ...process.env,
        SYNC_PROCESS: JSON.stringify({
          syncUrl: database.syncUrl,
          masterKey: database.masterKey,
          school: { schoolId, systemId },
          syncRunId,
          settings,
          secret: sis.school(slug).client,
        }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    const milliseconds = Math.floor(random.next() * 600);
    await after(milliseconds);
    child.kill('SIGKILL');
    await exited;
    const told = `seed ${seed}, round ${round}, killed after ${milliseconds} ms`;
    const found = await rosterNow();
    expect([{ [`round ${round - 1}`]: renamed }, { [`round ${round}`]: renamed }], told).toContainEqual(found);
    const { applied, begun } = await runSync({ web, sync }, ports, school, syncRunId);
    expect(applied?.outcome ?? begun.kind, told).toMatch(/^(applied|over)$/);
    expect(await rosterNow(), told).toEqual({ [`round ${round}`]: renamed });
  }
  expect(await database.admin`select id from roster_group where school_id = ${school.schoolId} order by id`).toEqual(
    ids,
  );
  expect((await database.admin`select count(*)::int as n from staging.record`)[0]?.n).toBe(0);
});
