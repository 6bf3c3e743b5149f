import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { runWork } from '#server/kernel/verb.ts';
import {
  contextFor,
  giveRole,
  makeAgent,
  makeAgreement,
  makeOperator,
  makePerson,
  makeSchool,
  nobody,
  systemContext,
  type TestAgent,
  type TestSchool,
  testNow,
} from '#server/testing/actors.ts';
import { orderedMails, tokenInLastMail } from '#server/testing/mails.ts';
import { acceptInvitation } from './accept-invitation.ts';
import { changeAgentRoles } from './change-agent-roles.ts';
import { changeSchoolRoles } from './change-school-roles.ts';
import { endOperatorMembership } from './end-operator-membership.ts';
import { ensureFirstOperator } from './first-operator.ts';
import { inviteFirstAdministrator } from './invitation-links.ts';
import { inviteAgentMember } from './invite-agent-member.ts';
import { inviteOperator } from './invite-operator.ts';
import { inviteSchoolMember } from './invite-school-member.ts';
import { leaveOrganisation } from './leave-organisation.ts';
import { listAgentMembers } from './list-agent-members.ts';
import { listSchoolMembers } from './list-school-members.ts';
import { viewInvitation } from './view-invitation.ts';
import { whoAmI } from './who-am-i.ts';
import { withdrawSchoolInvitation } from './withdraw-school-invitation.ts';

const password = 'vijf paarse fietsen';
const day = 86_400_000;

