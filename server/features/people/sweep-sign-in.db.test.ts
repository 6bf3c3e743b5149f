import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { contextFor, jobContext, makeSchool, testNow } from '#server/testing/actors.ts';
import { inviteSchoolMember } from './invite-school-member.ts';
import { sweepSignIn } from './sweep-sign-in.ts';

const day = 86_400_000;

describe('what signing in leaves behind', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('is forgotten in time and not before', async () => {
    const clock = fixedClock(testNow);
    const school = await makeSchool(database);
    const ctx = await contextFor(database, school.people['school-administrator'], { clock });
    await inviteSchoolMember({
      ctx,
      input: { schoolId: school.schoolId, email: 'never@came.example', name: 'Never Came', roles: ['approver'] },
    });
    await database.admin`insert into sign_in_throttle (key_hash, failures, window_started_at) values ('\\x01', 3, ${testNow})`;
    const sweep = async () => sweepSignIn({ ctx: await jobContext(database, 'sweep', { clock }), input: {} });
    expect(await sweep()).toEqual({ throttles: 0, sessions: 0, links: 0 });
    clock.advance(day + 1);
    expect(await sweep()).toEqual({ throttles: 1, sessions: 0, links: 0 });
    // Invitation and session ran out after seven days; both are kept for thirty more.
    clock.advance(35 * day);
    expect(await sweep()).toEqual({ throttles: 0, sessions: 0, links: 0 });
    clock.advance(2 * day);
    expect(await sweep()).toEqual({ throttles: 0, sessions: 1, links: 1 });
    expect(JSON.stringify(await database.admin`select l::text from single_use_link l`)).not.toContain('never@came');
  });
});
