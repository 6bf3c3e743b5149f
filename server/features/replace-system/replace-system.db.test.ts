import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { syncRun } from '#db/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { resumeConnection } from '#server/features/connections/resume-connection.ts';
import { tendConnections } from '#server/features/connections/tend-connections.ts';
import { withholdPerson } from '#server/features/withheld/withhold-person.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { beginRun } from '#server/roster/begin-run.ts';
import { whyNotUndo } from '#server/roster/undo-run.ts';
import {
  contextFor,
  giveRole,
  jobContext,
  makePerson,
  makeSchool,
  type TestSchool,
  testNow,
} from '#server/testing/actors.ts';
import { makeLiveEdge, makeSystem, putRosterRow } from '#server/testing/roster-rows.ts';
import { carryOut, giveBack } from './carry-out.ts';
import { confirmGroups, decideLinks, linkByHand } from './decide-links.ts';
import { giveUpReplacement } from './give-up-replacement.ts';
import { listLinks, listUnmatched } from './list-links.ts';
import { proposeAgain } from './propose-again.ts';
import { replacementPage } from './replacement-page.ts';
import { replacementStanding } from './replacement-standing.ts';
import { startReplacement } from './start-replacement.ts';
import { switchSystem, undoSwitch } from './switch-system.ts';

const tables = [
  'roster_person',
  'roster_person_alias',
  'roster_group',
  'roster_enrolment',
  'roster_demographics',
  'roster_site',
] as const;

