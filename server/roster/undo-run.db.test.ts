import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type Prng, prngFor } from '#sandbox/generator/prng.ts';
import type { SchoolData } from '#sandbox/sis/data.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import type { Context } from '#server/kernel/context.ts';
import { runWork } from '#server/kernel/verb.ts';
import { systemContext } from '#server/testing/actors.ts';
import { forgetOldChanges } from './forget-old-changes.ts';
import { requestRun } from './request-run.ts';
import { differenceOf, loggedBy, rosterContent } from './testing/roster-content.ts';
import { shrinkSchool } from './testing/small-school.ts';
import { makeSyncedSchool, recordedPorts, runSync, type SyncedSchool } from './testing/sync-harness.ts';
import { requestUndo } from './undo-run.ts';

const slug = 'lindenhof';
const everything = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
  'roster.guardians',
  'roster.demographics',
];
const seed = process.env.UNDO_SEED ?? '1';
const rounds = Number(process.env.UNDO_ROUNDS ?? '3');

/** A few changes of every sort in every list. */
function changeSome(data: SchoolData, random: Prng, round: number): void {
  const some = <T>(map: Map<string, T>, share: number) => [...map].filter(() => random.next() < share);
  const modified = new Date().toISOString();
  for (const [id, user] of some(data.users, 0.05)) {
    const what = random.next();
    if (what < 0.25) data.users.set(id, { ...user, status: 'tobedeleted', modified });
    else if (what < 0.4) data.users.set(id, { ...user, status: 'active', email: '', modified });
    else if (what < 0.5)
      data.users.set(id, { ...user, given: `G${round}`, family: `F${round}`, identifier: `N${round}${id}`, modified });
    else if (what < 0.6) {
      const twin = `${id}-${round}`;
      data.users.set(twin, { ...user, id: twin, identifier: `${user.identifier}-${round}`, modified });
    } else data.users.set(id, { ...user, given: `Given ${round}`, modified });
  }
  for (const [id, entry] of some(data.classes, 0.1)) {
    const stream = [...data.classes.values()][Math.floor(random.next() * data.classes.size)]?.stream ?? null;
    const what = random.next();
    if (what < 0.2) data.classes.set(id, { ...entry, status: 'tobedeleted', modified });
    else data.classes.set(id, { ...entry, title: `${entry.title} ${round}`, stream, status: 'active', modified });
  }
  for (const [id, course] of some(data.courses, 0.2))
    data.courses.set(id, { ...course, title: `${course.title}!`, modified });
  for (const [id, enrolment] of some(data.enrollments, 0.05)) {
    const status = enrolment.status === 'active' ? 'tobedeleted' : 'active';
    data.enrollments.set(id, { ...enrolment, status, modified });
  }
  for (const [id, told] of some(data.demographics, 0.05))
    data.demographics.set(id, { ...told, birthDate: '2010-01-02', modified });
  for (const [id, org] of some(data.orgs, 0.3)) data.orgs.set(id, { ...org, name: `${org.name}.`, modified });
  for (const [id, term] of some(data.academicSessions, 0.2))
    data.academicSessions.set(id, { ...term, title: `${term.title}.`, modified });
  data.changed();
}

