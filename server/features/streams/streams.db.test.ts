import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextFor, makeSchool, type TestSchool, testNow } from '#server/testing/actors.ts';
import { makeSystem, putRosterRow } from '#server/testing/roster-rows.ts';
import { addStream } from './add-stream.ts';
import { chooseStream } from './choose-stream.ts';
import { fileGroups } from './file-groups.ts';
import { groupsToFile } from './groups-to-file.ts';
import { importOwnList } from './import-own-list.ts';
import { mergeStream } from './merge-stream.ts';
import { resetStreams } from './reset-streams.ts';
import { streamsPage } from './streams-page.ts';

const nothing = { programme: null, level: null, year: null };

describe('a school’s own mapping of streams', () => {
  let database: TestDatabase;
  let school: TestSchool;
  let ctx: Context;
  let of: { schoolId: string; systemId: string };
  let groups: string[];
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    school = await makeSchool(database);
    of = { schoolId: school.schoolId, systemId: await makeSystem(database, school) };
    ctx = await contextFor(database, school.people['school-administrator']);
    const stream = (sourceId: string, name: string, derived_from: string, year: string) =>
      putRosterRow(database, 'roster_stream', { ...of, sourceId, name, derived_from, year });
    await stream('stream:havo|4', 'havo 4', 'metadata', '4');
    await stream('stream:4', '4', 'class-grades', '4');
    await stream('stream:5', '5', 'course-grades', '5');
    groups = [];
    for (const [title, stream_source_id] of [
      ['4A maths', 'stream:4'],
      ['4B maths', 'stream:4'],
      ['Choir', null],
    ] as const) {
      groups.push(
        await putRosterRow(database, 'roster_group', {
          ...of,
          sourceId: title,
          title,
          kind: 'group',
          stream_source_id,
        }),
      );
    }
  });
  const page = () => streamsPage({ ctx, input: of });
  const shown = async () => Object.fromEntries((await page()).streams.map((stream) => [stream.sourceId, stream]));

  it('shows where each came from and how many groups it has', async () => {
    expect((await page()).streams.map(({ name, derivedFrom, groups: n }) => [name, derivedFrom, n])).toEqual([
      ['4', 'class-grades', 2],
      ['5', 'course-grades', 0],
      ['havo 4', 'metadata', 0],
    ]);
    expect(await page()).toMatchObject({ groupsWithout: 1, unappliedSince: null, mayChange: true });
  });

  it('another name waits for the next run, and goes back', async () => {
    await chooseStream({
      ctx,
      input: { ...of, sourceId: 'stream:4', ...nothing, name: 'Fourth year', level: ' vwo ' },
    });
    expect((await shown())['stream:4']).toMatchObject({
      name: 'Fourth year',
      level: 'vwo',
      year: '4',
      choice: { name: 'Fourth year', year: null },
    });
    expect((await page()).unappliedSince).toEqual(new Date(testNow));
    await database.admin`
      insert into sync_run (id, school_id, system_id, trigger, state, created_at, started_at)
      values (${newId()}, ${of.schoolId}, ${of.systemId}, 'hand', 'succeeded', ${testNow}, ${new Date(Date.parse(testNow) + 1000)})`;
    expect((await page()).unappliedSince).toBeNull();
    const later = new Date(Date.parse(testNow) + 60_000).toISOString();
    const then = await contextFor(database, school.people['school-administrator'], { clock: fixedClock(later) });
    await resetStreams({ ctx: then, input: { ...of, stream: 'stream:4' } });
    expect((await shown())['stream:4']).toMatchObject({ name: '4', choice: null });
    expect((await page()).unappliedSince).toEqual(new Date(later));
  });

  it('merging leaves no chain and no circle, and can be taken back', async () => {
    await mergeStream({ ctx, input: { ...of, sourceId: 'stream:5', into: 'stream:4' } });
    await mergeStream({ ctx, input: { ...of, sourceId: 'stream:4', into: 'stream:havo|4' } });
    expect(await shown()).toMatchObject({
      'stream:5': { mergedInto: 'stream:havo|4' },
      'stream:4': { mergedInto: 'stream:havo|4' },
    });
    await expect(
      mergeStream({ ctx, input: { ...of, sourceId: 'stream:havo|4', into: 'stream:4' } }),
    ).rejects.toMatchObject({ code: 'state-forbids' });
    await expect(mergeStream({ ctx, input: { ...of, sourceId: 'stream:4', into: 'stream:4' } })).rejects.toMatchObject({
      code: 'invalid-input',
    });
    await expect(
      mergeStream({ ctx, input: { ...of, sourceId: 'stream:4', into: 'stream:none' } }),
    ).rejects.toMatchObject({ code: 'not-found' });
    await mergeStream({ ctx, input: { ...of, sourceId: 'stream:5', into: null } });
    expect((await shown())['stream:5']).toMatchObject({ mergedInto: null, choice: null });
  });

  it('one of the school’s own list takes groups filed by hand, and leaves with them', async () => {
    const { sourceId } = await addStream({ ctx, input: { ...of, name: 'Sixth Form A', ...nothing, year: '12' } });
    await expect(addStream({ ctx, input: { ...of, name: 'sixth form a', ...nothing } })).rejects.toMatchObject({
      code: 'duplicate',
    });
    await fileGroups({ ctx, input: { ...of, groupIds: groups.slice(1), stream: sourceId } });
    expect((await shown())[sourceId]).toMatchObject({
      name: 'Sixth Form A',
      derivedFrom: 'school-list',
      byHand: 2,
      inRoster: false,
    });
    const list = (show: 'all' | 'none' | 'by-hand', search = '') =>
      groupsToFile({ ctx, input: { ...of, show, search } });
    expect((await list('by-hand')).rows.map(({ title, byHand }) => [title, byHand])).toEqual([
      ['4B maths', sourceId],
      ['Choir', sourceId],
    ]);
    expect((await list('none')).rows.map(({ title }) => title)).toEqual(['Choir']);
    expect((await list('all', 'MATHS 4b')).total).toBe(1);
    await fileGroups({ ctx, input: { ...of, groupIds: groups.slice(2), stream: null } });
    await mergeStream({ ctx, input: { ...of, sourceId: 'stream:5', into: sourceId } });
    await resetStreams({ ctx, input: { ...of, stream: sourceId } });
    expect((await list('by-hand')).total).toBe(0);
    expect(Object.keys(await shown())).not.toContain(sourceId);
    expect((await shown())['stream:5']).toMatchObject({ mergedInto: null, choice: null });
  });

  it('a list is taken whole or not at all', async () => {
    await addStream({ ctx, input: { ...of, name: 'Alpha', ...nothing } });
    expect(await importOwnList({ ctx, input: { ...of, csv: 'name,year\nalpha,1\nBeta,2' } })).toEqual({
      added: 1,
      updated: 1,
    });
    expect(await shown()).toMatchObject({ 'own:alpha': { name: 'alpha', year: '1' }, 'own:beta': { year: '2' } });
    await expect(importOwnList({ ctx, input: { ...of, csv: 'name\nGamma\n\n"",' } })).rejects.toMatchObject({
      code: 'invalid-input',
      details: { problems: ['4:name-missing'] },
    });
    expect(Object.keys(await shown())).not.toContain('own:gamma');
    await resetStreams({ ctx, input: { ...of, stream: null } });
    expect(Object.keys(await shown())).toHaveLength(3);
  });

  it('groups and streams of another system or school are not found, and others may only look', async () => {
    const theirs = await putRosterRow(database, 'roster_group', {
      ...of,
      systemId: await makeSystem(database, school),
      sourceId: 'x',
      title: 'X',
      kind: 'group',
    });
    await expect(fileGroups({ ctx, input: { ...of, groupIds: [theirs], stream: 'stream:4' } })).rejects.toMatchObject({
      code: 'not-found',
    });
    const approver = await contextFor(database, school.people.approver);
    expect((await streamsPage({ ctx: approver, input: of })).mayChange).toBe(false);
    await expect(resetStreams({ ctx: approver, input: { ...of, stream: null } })).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});