describe('invitations and roles', () => {
  let database: TestDatabase;
  let clock: ReturnType<typeof fixedClock>;
  let anonymous: Context;
  let agent: TestAgent;
  let school: TestSchool;
  let administrator: Context;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    clock = fixedClock(testNow);
    anonymous = await nobody(database, { clock });
    agent = await makeAgent(database);
    school = await makeSchool(database, { agentId: agent.agentId });
    administrator = await as(school.people['school-administrator']);
  });

  const as = (person: Parameters<typeof contextFor>[1]) => contextFor(database, person, { clock });
  const newAddress = () => `new-${newId().slice(-8)}@school.example`;
  const invite = (
    email: string,
    more: { roles?: ('approver' | 'signatory')[]; siteId?: string; systemId?: string } = {},
  ) =>
    inviteSchoolMember({
      ctx: administrator,
      input: { schoolId: school.schoolId, email, name: 'Nina New', roles: ['approver'], ...more },
    });
  const tokenFor = (email: string) => tokenInLastMail(database, anonymous, email);
  const accept = (token: string, ctx = anonymous) =>
    acceptInvitation({ ctx, input: { token, account: { name: 'Nina New', password } } });
  const rolesOf = async (email: string) =>
    (await listSchoolMembers({ ctx: administrator, input: { schoolId: school.schoolId } })).members
      .find((member) => member.email === email)
      ?.memberships.map(({ role, siteId }) => ({ role, siteId }));

  it('bring a new person to the school: mail, page, name and password, role', async () => {
    const email = newAddress();
    await invite(email, { roles: ['approver', 'signatory'], siteId: school.siteIds[0] });
    const token = await tokenFor(email);
    expect(await viewInvitation({ ctx: anonymous, input: { token } })).toMatchObject({
      state: 'open',
      invitation: {
        organisation: school.name,
        inviter: 'Sanne Schooladmin',
        email,
        roles: ['approver', 'signatory'],
        accountExists: false,
        signedIn: 'nobody',
      },
    });
    expect(await accept(token)).toMatchObject({ organisationId: school.schoolId, email, newAccount: true });
    expect(await rolesOf(email)).toEqual([
      { role: 'approver', siteId: school.siteIds[0] },
      { role: 'signatory', siteId: null },
    ]);
  });

  it('never give their token away but by mail', async () => {
    const email = newAddress();
    const answer = await invite(email);
    const token = await tokenFor(email);
    const seen = JSON.stringify([
      answer,
      await listSchoolMembers({ ctx: administrator, input: { schoolId: school.schoolId } }),
      await database.admin`select l::text from single_use_link l`,
      await database.admin`select m::text from mail m`,
      await database.admin`select a::text from audit_entry a`,
      await database.admin`select o::text from outbox o`,
    ]);
    expect(seen).not.toContain(token);
  });

  it('work once, also of two at the same moment, and say what became of them', async () => {
    const email = newAddress();
    await invite(email);
    const token = await tokenFor(email);
    const both = await Promise.allSettled([accept(token), accept(token)]);
    expect(both.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect(await viewInvitation({ ctx: anonymous, input: { token } })).toEqual({ state: 'used', invitation: null });
    await expect(accept(token)).rejects.toMatchObject({ code: 'link-unusable', details: { why: 'used' } });
  });

  it('run out after seven days, can be withdrawn, and a second one replaces the first', async () => {
    const email = newAddress();
    await invite(email);
    const first = await tokenFor(email);
    clock.advance(1000);
    const { invitationId } = await invite(email);
    const second = await tokenFor(email);
    await expect(accept(first)).rejects.toMatchObject({ code: 'link-unusable', details: { why: 'withdrawn' } });
    await withdrawSchoolInvitation({ ctx: administrator, input: { schoolId: school.schoolId, invitationId } });
    await expect(accept(second)).rejects.toMatchObject({ details: { why: 'withdrawn' } });
    clock.advance(1000);
    await invite(email);
    const third = await tokenFor(email);
    clock.advance(7 * day + 1);
    await expect(accept(third)).rejects.toMatchObject({ details: { why: 'expired' } });
    await expect(accept('no-such-token-at-all-here')).rejects.toMatchObject({ details: { why: 'unknown' } });
    await expect(
      withdrawSchoolInvitation({ ctx: administrator, input: { schoolId: school.schoolId, invitationId } }),
    ).rejects.toMatchObject({ code: 'not-found' });
  });

  it('to somebody with an account are taken signed in, and only with the invited address', async () => {
    const person = await makePerson(database, { email: newAddress() });
    await invite(person.email.toUpperCase());
    const token = await tokenFor(person.email.toUpperCase());
    await expect(accept(token)).rejects.toMatchObject({
      code: 'not-signed-in',
      details: { problem: 'account-exists' },
    });
    const other = await as(await makePerson(database));
    expect(await viewInvitation({ ctx: other, input: { token } })).toMatchObject({
      invitation: { signedIn: 'another', accountExists: true },
    });
    await expect(acceptInvitation({ ctx: other, input: { token } })).rejects.toMatchObject({
      code: 'invitation-for-another',
    });
    const half = await contextFor(database, person, { clock, assurance: 'password-ok' });
    await expect(acceptInvitation({ ctx: half, input: { token } })).rejects.toMatchObject({
      code: 'second-factor-needed',
    });
    expect(await acceptInvitation({ ctx: await as(person), input: { token } })).toMatchObject({ newAccount: false });
    expect(await rolesOf(person.email)).toEqual([{ role: 'approver', siteId: null }]);
  });

  it('refuse a weak password and keep the link good', async () => {
    const email = newAddress();
    await invite(email);
    const token = await tokenFor(email);
    const weak = acceptInvitation({ ctx: anonymous, input: { token, account: { name: 'Nina', password: 'short' } } });
    await expect(weak).rejects.toMatchObject({ code: 'invalid-input', details: { problem: 'too-short' } });
    expect((await viewInvitation({ ctx: anonymous, input: { token } })).state).toBe('open');
  });

  it('cannot name a site or system of another school', async () => {
    const other = await makeSchool(database);
    await expect(invite(newAddress(), { siteId: other.siteIds[0] })).rejects.toMatchObject({ code: 'not-found' });
    await expect(invite(newAddress(), { systemId: newId() })).rejects.toMatchObject({ code: 'not-found' });
  });

  describe('and the agent that serves the school', () => {
    it('has no address that could become the school', async () => {
      const domain = agent.agent.email.split('@')[1] ?? '';
      const inviteFirst = (email: string) =>
        runWork(administrator, { schoolId: school.schoolId }, (work) =>
          inviteFirstAdministrator(work, { schoolId: school.schoolId, email, name: 'Max' }),
        );
      for (const email of [`max@${domain}`, `max@mail.${domain.toUpperCase()}`, agent.agent.email]) {
        await expect(inviteFirst(email)).rejects.toMatchObject({ code: 'conflict-of-interest' });
        await expect(invite(email)).rejects.toMatchObject({ code: 'conflict-of-interest' });
      }
      const freelance = await makePerson(database, { email: newAddress() });
      await giveRole(database, freelance, 'agent', agent.agentId);
      await expect(inviteFirst(freelance.email)).rejects.toMatchObject({ code: 'conflict-of-interest' });
      const unrelated = newAddress();
      await inviteFirst(unrelated);
      await accept(await tokenFor(unrelated));
      expect(await rolesOf(unrelated)).toEqual([{ role: 'school-administrator', siteId: null }]);
    });

    it('cannot get in by joining the agent between invitation and acceptance', async () => {
      await makeAgreement(database, school, { agentId: agent.agentId });
      const person = await makePerson(database, { email: newAddress() });
      await invite(person.email);
      const token = await tokenFor(person.email);
      await giveRole(database, person, 'agent', agent.agentId);
      await expect(acceptInvitation({ ctx: await as(person), input: { token } })).rejects.toMatchObject({
        code: 'conflict-of-interest',
      });
      expect((await viewInvitation({ ctx: anonymous, input: { token } })).state).toBe('open');
    });
  });

  describe('an agent', () => {
    it('gets its administrator from the operator and its agents from that administrator', async () => {
      const { operator } = await makeOperator(database);
      const first = newAddress();
      await inviteAgentMember({
        ctx: await as(operator),
        input: { agentId: agent.agentId, email: first, name: 'Bo', roles: ['agent-administrator'] },
      });
      await accept(await tokenFor(first));
      const second = newAddress();
      const ctx = await as(agent.administrator);
      await inviteAgentMember({ ctx, input: { agentId: agent.agentId, email: second, name: 'Cy', roles: ['agent'] } });
      await accept(await tokenFor(second));
      const { members } = await listAgentMembers({ ctx, input: { agentId: agent.agentId } });
      expect(members.map((member) => member.email)).toEqual(expect.arrayContaining([first, second]));
      await expect(
        inviteAgentMember({
          ctx: await as(agent.agent),
          input: { agentId: agent.agentId, email: first, name: 'X', roles: ['agent'] },
        }),
      ).rejects.toMatchObject({ code: 'forbidden' });
    });

    it('is an agent only: a school does not pass for one', async () => {
      const { operator } = await makeOperator(database);
      await expect(
        inviteAgentMember({
          ctx: await as(operator),
          input: { agentId: school.schoolId, email: newAddress(), name: 'X', roles: ['agent'] },
        }),
      ).rejects.toMatchObject({ code: 'not-found' });
    });

    it('that is suspended gives its people no rights', async () => {
      await database.admin`update organisation set suspended_at = now() where id = ${agent.agentId}`;
      const ctx = await as(agent.administrator);
      await expect(listAgentMembers({ ctx, input: { agentId: agent.agentId } })).rejects.toMatchObject({
        code: 'forbidden',
      });
      expect(await whoAmI({ ctx, input: {} })).toMatchObject({ account: { organisations: [{ suspended: true }] } });
    });
  });

  describe('roles', () => {
    it('are set as a whole, with limits; what ended stays as history', async () => {
      const { approver } = school.people;
      await changeSchoolRoles({
        ctx: administrator,
        input: {
          schoolId: school.schoolId,
          userId: approver.userId,
          roles: ['approver', 'signatory'],
          siteId: school.siteIds[1],
        },
      });
      expect(await rolesOf(approver.email)).toEqual([
        { role: 'approver', siteId: school.siteIds[1] },
        { role: 'signatory', siteId: null },
      ]);
      const rows =
        await database.admin`select ended_at is not null as ended from membership where user_id = ${approver.userId}`;
      expect(rows.map((row) => row.ended).toSorted()).toEqual([false, false, true]);
      await changeSchoolRoles({
        ctx: administrator,
        input: { schoolId: school.schoolId, userId: approver.userId, roles: [] },
      });
      expect(await rolesOf(approver.email)).toBeUndefined();
      expect((await as(approver)).actor).toMatchObject({ memberships: [] });
    });

    it('of somebody who is no member, or of another school, do not exist', async () => {
      const other = await makeSchool(database);
      const change = (userId: string) =>
        changeSchoolRoles({ ctx: administrator, input: { schoolId: school.schoolId, userId, roles: ['signatory'] } });
      await expect(change(other.people.approver.userId)).rejects.toMatchObject({ code: 'not-found' });
      await expect(change((await makePerson(database)).userId)).rejects.toMatchObject({ code: 'not-found' });
    });

    it('leave a school its last administrator, also when two go at the same moment', async () => {
      const { schoolId } = school;
      const first = school.people['school-administrator'];
      await expect(
        leaveOrganisation({ ctx: administrator, input: { organisationId: schoolId } }),
      ).rejects.toMatchObject({
        code: 'last-administrator',
      });
      await giveRole(database, school.people.approver, 'school-administrator', schoolId);
      const second = await as(school.people.approver);
      const both = await Promise.allSettled([
        leaveOrganisation({ ctx: administrator, input: { organisationId: schoolId } }),
        leaveOrganisation({ ctx: second, input: { organisationId: schoolId } }),
      ]);
      expect(both.map((result) => result.status).toSorted()).toEqual(['fulfilled', 'rejected']);
      const left = await database.admin`
        select count(*)::int as n from membership where organisation_id = ${schoolId} and role = 'school-administrator' and ended_at is null`;
      expect(left[0]?.n).toBe(1);
      expect(first.userId).not.toBe('');
    });

    it('leave an agent its last administrator', async () => {
      const ctx = await as(agent.administrator);
      const input = { agentId: agent.agentId, userId: agent.administrator.userId, roles: ['agent' as const] };
      await expect(changeAgentRoles({ ctx, input })).rejects.toMatchObject({ code: 'last-administrator' });
    });

    it('can be given up by whoever holds them', async () => {
      const { signatory } = school.people;
      await leaveOrganisation({ ctx: await as(signatory), input: { organisationId: school.schoolId } });
      expect(await rolesOf(signatory.email)).toBeUndefined();
      await expect(
        leaveOrganisation({ ctx: await as(signatory), input: { organisationId: school.schoolId } }),
      ).rejects.toMatchObject({ code: 'not-found' });
    });

    it("and their changes stand in the school's audit trail with who did it", async () => {
      const email = newAddress();
      await invite(email);
      await accept(await tokenFor(email));
      const rows = await database.admin`
        select action, actor_name from audit_entry where school_id = ${school.schoolId} order by seq`;
      expect(rows.map((row) => [row.action, row.actor_name])).toEqual([
        ['people.invited', 'Sanne Schooladmin'],
        ['people.joined', null],
      ]);
    });
  });
});

