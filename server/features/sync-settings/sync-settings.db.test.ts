import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextFor, giveRole, makePerson, makeSchool, type TestSchool } from '#server/testing/actors.ts';
import { makeLiveEdge, makeSystem, putRosterRow } from '#server/testing/roster-rows.ts';
import { saveGuardRules } from './save-guard-rules.ts';
import { saveQuietDays } from './save-quiet-days.ts';
import { saveSchedule } from './save-schedule.ts';
import { settingsPage } from './settings-page.ts';

describe('how a system is synced', () => {
  let database: TestDatabase;
  let school: TestSchool;
  let systemId: string;
  let ctx: Context;
  let of: { schoolId: string; systemId: string };
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    school = await makeSchool(database);
    systemId = await makeSystem(database, school);
    ctx = await contextFor(database, school.people['school-administrator']);
    of = { schoolId: school.schoolId, systemId };
  });

  const isDue = async (at: string) => {
    const due = z
      .array(z.object({ system_id: z.string() }))
      .parse(await database.admin`select system_id from across.systems_due_for_sync(${at}::timestamptz)`);
    return due.some(({ system_id }) => system_id === systemId);
  };
  const lastRunAt = async (at: string) => {
    await database.admin`delete from sync_run where system_id = ${systemId}`;
    await database.admin`
      insert into sync_run (id, school_id, system_id, trigger, state, created_at)
      values (${newId()}, ${school.schoolId}, ${systemId}, 'schedule', 'succeeded', ${at})`;
  };

  it('starts from the defaults', async () => {
    expect(await settingsPage({ ctx, input: of })).toMatchObject({
      settings: { intervalMinutes: 120, fullEveryHours: 24, blackouts: [], guardRules: [], updatedAt: null },
      defaultRules: [{ kind: 'gone', share: 0.1 }, { kind: 'changed', share: 0.75 }, { kind: 'field' }],
      mayChange: true,
    });
  });

  it('the scheduler asks as often as was chosen', async () => {
    await makeLiveEdge(database, school, systemId, { scopes: ['roster.groups'] });
    await lastRunAt('2026-03-02T08:00:00Z');
    expect([await isDue('2026-03-02T09:59:00Z'), await isDue('2026-03-02T10:01:00Z')]).toEqual([false, true]);
    await saveSchedule({ ctx, input: { ...of, intervalMinutes: 15, fullEveryHours: 24 } });
    expect([await isDue('2026-03-02T08:14:00Z'), await isDue('2026-03-02T08:16:00Z')]).toEqual([false, true]);
    await saveSchedule({ ctx, input: { ...of, intervalMinutes: 240, fullEveryHours: 0 } });
    expect([await isDue('2026-03-02T11:59:00Z'), await isDue('2026-03-02T12:01:00Z')]).toEqual([false, true]);
  });

  it('nightly is once a night in the school’s own time, also where somebody asked by hand in the afternoon', async () => {
    await makeLiveEdge(database, school, systemId, { scopes: ['roster.groups'] });
    await saveSchedule({ ctx, input: { ...of, intervalMinutes: 1440, fullEveryHours: 0 } });
    await lastRunAt('2026-03-02T15:00:00Z');
    // Europe/Amsterdam is an hour ahead of UTC in March.
    expect(await isDue('2026-03-02T23:59:00Z')).toBe(false);
    expect(await isDue('2026-03-03T00:01:00Z')).toBe(true);
    await lastRunAt('2026-03-03T00:01:00Z');
    expect(await isDue('2026-03-03T23:00:00Z')).toBe(false);
    expect(await isDue('2026-03-04T00:01:00Z')).toBe(true);
  });

  it('on days without syncs the scheduler asks nothing, in the school’s own time', async () => {
    await makeLiveEdge(database, school, systemId, { scopes: ['roster.groups'] });
    await lastRunAt('2026-03-01T08:00:00Z');
    await saveQuietDays({
      ctx,
      input: { ...of, blackouts: [{ from: '2026-03-05', until: '2026-03-06', label: ' Spring break ' }] },
    });
    expect(await isDue('2026-03-04T22:59:00Z')).toBe(true);
    expect(await isDue('2026-03-04T23:01:00Z')).toBe(false);
    expect(await isDue('2026-03-06T22:59:00Z')).toBe(false);
    expect(await isDue('2026-03-06T23:01:00Z')).toBe(true);
    expect((await settingsPage({ ctx, input: of })).settings.blackouts).toEqual([
      { from: '2026-03-05', until: '2026-03-06', label: 'Spring break' },
    ]);
  });

  it('each part is saved for itself, with an audit row', async () => {
    await putRosterRow(database, 'roster_site', { ...of, sourceId: 'north', name: 'North', kind: 'school' });
    await saveSchedule({ ctx, input: { ...of, intervalMinutes: 60, fullEveryHours: 48 } });
    await saveGuardRules({
      ctx,
      input: { ...of, rules: [{ collection: 'students', site: 'north', kind: 'gone', share: 0.02, atLeast: 3 }] },
    });
    await saveQuietDays({ ctx, input: { ...of, blackouts: [] } });
    expect((await settingsPage({ ctx, input: of })).settings).toMatchObject({
      intervalMinutes: 60,
      fullEveryHours: 48,
      guardRules: [{ site: 'north', share: 0.02 }],
      updatedBy: 'Sanne Schooladmin',
    });
    const actions =
      await database.admin`select action from audit_entry where school_id = ${school.schoolId} order by seq`;
    expect(actions.map(({ action }) => action)).toEqual([
      'sync.schedule-changed',
      'sync.thresholds-changed',
      'sync.quiet-days-changed',
    ]);
  });

  it('what is wrong is refused by place and reason, and nothing is written', async () => {
    const rule = { collection: null, site: 'moon', kind: 'gone', share: 1.2, atLeast: 1 } as const;
    await expect(saveGuardRules({ ctx, input: { ...of, rules: [rule] } })).rejects.toMatchObject({
      code: 'invalid-input',
      details: { fields: ['0.site', '0.share'], problems: ['0.site:site-unknown', '0.share:share-range'] },
    });
    const blackouts = [
      { from: '2026-07-01', until: '2026-07-20', label: 'A' },
      { from: '2026-07-20', until: '2026-07-10', label: 'B' },
    ];
    await expect(saveQuietDays({ ctx, input: { ...of, blackouts } })).rejects.toMatchObject({
      details: { problems: ['1.until:reversed'] },
    });
    await expect(
      saveSchedule.fromWire({ ctx, raw: { ...of, intervalMinutes: 5, fullEveryHours: 24 } }),
    ).rejects.toMatchObject({ code: 'invalid-input', details: { fields: ['intervalMinutes'] } });
    expect((await settingsPage({ ctx, input: of })).settings.updatedAt).toBeNull();
  });

  it('a technical contact reads those of his own system, and changes none', async () => {
    const contact = await makePerson(database);
    const other = await makeSystem(database, school, { name: 'Another' });
    await giveRole(database, contact, 'technical-contact', school.schoolId, { systemId });
    const his = await contextFor(database, contact);
    expect(await settingsPage({ ctx: his, input: of })).toMatchObject({ mayChange: false });
    await expect(
      settingsPage({ ctx: his, input: { schoolId: school.schoolId, systemId: other } }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    await expect(saveQuietDays({ ctx: his, input: { ...of, blackouts: [] } })).rejects.toMatchObject({
      code: 'forbidden',
    });
  });

  it('the breaks of the terms that the system tells are offered', async () => {
    const terms = [
      ['autumn', 'Autumn', '2026-01-05', '2026-04-01'],
      ['spring', 'Spring', '2026-04-20', '2026-07-01'],
    ] as const;
    for (const [sourceId, name, starts_on, ends_on] of terms) {
      await putRosterRow(database, 'roster_term', { ...of, sourceId, name, kind: 'term', starts_on, ends_on });
    }
    expect((await settingsPage({ ctx, input: of })).termBreaks).toEqual([
      { from: '2026-04-01', until: '2026-04-19', after: 'Autumn', before: 'Spring' },
    ]);
  });

  it('a system of another school is not found', async () => {
    const theirs = await makeSystem(database, await makeSchool(database));
    const input = { schoolId: school.schoolId, systemId: theirs };
    await expect(settingsPage({ ctx, input })).rejects.toMatchObject({ code: 'not-found' });
    await expect(saveQuietDays({ ctx, input: { ...input, blackouts: [] } })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});
