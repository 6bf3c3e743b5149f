import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextFor, jobContext, makeSchool, type TestSchool } from '#server/testing/actors.ts';
import { makeSystem } from '#server/testing/roster-rows.ts';
import { carryOut } from './carry-out.ts';
import { replacementPage } from './replacement-page.ts';
import { startReplacement } from './start-replacement.ts';
import { switchSystem, undoSwitch } from './switch-system.ts';

/** A statement of each part of the work waits for one of these: there it is killed. */
const places = ['roster_site', 'roster_person', 'roster_enrolment', 'audit_head'] as const;
const people = 200;
const clock = systemClock;

let database: TestDatabase;
let school: TestSchool;
let schoolId: string;
let [oldSystemId, newSystemId] = ['', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  school = await makeSchool(database);
  ({ schoolId } = school);
  oldSystemId = await makeSystem(database, school);
  newSystemId = await makeSystem(database, school);
  for (const systemId of [oldSystemId, newSystemId]) {
    await database.admin`
      insert into roster_site (id, school_id, system_id, source_id, content_hash, first_seen_at, name, kind)
      values (gen_random_uuid(), ${schoolId}, ${systemId}, 's', hashtextextended('s', 0), now(), 'North', 'school')`;
    await database.admin`
      insert into roster_person (id, school_id, system_id, source_id, content_hash, first_seen_at, kind, given_name, family_name, identifier)
      select gen_random_uuid(), ${schoolId}, ${systemId}, 'p' || n, hashtextextended(n::text, 0), now(), 'student', 'Given' || n, 'Family' || n, n::text
        from generate_series(1, ${people}) n`;
    await database.admin`
      insert into roster_enrolment (id, school_id, system_id, source_id, content_hash, first_seen_at, person_id, group_id, role)
      select gen_random_uuid(), ${schoolId}, ${systemId}, 'e' || source_id, hashtextextended('', 0), now(), id, gen_random_uuid(), 'student'
        from roster_person where system_id = ${systemId}`;
    await database.admin`
      insert into sync_run (id, school_id, system_id, trigger, state, created_at) values (${newId()}, ${schoolId}, ${systemId}, 'hand', 'succeeded', now())`;
    await database.admin`
      insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, at)
      select ${schoolId}, ${systemId}, ${newId()}, 'students', 'created', id, now() from roster_person where system_id = ${systemId}`;
  }
}, 120_000);
afterAll(() => database?.drop());

const content = async () => {
  const found: Record<string, unknown> = {};
  for (const table of ['roster_site', 'roster_person', 'roster_enrolment', 'roster_change', 'system_replacement']) {
    const [row] = await database.admin`
      select count(*)::int as n, md5(string_agg(to_jsonb(t)::text, ',' order by to_jsonb(t)::text)) as content
        from ${database.admin(table)} t where school_id = ${schoolId}`;
    found[table] = { ...row };
  }
  return found;
};

/** Begins the work in a process of its own and kills that one where it waits for a table. */
async function killedAt(place: (typeof places)[number], replacementId: string): Promise<void> {
  const name = `to be killed at ${place}`;
  const ours = () => database.admin`select 1 from pg_stat_activity where application_name = ${name}`;
  await database.admin.begin(async (held) => {
    await held`lock table ${held(place)} in share mode`;
    const child = spawn(process.execPath, [fileURLToPath(new URL('./testing/carry-out-process.ts', import.meta.url))], {
      env: {
        ...process.env,
        CARRY_OUT: JSON.stringify({
          webUrl: database.webUrl,
          masterKey: database.masterKey,
          schoolId,
          replacementId,
          name,
        }),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = once(child, 'exit');
    await vi.waitFor(
      async () =>
        expect(
          await database.admin`select 1 from pg_stat_activity where application_name = ${name} and wait_event_type = 'Lock'`,
        ).toHaveLength(1),
      { timeout: 30_000, interval: 20 },
    );
    child.kill('SIGKILL');
    await exited;
    // The database hears that nobody is there and ends the statement, while it still waits.
    await vi.waitFor(async () => expect(await ours()).toHaveLength(0), { timeout: 30_000, interval: 50 });
  });
}

it('a switch and its way back, killed at any part, leave the old or the new one; the next attempt does it once', async () => {
  const admin = await contextFor(database, school.people['school-administrator'], { clock });
  const approver = await contextFor(database, school.people.approver, { clock });
  const job = await jobContext(database, 'replace-system', { clock });
  const { replacementId } = await startReplacement({ ctx: admin, input: { schoolId, oldSystemId, newSystemId } });
  const { replacement } = await replacementPage({ ctx: approver, input: { schoolId, systemId: oldSystemId } });
  const { fingerprint = '' } = replacement ?? {};
  const ids = () =>
    database.admin`select source_id, id, system_id from roster_person where school_id = ${schoolId} and gone_at is null order by system_id, source_id`;
  const before = [...(await ids())];
  const told = async (kind: string) =>
    (
      await database.admin`select count(*)::int as n from roster_change where sync_run_id = ${replacementId} and kind = ${kind} and collection = 'students'`
    )[0]?.n;

  await switchSystem({ ctx: approver, input: { schoolId, replacementId, fingerprint } });
  const wanted = await content();
  for (const place of places) {
    await killedAt(place, replacementId);
    expect(await content(), place).toEqual(wanted);
  }
  expect(await carryOut(job, { schoolId, replacementId })).toBe('switched');
  expect([...(await ids())]).toEqual(
    before.filter(({ system_id }) => system_id === oldSystemId).map((row) => ({ ...row, system_id: newSystemId })),
  );
  expect(await told('updated')).toBe(people);

  await undoSwitch({ ctx: approver, input: { schoolId, replacementId } });
  const undoWanted = await content();
  for (const place of ['roster_enrolment', 'audit_head'] as const) {
    await killedAt(place, replacementId);
    expect(await content(), place).toEqual(undoWanted);
  }
  expect(await carryOut(job, { schoolId, replacementId })).toBe('undone');
  expect([...(await ids())]).toEqual(before);
  expect(await told('updated')).toBe(2 * people);
  expect(await carryOut(job, { schoolId, replacementId })).toBe('nothing');
});