describe('the first operator', () => {
  let database: TestDatabase;
  let clock: ReturnType<typeof fixedClock>;
  let start: Context;
  let anonymous: Context;
  beforeAll(async () => {
    database = await createTestDatabase();
    clock = fixedClock(testNow);
    start = await systemContext(database, { clock });
    anonymous = await nobody(database, { clock });
  });
  afterAll(() => database.drop());

  const baseUrl = 'http://localhost:3000';
  const printed = async () => (await ensureFirstOperator(start, { email: null, baseUrl })) ?? '';
  const tokenOf = (url: string) => url.split('/').at(-1) ?? '';

  it('is mailed once to OPERATOR_EMAIL, or gets a printed link that the next start replaces; then there is no way in', async () => {
    const email = 'olga@marketplace.example';
    expect(await ensureFirstOperator(start, { email, baseUrl })).toBeNull();
    expect(await ensureFirstOperator(start, { email, baseUrl })).toBeNull();
    expect((await orderedMails(database, start)).filter((mail) => mail.to === email)).toHaveLength(1);

    const [first, second] = [await printed(), await printed()];
    expect(second).toMatch(/^http:\/\/localhost:3000\/invitation\/[\w-]{43}$/);
    expect((await viewInvitation({ ctx: anonymous, input: { token: tokenOf(first) } })).state).toBe('withdrawn');
    const account = { name: 'Olga', password: 'vijf paarse fietsen' };
    const token = tokenOf(second);
    await expect(acceptInvitation({ ctx: anonymous, input: { token, account } })).rejects.toMatchObject({
      code: 'invalid-input',
      details: { fields: ['account.email'] },
    });
    await acceptInvitation({ ctx: anonymous, input: { token, account: { ...account, email } } });
    expect(await printed()).toBe('');
    expect(await ensureFirstOperator(start, { email, baseUrl })).toBeNull();

    const rows = await database.admin`select id as "userId", name, email from app_user`;
    const [row] = rows;
    const olga = { userId: String(row?.userId), name: String(row?.name), email: String(row?.email) };
    const ctx = await contextFor(database, olga, { clock });
    expect(ctx.actor).toMatchObject({ memberships: [{ role: 'operator' }] });
    await expect(endOperatorMembership({ ctx, input: { userId: olga.userId } })).rejects.toMatchObject({
      code: 'last-administrator',
    });
    await inviteOperator({ ctx, input: { email: 'otto@marketplace.example', name: 'Otto' } });
    const invited = await tokenInLastMail(database, anonymous, 'otto@marketplace.example');
    await acceptInvitation({ ctx: anonymous, input: { token: invited, account: { ...account, name: 'Otto' } } });
    await endOperatorMembership({ ctx, input: { userId: olga.userId } });
    expect((await contextFor(database, olga, { clock })).actor).toMatchObject({ memberships: [] });
  });

  it('of two processes that start at once, one prints a link that works', async () => {
    await database.admin`update membership set ended_at = now()`;
    const links = await Promise.all([printed(), printed()]);
    const states = await Promise.all(
      links.map(async (url) => (await viewInvitation({ ctx: anonymous, input: { token: tokenOf(url) } })).state),
    );
    expect(states.toSorted()).toEqual(['open', 'withdrawn']);
    const bodies = await database.admin`select count(*)::int as n from organisation where kind = 'operator'`;
    expect(bodies[0]?.n).toBe(1);
  });
});
