import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { registerSchool } from '#server/features/schools/register-school.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { jobContext, makeAgreement, makeSchool, nobody } from '#server/testing/actors.ts';
import { createAgreementWork } from './agreement-work.ts';

describe('the job of agreements', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  const workAt = async (moment: string) => {
    const ctx = await jobContext(database, 'agreement-dates', { clock: fixedClock(moment) });
    return createAgreementWork((runId) => ({ ...ctx, actor: { kind: 'job', job: 'agreement-dates', runId } }));
  };

  it('finds exactly the schools with something to do, each at its own midnight, and does it once', async () => {
    const schools = [];
    for (const timeZone of ['Pacific/Auckland', 'Europe/Amsterdam', 'America/Los_Angeles']) {
      const school = await makeSchool(database);
      await database.admin`update school set time_zone = ${timeZone} where id = ${school.schoolId}`;
      const agreementId = await makeAgreement(database, school);
      await database.admin`update agreement set ends_on = '2026-03-31' where id = ${agreementId}`;
      // Reminded already, so that only the end is due.
      await database.admin`
        insert into reminder (id, school_id, subject, subject_id, occasion, at)
        select gen_random_uuid(), ${school.schoolId}, 'agreement', ${agreementId}, o, now() from unnest(array['90-days', '30-days', '7-days']) o`;
      schools.push(school.schoolId);
    }
    const [auckland, amsterdam, losAngeles] = schools;
    const due = async (moment: string) => (await workAt(moment)).dueSchools({ runId: 'r' });
    expect(await due('2026-03-31T10:59:00Z')).toEqual([]);
    expect(await due('2026-03-31T11:01:00Z')).toEqual([auckland]);
    expect(await due('2026-03-31T22:01:00Z')).toEqual([auckland, amsterdam].toSorted());
    expect(await due('2026-04-01T07:01:00Z')).toEqual([auckland, amsterdam, losAngeles].toSorted());
    const work = await workAt('2026-04-01T07:01:00Z');
    for (const schoolId of await work.dueSchools({ runId: 'r' })) {
      expect(await work.processDates({ schoolId, runId: 'r' })).toEqual({ ended: 1, reminded: 0 });
      expect(await work.processDates({ schoolId, runId: 'again' })).toEqual({ ended: 0, reminded: 0 });
    }
    expect(await work.dueSchools({ runId: 'r' })).toEqual([]);
  });

  it('forgets registrations that nobody confirmed, with the names and addresses in them', async () => {
    const ctx = await nobody(database);
    const school = { name: 'Lindenhof', register: 'BRIN' as const, registerNumber: '01AB', country: 'NL' };
    const person = { timeZone: 'Europe/Amsterdam', personName: 'Rob', email: 'rob@swept.example' };
    await registerSchool({ ctx, input: { ...school, ...person } });
    expect(await (await workAt('2026-03-04T08:59:00Z')).sweepRegistrations({ runId: 'r' })).toBe(0);
    expect(await (await workAt('2026-03-04T09:01:00Z')).sweepRegistrations({ runId: 'r' })).toBe(1);
    expect(await database.admin`select 1 from school_registration`).toHaveLength(0);
  });
});
