import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import {
  contextFor,
  makeAgent,
  makeOperator,
  makeSchool,
  nobody,
  type TestAgent,
  type TestSchool,
  testNow,
} from '#server/testing/actors.ts';
import { orderedMails, tokenInLastMail } from '#server/testing/mails.ts';
import { acceptInvitation } from './accept-invitation.ts';
import { completeRecovery } from './complete-recovery.ts';
import { listRecoveries } from './list-recoveries.ts';
import { startRecovery } from './start-recovery.ts';
import { stopRecovery } from './stop-recovery.ts';

const hour = 3_600_000;

describe('the recovery of a school whose only administrator left', () => {
  let database: TestDatabase;
  let clock: ReturnType<typeof fixedClock>;
  let operator: Context;
  let agent: TestAgent;
  let school: TestSchool;
  const email = 'directie@newschool.example';

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    clock = fixedClock(testNow);
    operator = await contextFor(database, (await makeOperator(database)).operator, { clock });
    agent = await makeAgent(database);
    school = await makeSchool(database, { agentId: agent.agentId });
    const contacts = [{ name: 'Receptie', email: 'receptie@newschool.example', role: 'office', phone: null }];
    await database.admin`update prospect set contacts = ${database.admin.json(contacts)} where school_id = ${school.schoolId}`;
    await database.admin`delete from mail`;
  });

  const start = (more: { email?: string } = {}) =>
    startRecovery({
      ctx: operator,
      input: {
        schoolId: school.schoolId,
        name: 'Dirk Directeur',
        email,
        reason: 'The only administrator retired; letter of the board of 1 March.',
        ...more,
      },
    });
  const complete = (recoveryId: string) =>
    completeRecovery({ ctx: operator, input: { schoolId: school.schoolId, recoveryId } });
  const told = async (template: string) =>
    (await orderedMails(database, operator)).filter((mail) => mail.template === template).map((mail) => mail.to);

  it('tells every member and contact, waits 72 hours to the minute, then invites the new administrator', async () => {
    const { recoveryId } = await start();
    const everybody = [...Object.values(school.people).map((person) => person.email), 'receptie@newschool.example'];
    expect((await told('recovery-started')).toSorted()).toEqual(everybody.toSorted());
    expect(await told('invitation')).toEqual([]);
    clock.advance(72 * hour - 1);
    await expect(complete(recoveryId)).rejects.toMatchObject({ code: 'state-forbids' });
    clock.advance(1);
    await complete(recoveryId);
    expect(await told('invitation')).toEqual([email]);
    expect((await told('recovery-completed')).toSorted()).toEqual(everybody.toSorted());
    const anonymous = await nobody(database, { clock });
    const token = await tokenInLastMail(database, anonymous, email);
    const account = { name: 'Dirk', password: 'vijf paarse fietsen' };
    expect(await acceptInvitation({ ctx: anonymous, input: { token, account } })).toMatchObject({
      organisationId: school.schoolId,
    });
    await expect(complete(recoveryId)).rejects.toMatchObject({ code: 'already-decided' });
  });

  it.each(['school-administrator', 'signatory', 'approver', 'technical-contact'] as const)(
    'can be stopped by the %s, and then never completed',
    async (role) => {
      const { recoveryId } = await start();
      const member = await contextFor(database, school.people[role], { clock });
      expect(await listRecoveries({ ctx: member, input: { schoolId: school.schoolId } })).toMatchObject([
        { id: recoveryId, state: 'waiting', newAdministratorEmail: email },
      ]);
      await stopRecovery({ ctx: member, input: { schoolId: school.schoolId, recoveryId } });
      clock.advance(100 * hour);
      await expect(complete(recoveryId)).rejects.toMatchObject({ code: 'already-decided' });
      expect(await told('invitation')).toEqual([]);
      expect(await told('recovery-stopped')).toHaveLength(5);
      await expect(
        stopRecovery({ ctx: member, input: { schoolId: school.schoolId, recoveryId } }),
      ).rejects.toMatchObject({ code: 'already-decided' });
    },
  );

  it('is stopped or completed, never both', async () => {
    const { recoveryId } = await start();
    clock.advance(80 * hour);
    const member = await contextFor(database, school.people.approver, { clock });
    const both = await Promise.allSettled([
      complete(recoveryId),
      stopRecovery({ ctx: member, input: { schoolId: school.schoolId, recoveryId } }),
    ]);
    expect(both.map((result) => result.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it('is not for the agent: neither its address nor its people', async () => {
    await expect(start({ email: agent.agent.email })).rejects.toMatchObject({ code: 'conflict-of-interest' });
    const ctx = await contextFor(database, agent.administrator, { clock });
    const input = { schoolId: school.schoolId, name: 'X', email, reason: 'because I would like to' };
    await expect(startRecovery({ ctx, input })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('is under way once per school', async () => {
    const both = await Promise.allSettled([start(), start()]);
    expect(both.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    await expect(start()).rejects.toMatchObject({ code: 'duplicate' });
  });
});
