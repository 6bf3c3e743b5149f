import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { drawUpAgreement } from '#server/features/agreements/draw-up-agreement.ts';
import { sendAgreement } from '#server/features/agreements/send-agreement.ts';
import { takeStandardAgreement } from '#server/features/agreements/take-standard-agreement.ts';
import { acceptInvitation } from '#server/features/people/accept-invitation.ts';
import { newId } from '#server/kernel/ids.ts';
import { openJson } from '#server/kernel/sealed.ts';
import {
  contextFor,
  giveRole,
  makeAgent,
  makeAgreement,
  makeOperator,
  makePerson,
  makeSchool,
  nobody,
  type TestAgent,
  type TestOperator,
} from '#server/testing/actors.ts';
import { addSchool } from './add-school.ts';
import { archiveSchoolOfAgent } from './archive-school-of-agent.ts';
import { checkRegisterNumber } from './check-register-number.ts';
import { confirmRegistration, viewRegistration } from './confirm-registration.ts';
import { editSchoolOfAgent } from './edit-school-of-agent.ts';
import { importRegister } from './import-register.ts';
import { importSchools } from './import-schools.ts';
import { listPipeline } from './list-pipeline.ts';
import { listSchools } from './list-schools.ts';
import { previewSchoolList } from './preview-school-list.ts';
import { registerSchool } from './register-school.ts';
import { reviewTrust } from './review-trust.ts';
import { setRegisterDomain } from './set-register-domain.ts';
import { viewSchoolForReview } from './view-school-for-review.ts';
import { viewSchoolOfAgent } from './view-school-of-agent.ts';

