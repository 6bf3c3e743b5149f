import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextFor, makeSchool, type TestSchool, testNow } from '#server/testing/actors.ts';
import { makeLiveEdge, makeSystem, putRosterRow } from '#server/testing/roster-rows.ts';
import { listWithheld } from './list-withheld.ts';
import { releasePerson } from './release-person.ts';
import { withholdAhead } from './withhold-ahead.ts';
import { withholdPerson } from './withhold-person.ts';

describe('people whom the school withholds', () => {
  let database: TestDatabase;
  let school: TestSchool;
  let systemId: string;
  let ctx: Context;
  let of: { schoolId: string; systemId: string };
  let schoolId: string;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    school = await makeSchool(database);
    ({ schoolId } = school);
    systemId = await makeSystem(database, school);
    ctx = await contextFor(database, school.people['school-administrator']);
    of = { schoolId, systemId };
  });

  const person = (sourceId: string, cells: Record<string, string | string[] | null> = {}) =>
    putRosterRow(database, 'roster_person', {
      ...of,
      sourceId,
      given_name: 'Noor',
      family_name: 'Bakker',
      identifier: '4711',
      ...cells,
    });
  const change = (collection: string, recordId: string) =>
    database.admin`
      insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, fields, before, after, at)
      values (${schoolId}, ${systemId}, ${newId()}, ${collection}, 'updated', ${recordId}, ${['family_name']},
              ${database.admin.json({ family_name: 'Bakker' })}, ${database.admin.json({ family_name: 'Bakker-Smit' })}, ${testNow})`;
  const runIn = async (state: string) => {
    const id = newId();
    await database.admin`
      insert into sync_run (id, school_id, system_id, trigger, state, created_at) values (${id}, ${schoolId}, ${systemId}, 'schedule', ${state}, ${testNow})`;
    return id;
  };
  /** Every text of the school's rows in a table. */
  const allOf = async (table: string) =>
    JSON.stringify(await database.admin`select * from ${database.admin(table)} where school_id = ${schoolId}`);

  it('leave no trace but the school’s own list, and a receipt that names nobody', async () => {
    const noor = await person('p1');
    const guardian = await person('g1', {
      given_name: 'Anna',
      identifier: null,
      kind: 'guardian',
      agent_source_ids: ['p1', 'p9'],
    });
    await database.admin`insert into roster_person_alias values (${schoolId}, ${systemId}, 'p1-north', ${noor})`;
    const enrolment = await putRosterRow(database, 'roster_enrolment', {
      ...of,
      sourceId: 'e1',
      person_id: noor,
      group_id: newId(),
      role: 'student',
    });
    const other = await putRosterRow(database, 'roster_enrolment', {
      ...of,
      sourceId: 'e2',
      person_id: guardian,
      group_id: newId(),
      role: 'student',
    });
    const demographics = await putRosterRow(database, 'roster_demographics', {
      ...of,
      sourceId: 'p1',
      person_id: noor,
      birth_date: '2011-05-06',
    });
    for (const [collection, id] of [
      ['students', noor],
      ['enrolments', enrolment],
      ['demographics', demographics],
    ] as const)
      await change(collection, id);
    const run = await runIn('succeeded');
    await database.admin`
      insert into held_change (id, school_id, sync_run_id, collection, kind, source_id, record_id, name)
      values (${newId()}, ${schoolId}, ${run}, 'students', 'changed', 'p1', ${noor}, 'Noor Bakker')`;

    const done = await withholdPerson({ ctx, input: { schoolId, personId: noor, reason: 'Her address is secret' } });
    expect(done.deleted).toEqual({ students: 1, enrolments: 1, demographics: 1 });

    for (const table of [
      'roster_person',
      'roster_person_alias',
      'roster_enrolment',
      'roster_demographics',
      'roster_change',
      'held_change',
      'receipt',
      'audit_entry',
    ]) {
      const text = await allOf(table);
      for (const trace of ['Noor', 'Smit', '4711', '2011-05-06', 'secret', 'p1'])
        expect([table, trace, text.includes(trace)]).toEqual([table, trace, false]);
    }
    expect(await database.admin`select id, agent_source_ids from roster_person where school_id = ${schoolId}`).toEqual([
      { id: guardian, agent_source_ids: ['p9'] },
    ]);
    expect(await database.admin`select id from roster_enrolment where school_id = ${schoolId}`).toEqual([
      { id: other },
    ]);
    const deleted = await database.admin`
      select collection, record_id from roster_change where school_id = ${schoolId} and kind = 'deleted' order by seq`;
    expect(deleted).toEqual([
      { collection: 'demographics', record_id: demographics },
      { collection: 'enrolments', record_id: enrolment },
      { collection: 'students', record_id: noor },
    ]);
    expect(await database.admin`select kind, reason, facts from receipt where school_id = ${schoolId}`).toEqual([
      { kind: 'data-deleted', reason: 'withheld', facts: { students: 1, enrolments: 1, demographics: 1, total: 3 } },
    ]);
    const { people } = await listWithheld({ ctx, input: { schoolId } });
    expect(people).toMatchObject([
      {
        name: 'Noor Bakker',
        number: '4711',
        sourceIds: ['p1', 'p1-north'],
        reason: 'Her address is secret',
        withheldBy: 'Sanne Schooladmin',
        releasedAt: null,
      },
    ]);
  });

  it('are withheld ahead, by id or number, and once', async () => {
    const ahead = { ...of, name: 'Somebody to come', reason: null, kind: null };
    await withholdAhead({ ctx, input: { ...ahead, by: 'source-id', value: 'p7' } });
    await expect(withholdAhead({ ctx, input: { ...ahead, by: 'source-id', value: 'p7' } })).rejects.toMatchObject({
      code: 'duplicate',
    });
    expect(await withholdAhead({ ctx, input: { ...ahead, by: 'number', value: '99', kind: 'student' } })).toMatchObject(
      { wasHere: false },
    );
    const { people } = await listWithheld({ ctx, input: { schoolId } });
    expect(people.map(({ sourceIds, number }) => ({ sourceIds, number }))).toEqual(
      expect.arrayContaining([
        { sourceIds: ['p7'], number: null },
        { sourceIds: [], number: '99' },
      ]),
    );
    expect(await database.admin`select 1 from receipt where school_id = ${schoolId}`).toHaveLength(0);
  });

  it('who is in the roster already is withheld from there, found by number or by any of his ids', async () => {
    const noor = await person('p1');
    await database.admin`insert into roster_person_alias values (${schoolId}, ${systemId}, 'p1-north', ${noor})`;
    const done = await withholdAhead({
      ctx,
      input: { ...of, by: 'source-id', value: 'p1-north', name: 'N.', reason: null, kind: null },
    });
    expect(done).toMatchObject({ wasHere: true, deleted: { students: 1 } });
    await person('p2', { identifier: '12' });
    await person('t2', { identifier: '12', kind: 'teacher' });
    const number = { ...of, by: 'number', value: '12', name: 'T.', reason: null } as const;
    await expect(withholdAhead({ ctx, input: number })).rejects.toMatchObject({ code: 'ambiguous-number' });
    expect(await withholdAhead({ ctx, input: { ...number, kind: 'teacher' } })).toMatchObject({
      deleted: { teachers: 1 },
    });
  });

  it('a release asks for a full run, and releases once', async () => {
    await makeLiveEdge(database, school, systemId, {
      scopes: ['roster.students'],
      consumerSystemId: await makeSystem(database, school, { kind: 'lms' }),
    });
    await database.admin`insert into roster_fetch values (${schoolId}, ${systemId}, 'students', ${testNow}, ${testNow})`;
    const { act } = await withholdPerson({ ctx, input: { schoolId, personId: await person('p1'), reason: '' } });
    const { syncRunId } = await releasePerson({ ctx, input: { schoolId, act } });
    expect(await database.admin`select trigger, state from sync_run where id = ${syncRunId}`).toEqual([
      { trigger: 'hand', state: 'queued' },
    ]);
    expect(await database.admin`select modified_until from roster_fetch where system_id = ${systemId}`).toEqual([
      { modified_until: null },
    ]);
    await expect(releasePerson({ ctx, input: { schoolId, act } })).rejects.toMatchObject({ code: 'not-found' });
    expect((await listWithheld({ ctx, input: { schoolId } })).people).toMatchObject([
      { releasedBy: 'Sanne Schooladmin', releasedAt: new Date(testNow) },
    ]);
    // And may be withheld again.
    await withholdPerson({ ctx, input: { schoolId, personId: await person('p1'), reason: null } });
  });

  it('a run that waits for a decision is discarded, and asked for anew', async () => {
    await makeLiveEdge(database, school, systemId, {
      scopes: ['roster.students'],
      consumerSystemId: await makeSystem(database, school, { kind: 'lms' }),
    });
    const held = await runIn('held');
    await withholdPerson({ ctx, input: { schoolId, personId: await person('p1'), reason: null } });
    expect(
      await database.admin`select id = ${held} as was_held, state from sync_run where system_id = ${systemId} order by created_at, id`,
    ).toEqual([
      { was_held: true, state: 'discarded' },
      { was_held: false, state: 'queued' },
    ]);
  });

  it('only a school administrator withholds, releases or reads the list, and nobody of another school', async () => {
    const noor = await person('p1');
    for (const role of ['approver', 'technical-contact', 'signatory'] as const) {
      const his = await contextFor(database, school.people[role]);
      await expect(
        withholdPerson({ ctx: his, input: { schoolId, personId: noor, reason: null } }),
      ).rejects.toMatchObject({ code: 'forbidden' });
      await expect(listWithheld({ ctx: his, input: { schoolId } })).rejects.toMatchObject({ code: 'forbidden' });
    }
    const other = await makeSchool(database);
    const theirs = await contextFor(database, other.people['school-administrator']);
    await expect(
      withholdPerson({ ctx: theirs, input: { schoolId: other.schoolId, personId: noor, reason: null } }),
    ).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});
