import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { startCanvas } from '#sandbox/canvas/server.ts';
import { startMoodle } from '#sandbox/moodle/server.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { systemContext } from '#server/testing/actors.ts';
import { makeSyncedSchool, recordedPorts, runSync } from './testing/sync-harness.ts';

describe('a sync of an LMS', () => {
  let database: TestDatabase;
  let web: Context;
  let sync: Context;
  const clock = fixedClock('2026-11-20T09:00:00Z');
  beforeAll(async () => {
    database = await createTestDatabase();
    web = await systemContext(database, { clock });
    sync = { ...web, database: database.sync };
  });
  afterAll(() => database.drop());

  const coursesOf = (schoolId: string) =>
    database.admin`select source_id, name, sis_id, term_name, account_name, gone_at from lms_course where school_id = ${schoolId} order by source_id`;
  const scopes = ['lms.courses'];

  it('Canvas: courses with their ids, terms and accounts, and no person', async () => {
    const canvas = await startCanvas({ school: 'waterkant', settings: { quota: 1_000_000 } });
    try {
      const settings = { baseUrl: canvas.url };
      const admin = [...canvas.model.users.values()].find(({ login }) => login === canvas.logins.admin);
      const minted = canvas.oauth.mint(canvas.demoKey.id, admin?.id ?? '');
      const secret = { clientId: canvas.demoKey.id, clientSecret: canvas.demoKey.secret };
      const tokens = { ...minted, expiresAt: null, scopes: null, actsAs: null, clientAuthentication: null };
      const ports = recordedPorts({ connector: 'canvas', settings, secret, tokens });
      const school = await makeSyncedSchool(database, { connector: 'canvas', kind: 'lms', scopes, settings });
      expect((await runSync({ web, sync }, ports, school)).applied).toMatchObject({ outcome: 'applied' });
      const live = [...canvas.model.courses.values()].filter(({ state }) => state !== 'deleted');
      const rows = await coursesOf(school.schoolId);
      expect(rows).toHaveLength(live.length);
      for (const course of live) {
        expect(rows.find((row) => row.source_id === course.id)).toMatchObject({
          name: course.name,
          sis_id: course.sisId,
          term_name: canvas.model.terms.get(course.termId)?.name,
          account_name: canvas.model.accounts.get(course.accountId)?.name,
        });
      }
      expect(canvas.requests().some(({ path }) => /users|enrollments|sections/.test(path))).toBe(false);
      const again = await runSync({ web, sync }, ports, school);
      expect(again.applied).toEqual({ outcome: 'applied', records: live.length });
    } finally {
      await canvas.close();
    }
  });

  it('Moodle: courses with their id numbers, without the front page', async () => {
    const moodle = await startMoodle({ school: 'waterkant' });
    try {
      const settings = { baseUrl: moodle.url };
      const ports = recordedPorts({ connector: 'moodle', settings, secret: { token: moodle.demoToken } });
      const school = await makeSyncedSchool(database, { connector: 'moodle', kind: 'lms', scopes, settings });
      await runSync({ web, sync }, ports, school);
      const wanted = [...moodle.model.courses.values()].filter(({ id }) => id !== 1);
      const rows = await coursesOf(school.schoolId);
      expect(new Set(rows.map((row) => row.source_id))).toEqual(new Set(wanted.map(({ id }) => String(id))));
      for (const course of wanted) {
        expect(rows.find((row) => row.source_id === String(course.id))).toMatchObject({
          name: course.fullname,
          sis_id: course.idnumber === '' ? null : course.idnumber,
        });
      }
      // Emptied by a fault on the way: nothing is missed.
      moodle.faults.add({ kind: 'empty-page' });
      for (let n = 0; n < 3; n++) await runSync({ web, sync }, ports, school);
      expect((await coursesOf(school.schoolId)).every((row) => row.gone_at === null)).toBe(true);
    } finally {
      await moodle.close();
    }
  });
});