describe('taking a run back', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  let web: Context;
  let sync: Context;
  let now = new Date('2026-11-20T09:00:00Z');
  const clock = { now: () => now };
  const later = (milliseconds: number) => {
    now = new Date(now.getTime() + milliseconds);
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    web = await systemContext(database, { clock });
    sync = { ...web, database: database.sync };
  });
  afterAll(() => database?.drop());

  const start = async () => {
    sis = await startSis({ schools: [slug], schoolYear: 2026 });
    shrinkSchool(sis.data(slug), 40);
    const { baseV1p2, tokenUrl, client } = sis.school(slug);
    const settings = { version: '1.2', baseUrl: baseV1p2, tokenUrl };
    const ports = recordedPorts({ connector: 'oneroster', settings, secret: client });
    const school = await makeSyncedSchool(database, {
      connector: 'oneroster',
      kind: 'sis',
      scopes: everything,
      settings,
    });
    return { ports, school, [Symbol.asyncDispose]: () => sis.close() };
  };
  const rowOf = async (syncRunId: string) => {
    const [row] = await database.admin`select * from sync_run where id = ${syncRunId}`;
    return row;
  };
  const ask = ({ schoolId }: SyncedSchool, syncRunId: string) =>
    runWork(web, { schoolId }, (work) => requestUndo(work, { schoolId, syncRunId, requestedBy: null }));
  /** A run, and a yes where it is held. */
  const applied = async ({ ports, school }: Awaited<ReturnType<typeof start>>): Promise<string> => {
    later(60_000);
    const { syncRunId, applied: first } = await runSync({ web, sync }, ports, school);
    if (first?.outcome === 'held') {
      await database.admin`update sync_run set state = 'queued', approved_fingerprint = held ->> 'fingerprint' where id = ${syncRunId}`;
      const again = await runSync({ web, sync }, ports, school, syncRunId);
      expect(again.applied, JSON.stringify((await rowOf(syncRunId))?.held)).toMatchObject({ outcome: 'applied' });
    }
    return syncRunId;
  };
  const undone = async ({ ports, school }: Awaited<ReturnType<typeof start>>, syncRunId: string): Promise<string> => {
    later(60_000);
    const { syncRunId: undo } = await ask(school, syncRunId);
    await runSync({ web, sync }, ports, school, undo, { everyStepTwice: false });
    expect(await rowOf(undo)).toMatchObject({ state: 'succeeded', kind: 'undo', undo_of: syncRunId });
    return undo;
  };

  it(`the roster is what it was, run after run, whatever they changed (UNDO_SEED=${seed})`, async () => {
    await using at = await start();
    const random = prngFor(`undo/${seed}`);
    const history = [await rosterContent(database, at.school.systemId)];
    const runs = [await applied(at)];
    history.push(await rosterContent(database, at.school.systemId));
    for (let round = 1; round <= rounds; round++) {
      changeSome(sis.data(slug), random, round);
      // What left is gone after the second fetch without it.
      for (const fetch of ['first', 'second']) {
        const syncRunId = await applied(at);
        const content = await rosterContent(database, at.school.systemId);
        const told = `seed ${seed}, round ${round}, ${fetch} fetch`;
        const logged = await loggedBy(database, syncRunId);
        expect(logged, told).toEqual(differenceOf(history.at(-1) ?? {}, content));
        if (logged.length === 0) continue;
        history.push(content);
        runs.push(syncRunId);
      }
    }
    const [, ...older] = runs.toReversed();
    for (const syncRunId of older)
      await expect(ask(at.school, syncRunId)).rejects.toMatchObject({
        code: 'state-forbids',
        details: { problem: 'later-run-stands' },
      });
    for (const [back, syncRunId] of runs.toReversed().entries()) {
      const told = `seed ${seed}, run ${runs.length - back} taken back`;
      const [from, to] = [history.at(-1 - back), history.at(-2 - back)];
      const undo = await undone(at, syncRunId);
      expect(differenceOf(to ?? {}, await rosterContent(database, at.school.systemId)), told).toEqual([]);
      expect(await loggedBy(database, undo), told).toEqual(differenceOf(from ?? {}, to ?? {}));
      await expect(ask(at.school, syncRunId)).rejects.toMatchObject({ details: { problem: 'undone-already' } });
    }
    // The source is as it was at the end: with the same ids all of it comes back, once somebody said yes.
    later(60_000);
    const { syncRunId, applied: next } = await runSync({ web, sync }, at.ports, at.school);
    expect(next).toEqual({ outcome: 'held' });
    expect((await rowOf(syncRunId))?.held.reasons).toContainEqual(expect.objectContaining({ kind: 'after-undo' }));
  }, 240_000);

  it('the next run is held and, once applied, the roster is the new one under the same ids; the one after is held by nothing', async () => {
    await using at = await start();
    await applied(at);
    const old = await rosterContent(database, at.school.systemId);
    changeSome(sis.data(slug), prngFor('once'), 1);
    const syncRunId = await applied(at);
    const changed = await rosterContent(database, at.school.systemId);
    await undone(at, syncRunId);
    const again = await applied(at);
    const reused = differenceOf(changed, await rosterContent(database, at.school.systemId));
    // Another person under an old id is another person each time; what points at him follows.
    expect(
      reused.filter(
        (line) =>
          !line.startsWith('roster_person') &&
          !line.startsWith('roster_enrolment') &&
          !line.startsWith('roster_demographics'),
      ),
    ).toEqual([]);
    expect((await rowOf(again))?.progress.students).toMatchObject({ missing: 0 });
    expect(Object.keys(old.roster_site ?? {})).toEqual(Object.keys(changed.roster_site ?? {}));
    later(60_000);
    expect((await runSync({ web, sync }, at.ports, at.school)).applied).toMatchObject({ outcome: 'applied' });
  }, 60_000);

  it('is refused where nothing changed, after thirty days, after a purge, and while a run is under way; runs that changed nothing stand in no way', async () => {
    await using at = await start();
    const { schoolId, systemId } = at.school;
    const first = await applied(at);
    const idle = await applied(at);
    await expect(ask(at.school, idle)).rejects.toMatchObject({ details: { problem: 'nothing-changed' } });
    const other = await runWork(web, { schoolId }, (work) => requestRun(work, { schoolId, systemId, trigger: 'hand' }));
    await database.admin`update sync_run set state = 'running', lease_until = ${new Date(now.getTime() + 60_000)} where id = ${other.syncRunId}`;
    await expect(ask(at.school, first)).rejects.toMatchObject({ details: { problem: 'run-under-way' } });
    await database.admin`update sync_run set state = 'failed' where id = ${other.syncRunId}`;
    const queued = await runWork(web, { schoolId }, (work) =>
      requestRun(work, { schoolId, systemId, trigger: 'hand' }),
    );
    const { syncRunId: undo } = await ask(at.school, first);
    expect(await rowOf(queued.syncRunId)).toMatchObject({ state: 'discarded' });
    await expect(ask(at.school, first)).rejects.toMatchObject({ details: { problem: 'undo-under-way' } });
    // What is asked for meanwhile reads on its own.
    expect(
      await runWork(web, { schoolId }, (work) => requestRun(work, { schoolId, systemId, trigger: 'hand' })),
    ).toMatchObject({ joined: false });
    await database.admin`update sync_run set state = 'failed' where id = ${undo}`;
    await database.admin`insert into receipt (id, school_id, kind, subject_id, facts, reason, at) values (gen_random_uuid(), ${schoolId}, 'data-deleted', ${systemId}, '{}', 'grants-narrowed', ${new Date(now.getTime() + 1)})`;
    await expect(ask(at.school, first)).rejects.toMatchObject({ details: { problem: 'purged' } });
    await database.admin`delete from receipt where school_id = ${schoolId}`;
    later(31 * 86_400_000);
    await expect(ask(at.school, first)).rejects.toMatchObject({ details: { problem: 'too-old' } });
  }, 60_000);

  it('values and the content of who is gone are kept for thirty days, ids for ever', async () => {
    await using at = await start();
    await applied(at);
    changeSome(sis.data(slug), prngFor('forgotten'), 1);
    const [leaver] = [...sis.data(slug).users.keys()];
    sis.change(slug, { collection: 'users', id: leaver ?? '', status: 'tobedeleted' });
    const syncRunId = await applied(at);
    await applied(at);
    const kept = async () =>
      (
        await database.admin`select count(*)::int as n from roster_change where sync_run_id = ${syncRunId} and (before is not null or after is not null)`
      )[0]?.n;
    const gone = () =>
      database.admin`select id, source_id, given_name, family_name, email, roles from roster_person where system_id = ${at.school.systemId} and gone_at is not null order by id`;
    const people = await gone();
    expect(people.length).toBeGreaterThan(0);
    later(29 * 86_400_000);
    await forgetOldChanges(sync);
    expect(await kept()).toBeGreaterThan(0);
    expect(await gone()).toEqual(people);
    later(2 * 86_400_000);
    expect(await forgetOldChanges(sync)).toBeGreaterThan(0);
    expect(await kept()).toBe(0);
    expect(await gone()).toEqual(
      people.map(({ id, source_id }) => ({
        id,
        source_id,
        given_name: null,
        family_name: null,
        email: null,
        roles: [],
      })),
    );
    expect(await forgetOldChanges(sync)).toBe(0);
    expect(
      (
        await database.admin`select count(*)::int as n from roster_person where system_id = ${at.school.systemId} and gone_at is null and family_name is null`
      )[0]?.n,
    ).toBe(0);
  }, 60_000);
});