describe('replacing a SIS', () => {
  let database: TestDatabase;
  let school: TestSchool;
  let schoolId: string;
  let [oldSystemId, newSystemId] = ['', ''];
  let admin: Context;
  let approver: Context;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    school = await makeSchool(database);
    ({ schoolId } = school);
    oldSystemId = await makeSystem(database, school, { name: 'Old SIS' });
    newSystemId = await makeSystem(database, school, { name: 'New SIS' });
    admin = await contextFor(database, school.people['school-administrator']);
    approver = await contextFor(database, school.people.approver);
    await run(newSystemId, 'succeeded');
  });

  const run = async (systemId: string, state: string) => {
    const id = newId();
    await database.admin`
      insert into sync_run (id, school_id, system_id, trigger, state, created_at, lease_until)
      values (${id}, ${schoolId}, ${systemId}, 'hand', ${state}, ${testNow}, ${new Date(Date.parse(testNow) + 60_000)})`;
    return id;
  };
  type Cells = Record<string, string | string[] | null>;
  const person = (
    systemId: string,
    sourceId: string,
    [given_name, family_name]: readonly [string, string],
    cells: Cells = {},
  ) => putRosterRow(database, 'roster_person', { schoolId, systemId, sourceId, given_name, family_name, ...cells });
  const born = (systemId: string, sourceId: string, person_id: string, birth_date: string) =>
    putRosterRow(database, 'roster_demographics', { schoolId, systemId, sourceId, person_id, birth_date });
  const group = (systemId: string, sourceId: string, title: string, cells: Cells = {}) =>
    putRosterRow(database, 'roster_group', { schoolId, systemId, sourceId, title, kind: 'group', ...cells });
  const enrol = (systemId: string, sourceId: string, person_id: string, group_id: string) =>
    putRosterRow(database, 'roster_enrolment', { schoolId, systemId, sourceId, person_id, group_id, role: 'student' });
  const start = () => startReplacement({ ctx: admin, input: { schoolId, oldSystemId, newSystemId } });
  const links = async () =>
    (
      await database.admin`
      select collection, old_id, new_id, found, confirmed, rejected from replacement_link where school_id = ${schoolId} order by collection, old_id, new_id`
    ).map((row) => ({ ...row }));
  const page = async () => {
    const { replacement } = await replacementPage({ ctx: approver, input: { schoolId, systemId: oldSystemId } });
    if (replacement === null) throw new Error('no replacement');
    return replacement;
  };
  /** What the job does. */
  const carriedOut = async (replacementId: string) =>
    carryOut(await jobContext(database, 'replace-system'), { schoolId, replacementId });
  const approve = async () => {
    const { id, fingerprint } = await page();
    await switchSystem({ ctx: approver, input: { schoolId, replacementId: id, fingerprint } });
    return carriedOut(id);
  };
  const undo = async (replacementId: string) => {
    await undoSwitch({ ctx: approver, input: { schoolId, replacementId } });
    return carriedOut(replacementId);
  };
  const everything = async () => {
    const found: Record<string, unknown> = {};
    for (const table of tables) {
      found[table] = JSON.parse(
        JSON.stringify(
          await database.admin`select to_jsonb(t) - 'changed_at' as row from ${database.admin(table)} t where school_id = ${schoolId} order by (to_jsonb(t) - 'changed_at')::text`,
        ),
      );
    }
    return found;
  };
  const idOf = async (table: string, systemId: string, sourceId: string) =>
    (
      await database.admin`select id, gone_at from ${database.admin(table)} where system_id = ${systemId} and source_id = ${sourceId}`
    )[0];

  it('links by number where something else agrees, and asks where nothing does', async () => {
    const same = [
      await person(oldSystemId, 'o1', ['Noor', 'Bakker'], { identifier: '1' }),
      await person(newSystemId, 'n1', ['Noor', 'Bakker-Smit'], { identifier: ' 1 ' }),
    ] as const;
    const other = [
      await person(oldSystemId, 'o2', ['Ada', 'Jansen'], { identifier: '2' }),
      await person(newSystemId, 'n2', ['Bob', 'Peters'], { identifier: '2' }),
    ] as const;
    // Two of the new system have number 3, and staff are numbered apart.
    await person(oldSystemId, 'o3', ['Cem', 'Kaya'], { identifier: '3' });
    await person(newSystemId, 'n3', ['Cem', 'Kaya'], { identifier: '3' });
    await person(newSystemId, 'n3b', ['Cem', 'Kaya'], { identifier: '3' });
    await person(oldSystemId, 'o4', ['Eva', 'Mol'], { identifier: '4' });
    await person(newSystemId, 'n4', ['Eva', 'Mol'], { identifier: '4', kind: 'teacher' });
    await start();
    expect(await links()).toEqual(
      [
        { collection: 'people', old_id: same[0], new_id: same[1], found: 'number', confirmed: true, rejected: false },
        {
          collection: 'people',
          old_id: other[0],
          new_id: other[1],
          found: 'number',
          confirmed: false,
          rejected: false,
        },
      ].sort((a, b) => (a.old_id < b.old_id ? -1 : 1)),
    );
  });

  it('an equal source id links the same name alone; a name never links without a question, nor without more', async () => {
    const same = [
      await person(oldSystemId, '1001', ['José', 'García']),
      await person(newSystemId, '1001', ['Jose', 'GARCIA']),
    ] as const;
    await person(oldSystemId, '1002', ['Ada', 'Jansen']);
    await person(newSystemId, '1002', ['Bob', 'Peters']);
    const asked = [
      await person(oldSystemId, 'o5', ['Zoë', 'Møller']),
      await person(newSystemId, 'n5', ['Zoe', 'Moller']),
    ] as const;
    await born(oldSystemId, 'o5', asked[0], '2012-01-02');
    await born(newSystemId, 'n5', asked[1], '2012-01-02');
    await person(oldSystemId, 'o6', ['Jan', 'de Vries']);
    await person(newSystemId, 'n6', ['Jan', 'de Vries']);
    await start();
    expect(await links()).toEqual(
      [
        {
          collection: 'people',
          old_id: same[0],
          new_id: same[1],
          found: 'source-id',
          confirmed: true,
          rejected: false,
        },
        {
          collection: 'people',
          old_id: asked[0],
          new_id: asked[1],
          found: 'proposed',
          confirmed: false,
          rejected: false,
        },
      ].sort((a, b) => (a.old_id < b.old_id ? -1 : 1)),
    );
  });

  it('what is rejected is not proposed again, and can be linked by hand to somebody else', async () => {
    const o = await person(oldSystemId, 'o2', ['Ada', 'Jansen'], { identifier: '2' });
    const n = await person(newSystemId, 'n2', ['Bob', 'Peters'], { identifier: '2' });
    const ada = await person(newSystemId, 'n9', ['Ada', 'Jansen'], { identifier: '9' });
    const { replacementId } = await start();
    const of = { schoolId, replacementId };
    expect((await listLinks({ ctx: admin, input: { ...of, collection: 'people' } })).rows).toMatchObject([
      { found: 'number', old: { id: o, name: 'Ada Jansen', number: '2' }, new: { id: n, name: 'Bob Peters' } },
    ]);
    await decideLinks({ ctx: admin, input: { ...of, pairs: [{ oldId: o, newId: n }], decision: 'reject' } });
    await expect(
      decideLinks({ ctx: admin, input: { ...of, pairs: [{ oldId: o, newId: n }], decision: 'confirm' } }),
    ).rejects.toMatchObject({ code: 'changed-meanwhile' });
    await proposeAgain({ ctx: admin, input: of });
    expect((await links()).filter(({ rejected }) => rejected === false)).toEqual([]);
    const unmatched = await listUnmatched({
      ctx: admin,
      input: { ...of, collection: 'people', side: 'new', search: 'jans' },
    });
    expect(unmatched).toMatchObject({ total: 1, rows: [{ id: ada }] });
    const byHand = { ...of, collection: 'people' as const, oldId: o, newId: ada };
    await linkByHand({ ctx: admin, input: byHand });
    await expect(linkByHand({ ctx: admin, input: { ...byHand, newId: n } })).rejects.toMatchObject({
      code: 'already-decided',
    });
    await expect(linkByHand({ ctx: admin, input: { ...byHand, newId: o } })).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(await page()).toMatchObject({ confirmed: 1, open: 0 });
  });

  it('the switch keeps the ids of who is linked; the undo gives every row its own again', async () => {
    const [site, nsite] = [oldSystemId, newSystemId].map((systemId) => ({
      schoolId,
      systemId,
      sourceId: `s-${systemId}`,
      name: 'North',
      kind: 'school',
    }));
    for (const row of [site, nsite]) if (row !== undefined) await putRosterRow(database, 'roster_site', row);
    const noor = await person(oldSystemId, 'o1', ['Noor', 'Bakker'], { identifier: '1' });
    const noorNew = await person(newSystemId, 'n1', ['Noor', 'Bakker'], { identifier: '1' });
    const left = await person(oldSystemId, 'o2', ['Left', 'Behind'], { identifier: '2' });
    const came = await person(newSystemId, 'n3', ['New', 'Comer'], { identifier: '3' });
    await database.admin`insert into roster_person_alias values (${schoolId}, ${newSystemId}, 'n1-b', ${noorNew})`;
    await born(newSystemId, 'n1', noorNew, '2012-01-02');
    const maths = await group(oldSystemId, 'og', 'Maths 4A', { code: 'MA4A', site_source_id: `s-${oldSystemId}` });
    const mathsNew = await group(newSystemId, 'ng', 'maths 4a', { code: 'ma4a', site_source_id: `s-${newSystemId}` });
    await enrol(oldSystemId, 'oe1', noor, maths);
    await enrol(oldSystemId, 'oe2', left, maths);
    await enrol(newSystemId, 'ne1', noorNew, mathsNew);
    await enrol(newSystemId, 'ne3', came, mathsNew);
    await database.admin`
      insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, at)
      values (${schoolId}, ${newSystemId}, ${newId()}, 'students', 'created', ${noorNew}, ${testNow})`;
    const { replacementId } = await start();
    await expect(approve()).rejects.toMatchObject({ code: 'links-unreviewed' });
    await confirmGroups({ ctx: admin, input: { schoolId, replacementId, shown: 1 } });
    const before = await everything();
    const changesBefore =
      await database.admin`select seq, record_id from roster_change where school_id = ${schoolId} order by seq`;

    expect(await approve()).toBe('switched');
    expect(await idOf('roster_person', newSystemId, 'n1')).toEqual({ id: noor, gone_at: null });
    expect(await idOf('roster_group', newSystemId, 'ng')).toEqual({ id: maths, gone_at: null });
    expect(await idOf('roster_person', newSystemId, 'n3')).toEqual({ id: came, gone_at: null });
    const retired = await idOf('roster_person', oldSystemId, 'o1');
    expect([retired?.id === noor, retired?.id === noorNew, retired?.gone_at]).toEqual([
      false,
      false,
      new Date(testNow),
    ]);
    expect(
      await database.admin`select person_id, group_id from roster_enrolment where system_id = ${newSystemId} order by source_id`,
    ).toEqual([
      { person_id: noor, group_id: maths },
      { person_id: came, group_id: maths },
    ]);
    expect(await database.admin`select person_id from roster_person_alias where system_id = ${newSystemId}`).toEqual([
      { person_id: noor },
    ]);
    expect(await database.admin`select person_id from roster_demographics where system_id = ${newSystemId}`).toEqual([
      { person_id: noor },
    ]);
    const told = await database.admin`
      select collection, kind, record_id, fields from roster_change where school_id = ${schoolId} and sync_run_id = ${replacementId} and collection in ('students', 'groups')
       order by seq`;
    expect(told).toEqual([
      { collection: 'students', kind: 'deleted', record_id: left, fields: [] },
      { collection: 'students', kind: 'updated', record_id: noor, fields: ['system'] },
      { collection: 'groups', kind: 'updated', record_id: maths, fields: ['system'] },
    ]);

    expect(await undo(replacementId)).toBe('undone');
    expect(await everything()).toEqual(before);
    const changesAfter = await database.admin`
      select seq, record_id from roster_change where school_id = ${schoolId} and sync_run_id <> ${replacementId} order by seq`;
    expect([...changesAfter]).toEqual([...changesBefore]);
    await expect(undoSwitch({ ctx: approver, input: { schoolId, replacementId } })).rejects.toMatchObject({
      code: 'state-forbids',
    });
  });

  it('thousands are linked, switched and taken back by sets', async () => {
    const n = 3000;
    for (const [systemId, prefix] of [
      [oldSystemId, 'o'],
      [newSystemId, 'n'],
    ] as const) {
      await database.admin`
        insert into roster_person (id, school_id, system_id, source_id, content_hash, first_seen_at, kind, given_name, family_name, identifier)
        select gen_random_uuid(), ${schoolId}, ${systemId}, ${prefix} || g, hashtextextended(g::text, 0), ${testNow}, 'student', 'Given' || g, 'Family' || g, g::text
          from generate_series(1, ${n}) g`;
      await database.admin`
        insert into roster_group (id, school_id, system_id, source_id, content_hash, first_seen_at, kind, title, code)
        select gen_random_uuid(), ${schoolId}, ${systemId}, ${prefix} || g, hashtextextended(g::text, 0), ${testNow}, 'group', 'Group ' || g, 'G' || g from generate_series(1, 300) g`;
      await database.admin`analyze roster_person, roster_group`;
      await database.admin`
        insert into roster_enrolment (id, school_id, system_id, source_id, content_hash, first_seen_at, person_id, group_id, role)
        select gen_random_uuid(), ${schoolId}, ${systemId}, p.source_id || '-' || k, hashtextextended('', 0), ${testNow}, p.id, g.id, 'student'
          from roster_person p cross join generate_series(1, 4) k
          join roster_group g on g.system_id = ${systemId} and g.source_id = ${prefix} || (1 + (substr(p.source_id, 2)::int * k) % 300)
         where p.system_id = ${systemId}`;
    }
    const { replacementId } = await start();
    await confirmGroups({ ctx: admin, input: { schoolId, replacementId, shown: 300 } });
    const ids = async () =>
      database.admin`select md5(string_agg(concat_ws(' ', id, system_id, source_id, gone_at), ',' order by id)) as people,
        (select md5(string_agg(concat_ws(' ', id, person_id, group_id, gone_at), ',' order by id)) from roster_enrolment where school_id = ${schoolId}) as enrolments
        from roster_person where school_id = ${schoolId}`;
    const before = await ids();
    expect(await approve()).toBe('switched');
    const [kept] = await database.admin`
      select count(*)::int as n from replacement_link l join roster_person p on p.id = l.old_id and p.system_id = ${newSystemId}
       where l.replacement_id = ${replacementId} and p.source_id like 'n%'`;
    expect(kept).toEqual({ n });
    const [lost] = await database.admin`
      select count(*)::int as n from roster_enrolment e where e.school_id = ${schoolId} and e.gone_at is null
         and not exists (select 1 from roster_person p join roster_group g on g.id = e.group_id and g.system_id = e.system_id where p.id = e.person_id and p.system_id = e.system_id)`;
    expect(lost).toEqual({ n: 0 });
    expect(await undo(replacementId)).toBe('undone');
    expect(await ids()).toEqual(before);
  });

  it('the old edges rest, nobody resumes them, and they end with the time for an undo', async () => {
    const lms = await makeSystem(database, school, { kind: 'lms' });
    const edge = await makeLiveEdge(database, school, oldSystemId, {
      scopes: ['roster.students'],
      consumerSystemId: lms,
    });
    const rested = await makeLiveEdge(database, school, oldSystemId, { scopes: ['roster.groups'] });
    await database.admin`update connection set state = 'paused', cause = 'paused-by-school', paused_by = 'school' where id = ${rested}`;
    const stateOf = async (id: string) =>
      (await database.admin`select state, cause from connection where id = ${id}`)[0];
    const queued = await run(oldSystemId, 'queued');
    const { replacementId } = await start();
    await approve();
    expect(await stateOf(edge)).toEqual({ state: 'paused', cause: 'system-replaced' });
    expect(await database.admin`select state from sync_run where id = ${queued}`).toEqual([{ state: 'discarded' }]);
    for (const connectionId of [edge, rested]) {
      await expect(resumeConnection({ ctx: admin, input: { schoolId, connectionId } })).rejects.toMatchObject({
        code: 'system-replaced',
      });
    }
    await undo(replacementId);
    expect(await stateOf(edge)).toEqual({ state: 'live', cause: 'in-sync' });
    expect(await stateOf(rested)).toEqual({ state: 'paused', cause: 'paused-by-school' });

    await database.admin`update sync_run set state = 'succeeded' where school_id = ${schoolId}`;
    const again = await start();
    await approve();
    const later = (days: number) => fixedClock(new Date(Date.parse(testNow) + days * 86_400_000).toISOString());
    await tendConnections(await jobContext(database, 'tend', { clock: later(29) }), schoolId);
    expect((await stateOf(edge))?.state).toBe('paused');
    await tendConnections(await jobContext(database, 'tend', { clock: later(30) }), schoolId);
    expect(await stateOf(edge)).toEqual({ state: 'revoked', cause: 'system-replaced' });
    const late = await contextFor(database, school.people.approver, { clock: later(30) });
    await expect(
      undoSwitch({ ctx: late, input: { schoolId, replacementId: again.replacementId } }),
    ).rejects.toMatchObject({ code: 'state-forbids' });
  });

  it('a run of the replaced system is not taken back: its ids are the new system’s now', async () => {
    const noor = await person(oldSystemId, 'o1', ['Noor', 'Bakker'], { identifier: '1' });
    await person(newSystemId, 'n1', ['Noor', 'Bakker'], { identifier: '1' });
    const id = await run(oldSystemId, 'succeeded');
    await database.admin`update sync_run set finished_at = ${testNow} where id = ${id}`;
    await database.admin`
      insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, at)
      values (${schoolId}, ${oldSystemId}, ${id}, 'students', 'created', ${noor}, ${testNow})`;
    const why = () =>
      database.web.withSchool(schoolId, async (tx) => {
        const [row] = await tx.select().from(syncRun).where(eq(syncRun.id, id));
        if (row === undefined) throw new Error('no run');
        return whyNotUndo(tx, row, new Date(testNow));
      });
    expect(await why()).toBeNull();
    const { replacementId } = await start();
    await approve();
    expect(await why()).toBe('later-run-stands');
    await undo(replacementId);
    expect(await why()).toBeNull();
  });

  it('whom the school withholds stays withheld on the other side, in both directions', async () => {
    const noor = await person(oldSystemId, 'o1', ['Noor', 'Bakker'], { identifier: '1' });
    await withholdPerson({ ctx: admin, input: { schoolId, personId: noor, reason: null } });
    await person(newSystemId, 'n1', ['Noor', 'Bakker'], { identifier: '1' });
    const ada = await person(oldSystemId, 'o2', ['Ada', 'Jansen'], { identifier: '2' });
    await person(newSystemId, 'n2', ['Ada', 'Jansen'], { identifier: '2' });
    await enrol(oldSystemId, 'oe', ada, newId());
    const { replacementId } = await start();
    expect((await idOf('roster_person', newSystemId, 'n1')) ?? null).toBeNull();
    await approve();
    await withholdPerson({ ctx: admin, input: { schoolId, personId: ada, reason: null } });
    expect((await idOf('roster_person', newSystemId, 'n2')) ?? null).toBeNull();
    // What the replaced system keeps for an undo is deleted with it.
    expect((await idOf('roster_person', oldSystemId, 'o2')) ?? null).toBeNull();
    expect(await database.admin`select 1 from roster_enrolment where school_id = ${schoolId}`).toHaveLength(0);
    await undo(replacementId);
    expect((await idOf('roster_person', oldSystemId, 'o2')) ?? null).toBeNull();
  });

  it('is approved by an approver of the whole of both, for exactly the links that were shown, while no sync is at work', async () => {
    const o = await person(oldSystemId, 'o1', ['Noor', 'Bakker'], { identifier: '1' });
    const n = await person(newSystemId, 'n1', ['Noor', 'Bakker'], { identifier: '1' });
    const { replacementId } = await start();
    const { fingerprint } = await page();
    const input = { schoolId, replacementId, fingerprint };
    await expect(switchSystem({ ctx: admin, input })).rejects.toMatchObject({ code: 'forbidden' });
    const limited = await makePerson(database);
    await giveRole(database, limited, 'approver', schoolId, { systemId: oldSystemId });
    await expect(switchSystem({ ctx: await contextFor(database, limited), input })).rejects.toMatchObject({
      code: 'approver-limited',
    });
    await expect(
      listLinks({ ctx: approver, input: { schoolId, replacementId, collection: 'people' } }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    const running = await run(newSystemId, 'running');
    await expect(switchSystem({ ctx: approver, input })).rejects.toMatchObject({ code: 'sync-under-way' });
    await database.admin`delete from sync_run where id = ${running}`;
    await decideLinks({
      ctx: admin,
      input: { schoolId, replacementId, pairs: [{ oldId: o, newId: n }], decision: 'reject' },
    });
    await expect(switchSystem({ ctx: approver, input })).rejects.toMatchObject({ code: 'changed-meanwhile' });
  });

  it('what was wanted waits for its job: meanwhile nothing has changed, no run begins, no link is decided; a second attempt does nothing', async () => {
    const o = await person(oldSystemId, 'o1', ['Noor', 'Bakker'], { identifier: '1' });
    const n = await person(newSystemId, 'n1', ['Noor', 'Bakker'], { identifier: '1' });
    const { replacementId } = await start();
    const before = await everything();
    const { fingerprint } = await page();
    await switchSystem({ ctx: approver, input: { schoolId, replacementId, fingerprint } });
    const standing = async () =>
      (await replacementStanding({ ctx: approver, input: { schoolId, replacementId } })).state;
    expect([await standing(), (await page()).approvedBy]).toEqual(['switching', school.people.approver.name]);
    expect(await everything()).toEqual(before);
    await expect(
      decideLinks({
        ctx: admin,
        input: { schoolId, replacementId, pairs: [{ oldId: o, newId: n }], decision: 'reject' },
      }),
    ).rejects.toMatchObject({ code: 'state-forbids' });
    const asked = [await run(newSystemId, 'queued'), await run(oldSystemId, 'queued')] as const;
    const sync = { ...(await jobContext(database)), database: database.sync };
    expect(await beginRun(sync, { schoolId, systemId: newSystemId, syncRunId: asked[0] })).toEqual({ kind: 'over' });
    await database.admin`delete from outbox where school_id = ${schoolId}`;

    expect([await carriedOut(replacementId), await carriedOut(replacementId)]).toEqual(['switched', 'nothing']);
    expect(await idOf('roster_person', newSystemId, 'n1')).toEqual({ id: o, gone_at: null });
    // The run that was asked for meanwhile begins now; the replaced system is no longer asked.
    expect(
      await database.admin`select data from outbox where school_id = ${schoolId} and name = 'sync/requested'`,
    ).toEqual([{ data: { schoolId, systemId: newSystemId, syncRunId: asked[0] } }]);
    expect(await database.admin`select state from sync_run where id = ${asked[1]}`).toEqual([{ state: 'discarded' }]);
  });

  it('what cannot be carried out is given back, and the page says why', async () => {
    await person(oldSystemId, 'o1', ['Noor', 'Bakker'], { identifier: '1' });
    await person(newSystemId, 'n1', ['Noor', 'Bakker'], { identifier: '1' });
    const { replacementId } = await start();
    const before = await everything();
    const { fingerprint } = await page();
    await switchSystem({ ctx: approver, input: { schoolId, replacementId, fingerprint } });
    await database.admin`update system set removed_at = ${testNow} where id = ${newSystemId}`;
    await expect(carriedOut(replacementId)).rejects.toMatchObject({ code: 'not-found' });
    const job = await jobContext(database, 'replace-system');
    await giveBack(job, { schoolId, replacementId }, 'not-found');
    expect(await everything()).toEqual(before);
    expect(await page()).toMatchObject({ state: 'reviewing', approvedBy: null, failure: { code: 'not-found' } });
    await database.admin`update system set removed_at = null where id = ${newSystemId}`;
    expect(await approve()).toBe('switched');
    expect(await page()).toMatchObject({ state: 'switched', failure: null });
    await giveBack(job, { schoolId, replacementId }, 'internal');
    expect(await page()).toMatchObject({ state: 'switched', failure: null });
  });

  it('needs a new SIS that was synced, once at a time, and can be given up', async () => {
    const unsynced = await makeSystem(database, school);
    const input = { schoolId, oldSystemId, newSystemId };
    await expect(startReplacement({ ctx: admin, input: { ...input, newSystemId: unsynced } })).rejects.toMatchObject({
      code: 'state-forbids',
    });
    await expect(startReplacement({ ctx: admin, input: { ...input, newSystemId: oldSystemId } })).rejects.toMatchObject(
      { code: 'invalid-input' },
    );
    const lms = await makeSystem(database, school, { kind: 'lms' });
    await expect(startReplacement({ ctx: admin, input: { ...input, newSystemId: lms } })).rejects.toMatchObject({
      code: 'invalid-input',
    });
    const { replacementId } = await start();
    await expect(start()).rejects.toMatchObject({ code: 'duplicate' });
    await giveUpReplacement({ ctx: admin, input: { schoolId, replacementId } });
    expect(await links()).toEqual([]);
    await start();
  });
});