const code = (value: string) => expect.objectContaining({ code: value });
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('schools', () => {
  let database: TestDatabase;
  let agent: TestAgent;
  let rival: TestAgent;
  let operator: TestOperator;
  let templateId: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    agent = await makeAgent(database);
    rival = await makeAgent(database);
    operator = await makeOperator(database);
    templateId = newId();
    await database.admin`
      insert into agreement_template (id, agent_id, name, body, data_processing_terms, standard_since)
      values (${templateId}, null, 'Standard', 'Between {{school}} and {{marketplace}}.', 'Terms', now())`;
  });
  afterAll(() => database.drop());

  let number = 0;
  const details = (more: object = {}) => {
    number += 1;
    return {
      name: `School ${number}`,
      register: 'BRIN' as const,
      registerNumber: `7${number}aa`,
      country: 'NL',
      timeZone: 'Europe/Amsterdam',
      ...more,
    };
  };
  const as = (own: TestAgent) => contextFor(database, own.agent);
  const add = async (own: TestAgent, more: object = {}) =>
    addSchool({ ctx: await as(own), input: { agentId: own.agentId, ...details(more) } });
  const trustOf = async (schoolId: string) =>
    z
      .array(z.object({ trust: z.string(), trust_ground: z.string().nullable() }))
      .parse(await database.admin`select trust, trust_ground from school where id = ${schoolId}`)[0];

  const lastToken = async (template: string, email: string) => {
    const [row] = z
      .array(z.object({ id: z.string(), school_id: z.string().nullable(), sealed_parameters: z.unknown() }))
      .parse(
        await database.admin`select id, school_id, sealed_parameters from mail where template = ${template} and to_address = ${email} order by id desc limit 1`,
      );
    if (row === undefined) return null;
    const where = { table: 'mail', column: 'sealed_parameters', schoolId: row.school_id, rowId: row.id, origin: null };
    const { keyring } = await nobody(database);
    return (
      openJson(keyring, row.sealed_parameters, where, z.looseObject({ url: z.string() }))
        .url.split('/')
        .at(-1) ?? null
    );
  };
  const accept = async (token: string, name: string) =>
    acceptInvitation({
      ctx: await nobody(database),
      input: { token, account: { name, password: 'a long enough passphrase 7' } },
    });
  const send = async (own: TestAgent, schoolId: string, signatoryEmail: string) => {
    const ctx = await as(own);
    const terms = {
      templateId,
      termStart: '2026-03-01',
      termEnd: '2027-07-31',
      products: 'all' as const,
      signatoryName: 'Rita',
      signatoryEmail,
    };
    const { agreementId } = await drawUpAgreement({ ctx, input: { agentId: own.agentId, schoolId, ...terms } });
    await sendAgreement({ ctx, input: { agentId: own.agentId, schoolId, agreementId } });
    return agreementId;
  };

  it("teach a second agent nothing: the same answer, his own words, no state of the other's", async () => {
    const first = await add(agent, { registerNumber: '99zz', name: 'Lindenhof' });
    const school = await makeSchool(database, { agentId: agent.agentId });
    await makeAgreement(database, school, { agentId: agent.agentId });
    await database.admin`update school set register_number = '98ZZ' where id = ${school.schoolId}`;
    const ctx = await as(rival);
    for (const [registerNumber, schoolId] of [
      ['99ZZ', first.schoolId],
      [' 98 zz', school.schoolId],
    ] as const) {
      expect(
        await checkRegisterNumber({ ctx, input: { agentId: rival.agentId, register: 'BRIN', registerNumber } }),
      ).toBeNull();
      const added = await add(rival, { registerNumber, name: 'As the rival calls it' });
      expect(added).toEqual({ prospectId: expect.any(String), schoolId, restored: false });
      const seen = await viewSchoolOfAgent({ ctx, input: { agentId: rival.agentId, schoolId } });
      expect(seen).toMatchObject({ name: 'As the rival calls it', sites: [], contacts: [] });
    }
    const fresh = await add(rival, { registerNumber: '97ZZ' });
    const pipeline = await listPipeline({ ctx, input: { agentId: rival.agentId } });
    const facts = (schoolId: string) => {
      const {
        schoolId: _id,
        name: _name,
        registerNumber: _number,
        lastChange: _at,
        ...rest
      } = pipeline.find((row) => row.schoolId === schoolId) ?? {
        schoolId,
        name: '',
        registerNumber: '',
        lastChange: null,
      };
      return rest;
    };
    // The school that lives under another agent looks exactly like the one that is new.
    expect(facts(school.schoolId)).toEqual(facts(fresh.schoolId));
    // Nor does the id's own time tell: it is drawn at random.
    expect(parseInt(fresh.schoolId.replaceAll('-', '').slice(0, 12), 16)).toBeLessThan(
      Date.parse('2026-03-02T09:00:00Z'),
    );
  });

  it('are one tenant when two agents add them at the same moment', async () => {
    const same = details({ registerNumber: '55SA' });
    const added = await Promise.all(
      [agent, rival].map(async (own) => addSchool({ ctx: await as(own), input: { agentId: own.agentId, ...same } })),
    );
    expect(new Set(added.map((one) => one.schoolId)).size).toBe(1);
  });

  it("warn of an agent's own double, and come back from the archive", async () => {
    const { schoolId } = await add(agent, { registerNumber: '60DB' });
    const ctx = await as(agent);
    const check = { agentId: agent.agentId, register: 'BRIN' as const, registerNumber: '60 db' };
    expect(await checkRegisterNumber({ ctx, input: check })).toMatchObject({ schoolId, archived: false });
    await expect(add(agent, { registerNumber: '60db' })).rejects.toThrow(
      expect.objectContaining({ code: 'duplicate', details: { fields: ['registerNumber'], schoolId } }),
    );
    await archiveSchoolOfAgent({ ctx, input: { agentId: agent.agentId, schoolId } });
    await expect(viewSchoolOfAgent({ ctx, input: { agentId: agent.agentId, schoolId } })).rejects.toThrow(
      code('forbidden'),
    );
    expect(await add(agent, { registerNumber: '60db' })).toMatchObject({ schoolId, restored: true });
  });

  it('cannot be archived while an agreement is out', async () => {
    const { schoolId } = await add(agent);
    await send(agent, schoolId, 'rita@archived.example');
    await expect(
      archiveSchoolOfAgent({ ctx: await as(agent), input: { agentId: agent.agentId, schoolId } }),
    ).rejects.toThrow(code('state-forbids'));
  });

  it("take an agent's corrections until somebody else knows them, and the agent's own row always", async () => {
    const { schoolId } = await add(agent, { registerNumber: '61ED' });
    const change = (name: string) => ({
      agentId: agent.agentId,
      schoolId,
      name,
      country: 'BE',
      timeZone: 'Europe/Brussels',
      sites: [{ name: 'Noord' }],
      contacts: [],
      note: '',
    });
    const tenant = async () =>
      z
        .array(z.object({ name: z.string() }))
        .parse(await database.admin`select name from school where id = ${schoolId}`)[0]?.name;
    await editSchoolOfAgent({ ctx: await as(agent), input: change('Corrected') });
    expect(await tenant()).toBe('Corrected');
    await add(rival, { registerNumber: '61ED' });
    await editSchoolOfAgent({ ctx: await as(agent), input: change('Once more') });
    expect(await tenant()).toBe('Corrected');
    expect(
      await viewSchoolOfAgent({ ctx: await as(agent), input: { agentId: agent.agentId, schoolId } }),
    ).toMatchObject({ name: 'Once more', sites: [{ name: 'Noord' }] });
  });

  it("are added by nobody for an agent that is not reviewed, or for somebody else's", async () => {
    const fresh = await makeAgent(database);
    await database.admin`update organisation set reviewed_at = null where id = ${fresh.agentId}`;
    await expect(add(fresh)).rejects.toThrow(code('organisation-not-reviewed'));
    await expect(addSchool({ ctx: await as(agent), input: { agentId: rival.agentId, ...details() } })).rejects.toThrow(
      code('forbidden'),
    );
    await expect(
      addSchool({
        ctx: await as(agent),
        input: { agentId: agent.agentId, ...details({ country: 'XX', timeZone: '+01:00' }) },
      }),
    ).rejects.toThrow(expect.objectContaining({ code: 'invalid-input', details: { fields: ['country', 'timeZone'] } }));
  });

  it('are imported from a list: the good rows once, whatever formulas stand in them', async () => {
    const file = base64(
      [
        'name;register;register_number;country;time_zone',
        '=1+1;BRIN;80AA;NL;Europe/Amsterdam',
        'B;BRIN;80AB;NL;Europe/Amsterdam',
        'C;BRIN;80AC;Nederland;Europe/Amsterdam',
      ].join('\n'),
    );
    const ctx = await as(agent);
    const input = { agentId: agent.agentId, file };
    expect(await previewSchoolList({ ctx, input })).toMatchObject({
      rows: [
        { line: 2, known: false },
        { line: 3, known: false },
      ],
      errors: [{ line: 4, column: 'country', problem: 'unknown-country' }],
    });
    expect(await importSchools({ ctx, input })).toEqual({ added: 2, known: 0, leftOut: 1 });
    expect(await importSchools({ ctx, input })).toEqual({ added: 0, known: 2, leftOut: 1 });
    const rows = await listPipeline({ ctx, input: { agentId: agent.agentId } });
    expect(rows.filter((row) => row.registerNumber === '80AA')).toMatchObject([{ name: '=1+1', stage: 'prospect' }]);
  });

  it('are trusted when the confirmed address lies in the domain that the register gives', async () => {
    await importRegister({
      ctx: await contextFor(database, operator.operator),
      input: {
        register: 'BRIN',
        file: base64('number,name,domain\n81TR,Lindenhof,www.lindenhof.example\n82TR,Public,gmail.com\n,broken,x\n'),
      },
    });
    for (const [registerNumber, email, trust] of [
      ['81tr', 'rector@lindenhof.example', 'trusted'],
      ['82tr', 'rector@gmail.com', 'in-review'],
    ] as const) {
      const { schoolId } = await add(agent, { registerNumber });
      await send(agent, schoolId, email);
      await accept((await lastToken('invitation', email)) ?? '', 'Rita');
      expect((await trustOf(schoolId))?.trust, email).toBe(trust);
    }
  });

  it('are not trusted below that domain, beside it, or when one of several people stands outside it', async () => {
    for (const email of ['x@mail.elm.example', 'x@elm.example.evil.example', 'x@notelm.example']) {
      const { schoolId } = await add(agent);
      await database.admin`update school set register_domain = 'elm.example' where id = ${schoolId}`;
      await send(agent, schoolId, email);
      await accept((await lastToken('invitation', email)) ?? '', 'X');
      expect((await trustOf(schoolId))?.trust, email).toBe('in-review');
    }
    const school = await makeSchool(database, { trust: 'in-review' });
    await setRegisterDomain({
      ctx: await contextFor(database, operator.operator),
      input: { schoolId: school.schoolId, domain: school.people.signatory.email.split('@')[1] ?? '' },
    });
    expect(await trustOf(school.schoolId)).toEqual({ trust: 'trusted', trust_ground: 'register-domain' });
    const mixed = await makeSchool(database, { trust: 'in-review' });
    await giveRole(
      database,
      await makePerson(database, { email: 'foreign@elsewhere.example' }),
      'approver',
      mixed.schoolId,
    );
    await setRegisterDomain({
      ctx: await contextFor(database, operator.operator),
      input: { schoolId: mixed.schoolId, domain: mixed.people.signatory.email.split('@')[1] ?? '' },
    });
    expect((await trustOf(mixed.schoolId))?.trust).toBe('in-review');
  });

  it('refuse people whom the operator refuses: roles end, what they signed is declined, others may come', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId, trust: 'in-review' });
    const agreementId = await makeAgreement(database, school, { agentId: agent.agentId, state: 'signed' });
    const ctx = await contextFor(database, operator.operator);
    const userIds = Object.values(school.people).map((person) => person.userId);
    const input = { schoolId: school.schoolId, decision: 'refuse' as const, userIds };
    await expect(reviewTrust({ ctx, input })).rejects.toThrow(code('invalid-input'));
    await expect(reviewTrust({ ctx, input: { ...input, userIds: userIds.slice(1), note: 'x' } })).rejects.toThrow(
      code('changed-meanwhile'),
    );
    await reviewTrust({ ctx, input: { ...input, note: 'The school does not know them' } });
    expect((await trustOf(school.schoolId))?.trust).toBe('refused');
    expect((await contextFor(database, school.people.approver)).actor).toMatchObject({ memberships: [] });
    const [row] = await database.admin`select state, declined_by from agreement where id = ${agreementId}`;
    expect(row).toEqual({ state: 'declined', declined_by: 'operator' });
    await send(agent, school.schoolId, 'real@refused.example');
    await accept((await lastToken('invitation', 'real@refused.example')) ?? '', 'Real');
    expect((await trustOf(school.schoolId))?.trust).toBe('in-review');
  });

  it('are shown to the operator with what he checks: domain, inviter, agents, doubles', async () => {
    const { schoolId } = await add(agent, { registerNumber: '83RV' });
    await add(rival, { registerNumber: '83RV' });
    await send(agent, schoolId, 'rector@oak.example');
    await accept((await lastToken('invitation', 'rector@oak.example')) ?? '', 'Rita');
    const seen = await viewSchoolForReview({ ctx: await contextFor(database, operator.operator), input: { schoolId } });
    expect(seen.members).toMatchObject([
      {
        email: 'rector@oak.example',
        domain: 'oak.example',
        domainMatches: false,
        agentsAddress: false,
        invitedBy: { kind: 'agent' },
      },
    ]);
    expect(seen.agents.map(({ id }) => id).toSorted()).toEqual([agent.agentId, rival.agentId].toSorted());
    const listed = await listSchools({
      ctx: await contextFor(database, operator.operator),
      input: { trust: 'in-review', search: '83rv' },
    });
    expect(listed.rows).toMatchObject([{ schoolId, members: 1, agents: 2 }]);
  });

  it("arrive by themselves: mail, confirmation once, unverified, the operator's standard agreement", async () => {
    const anonymous = await nobody(database);
    const { name, ...identity } = details({ registerNumber: '84RG' });
    const input = { ...identity, name, personName: 'Rob Rector', email: 'rob@alone.example' };
    expect(await registerSchool({ ctx: anonymous, input })).toEqual({ sent: true });
    const token = (await lastToken('school-registration', 'rob@alone.example')) ?? '';
    expect(await viewRegistration({ ctx: anonymous, input: { token } })).toMatchObject({ schoolName: name });
    const schools = () => database.admin`select id from school where register_number = '84RG'`;
    expect(await schools()).toHaveLength(0);
    const { invitationToken } = await confirmRegistration({ ctx: anonymous, input: { token } });
    await expect(confirmRegistration({ ctx: anonymous, input: { token } })).rejects.toThrow(code('link-unusable'));
    await accept(invitationToken, 'Rob Rector');
    const [school] = z.array(z.object({ id: z.string() })).parse(await schools());
    const schoolId = school?.id ?? '';
    expect((await trustOf(schoolId))?.trust).toBe('in-review');
    const [user] = z
      .array(z.object({ id: z.string() }))
      .parse(await database.admin`select id from app_user where email = 'rob@alone.example'`);
    const ctx = await contextFor(database, { userId: user?.id ?? '', name: 'Rob Rector', email: 'rob@alone.example' });
    const { agreementId } = await takeStandardAgreement({ ctx, input: { schoolId } });
    await expect(takeStandardAgreement({ ctx, input: { schoolId } })).rejects.toThrow(code('duplicate'));
    const [row] = await database.admin`select state, agent_id, body from agreement where id = ${agreementId}`;
    expect(row).toMatchObject({
      state: 'sent',
      agent_id: null,
      body: expect.stringContaining(`Between ${name} and The marketplace.`),
    });
  });

  it('that register under a number where people are aboard get a tenant of their own and learn nothing', async () => {
    const school = await makeSchool(database);
    await database.admin`update school set register_number = '85DB' where id = ${school.schoolId}`;
    const anonymous = await nobody(database);
    const input = { ...details({ registerNumber: '85DB' }), personName: 'Mallory', email: 'mallory@double.example' };
    await registerSchool({ ctx: anonymous, input });
    const { invitationToken } = await confirmRegistration({
      ctx: anonymous,
      input: { token: (await lastToken('school-registration', input.email)) ?? '' },
    });
    await accept(invitationToken, 'Mallory');
    const tenants = z
      .array(z.object({ id: z.string(), trust: z.string() }))
      .parse(await database.admin`select id, trust from school where register_number = '85DB' order by trust`);
    expect(tenants.map(({ trust }) => trust)).toEqual(['in-review', 'trusted']);
    const mallorys = tenants[0]?.id ?? '';
    const seen = await viewSchoolForReview({
      ctx: await contextFor(database, operator.operator),
      input: { schoolId: mallorys },
    });
    expect(seen.doubles).toMatchObject([{ id: school.schoolId, trust: 'trusted' }]);
    // Even the right domain does not make the second one the school.
    await setRegisterDomain({
      ctx: await contextFor(database, operator.operator),
      input: { schoolId: mallorys, domain: 'double.example' },
    });
    expect((await trustOf(mallorys))?.trust).toBe('in-review');
  });

  it("register with no more than three mails to one address, and none to an agent's", async () => {
    const anonymous = await nobody(database);
    const mails = async (email: string) =>
      (await database.admin`select 1 from mail where to_address = ${email}`).length;
    for (let at = 0; at < 5; at += 1) {
      await registerSchool({ ctx: anonymous, input: { ...details(), personName: 'V', email: 'victim@quiet.example' } });
    }
    expect(await mails('victim@quiet.example')).toBe(3);
    expect(
      await registerSchool({ ctx: anonymous, input: { ...details(), personName: 'A', email: agent.agent.email } }),
    ).toEqual({ sent: true });
    expect(await mails(agent.agent.email)).toBe(0);
  });
});
