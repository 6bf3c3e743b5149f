import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import {
  contextFor,
  jobContext,
  makeAgent,
  makeAgreement,
  makeOperator,
  makeSchool,
  type TestAgent,
  type TestOperator,
  type TestSchool,
} from '#server/testing/actors.ts';
import { answerMove } from './answer-move.ts';
import { giveNotice } from './give-notice.ts';
import { processAgreementDates } from './process-agreement-dates.ts';
import { proposeMove } from './propose-move.ts';

const code = (value: string) => expect.objectContaining({ code: value });

describe('an agreement on its way to its end', () => {
  let database: TestDatabase;
  let agent: TestAgent;
  let operator: TestOperator;
  beforeAll(async () => {
    database = await createTestDatabase();
    agent = await makeAgent(database);
    operator = await makeOperator(database);
  });
  afterAll(() => database.drop());

  /** A school in Amsterdam whose agreement is in force until 31 July 2028. */
  const schoolWithAgreement = async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const agreementId = await makeAgreement(database, school, { agentId: agent.agentId });
    await database.admin`update agreement set ends_on = term_end where id = ${agreementId}`;
    return { school, agreementId };
  };
  const on = async (school: TestSchool, moment: string) =>
    processAgreementDates({
      ctx: await jobContext(database, 'agreement-dates', { clock: fixedClock(moment) }),
      input: { schoolId: school.schoolId },
    });
  const due = async (moment: string) =>
    z
      .array(z.object({ school_id: z.string() }))
      .parse(await database.admin`select school_id from across.schools_with_agreements_due(${moment})`)
      .map((row) => row.school_id);
  const row = async (id: string) => {
    const [found] = await database.admin`select * from agreement where id = ${id}`;
    return z.looseObject({ state: z.string() }).parse(found);
  };
  const mails = async (template: string, school: TestSchool) =>
    z
      .array(z.object({ n: z.coerce.number() }))
      .parse(
        await database.admin`select count(*) as n from mail where template = ${template} and school_id = ${school.schoolId}`,
      )[0]?.n;

  it('reminds both sides at 90, 30 and 7 days, once each', async () => {
    const { school } = await schoolWithAgreement();
    expect(await due('2028-04-30T12:00:00Z')).not.toContain(school.schoolId);
    for (const moment of [
      '2028-05-02T12:00:00Z',
      '2028-05-03T12:00:00Z',
      '2028-07-02T12:00:00Z',
      '2028-07-25T12:00:00Z',
      '2028-07-30T12:00:00Z',
    ]) {
      expect(await due(moment).then((ids) => ids.includes(school.schoolId))).toBe(
        ['2028-05-02T12:00:00Z', '2028-07-02T12:00:00Z', '2028-07-25T12:00:00Z'].includes(moment),
      );
      await on(school, moment);
      await on(school, moment);
    }
    // Signatory and administrator, three times.
    expect(await mails('agreement-ends-soon', school)).toBe(6);
  });

  it("ends after its last day in the school's time zone, with a receipt, and its grace ends later", async () => {
    const { school, agreementId } = await schoolWithAgreement();
    expect(await on(school, '2028-07-31T21:59:00Z')).toMatchObject({ ended: 0 });
    expect(await due('2028-07-31T22:01:00Z')).toContain(school.schoolId);
    expect(await on(school, '2028-07-31T22:01:00Z')).toMatchObject({ ended: 1 });
    expect(await row(agreementId)).toMatchObject({ state: 'ended', grace_ended_at: null });
    const receipts = await database.admin`select kind, reason, facts from receipt where school_id = ${school.schoolId}`;
    expect(receipts).toMatchObject([
      {
        kind: 'agreement-ended',
        reason: 'term-over',
        facts: { endsOn: '2028-07-31', graceEndsOn: '2028-08-30', connections: 0 },
      },
    ]);
    expect(await on(school, '2028-08-30T12:00:00Z')).toMatchObject({ ended: 0, graceEnded: 0 });
    expect(await on(school, '2028-08-31T12:00:00Z')).toMatchObject({ graceEnded: 1 });
    expect(await on(school, '2028-09-01T12:00:00Z')).toEqual({ ended: 0, started: 0, graceEnded: 0, reminded: 0 });
    expect(await mails('agreement-ended', school)).toBe(2);
    expect(await due('2028-09-01T12:00:00Z')).not.toContain(school.schoolId);
  });

  it('ends once when two jobs come at the same moment', async () => {
    const { school } = await schoolWithAgreement();
    const results = await Promise.all([1, 2, 3].map(() => on(school, '2028-08-01T12:00:00Z')));
    expect(results.map((result) => result.ended).toSorted()).toEqual([0, 0, 1]);
    const receipts = await database.admin`select 1 from receipt where school_id = ${school.schoolId}`;
    expect(receipts).toHaveLength(1);
  });

  it('gives way to the renewal that waits for it, on the same night', async () => {
    const { school, agreementId } = await schoolWithAgreement();
    const renewal = await makeAgreement(database, school, { agentId: agent.agentId, state: 'signed' });
    await database.admin`update agreement set term_start = '2028-08-01', term_end = '2029-07-31', sent_at = now(), countersigned_at = now() where id = ${renewal}`;
    expect(await on(school, '2028-07-31T12:00:00Z')).toMatchObject({ started: 0 });
    expect(await on(school, '2028-08-01T00:30:00+02:00')).toMatchObject({ ended: 1, started: 1 });
    expect([await row(agreementId), await row(renewal)].map(({ state }) => state)).toEqual(['ended', 'in-force']);
  });

  it('ends earlier by notice of either side, with a reason, on a day between today and the agreed end', async () => {
    for (const side of ['school', 'agent', 'operator'] as const) {
      const { school, agreementId } = await schoolWithAgreement();
      const person = { school: school.people.signatory, agent: agent.administrator, operator: operator.operator }[side];
      const ctx = await contextFor(database, person);
      const input = {
        schoolId: school.schoolId,
        agreementId,
        ...(side === 'agent' ? { agentId: agent.agentId } : {}),
        endsOn: '2026-06-30',
        reason: 'We change our mind',
      };
      await expect(giveNotice({ ctx, input: { ...input, endsOn: '2026-03-01' } })).rejects.toThrow(
        code('invalid-input'),
      );
      await expect(giveNotice({ ctx, input: { ...input, endsOn: '2028-08-01' } })).rejects.toThrow(
        code('invalid-input'),
      );
      await expect(giveNotice({ ctx, input: { ...input, reason: '' } })).rejects.toThrow(code('invalid-input'));
      await giveNotice({ ctx, input });
      await expect(giveNotice({ ctx, input })).rejects.toThrow(code('agreement-notice-already-given'));
      expect(await row(agreementId)).toMatchObject({ state: 'notice-given', notice_by: side });
      expect(await on(school, '2026-06-30T12:00:00Z')).toMatchObject({ ended: 0 });
      expect(await on(school, '2026-07-01T12:00:00Z')).toMatchObject({ ended: 1 });
      const receipts = await database.admin`select reason from receipt where school_id = ${school.schoolId}`;
      expect(receipts).toEqual([{ reason: `notice-by-${side}` }]);
    }
  });

  it('is noticed by nobody else: not by an agent without administration, an approver or another agent', async () => {
    const { school, agreementId } = await schoolWithAgreement();
    const other = await makeAgent(database);
    const input = { schoolId: school.schoolId, agreementId, endsOn: '2026-06-30', reason: 'no' };
    const tries = [
      { ctx: await contextFor(database, agent.agent), input: { ...input, agentId: agent.agentId } },
      { ctx: await contextFor(database, school.people.approver), input },
      { ctx: await contextFor(database, other.administrator), input: { ...input, agentId: other.agentId } },
    ];
    for (const attempt of tries) await expect(giveNotice(attempt)).rejects.toThrow(code('forbidden'));
  });

  it("moves to another agent with the school's consent, recorded, and touches nothing else", async () => {
    const { school, agreementId } = await schoolWithAgreement();
    const other = await makeAgent(database);
    const operatorContext = await contextFor(database, operator.operator);
    const key = { schoolId: school.schoolId, agreementId };
    const before = await row(agreementId);
    const propose = { ...key, toAgentId: other.agentId, reason: 'The region changed hands' };
    const { moveId } = await proposeMove({ ctx: operatorContext, input: propose });
    await expect(proposeMove({ ctx: operatorContext, input: propose })).rejects.toThrow(code('duplicate'));
    expect(await row(agreementId)).toEqual(before);
    const signatory = await contextFor(database, school.people.signatory);
    const answer = { ...key, moveId, answer: 'consented' as const };
    await expect(
      answerMove({ ctx: await contextFor(database, school.people['school-administrator']), input: answer }),
    ).rejects.toThrow(code('forbidden'));
    await answerMove({ ctx: signatory, input: answer });
    await expect(answerMove({ ctx: signatory, input: answer })).rejects.toThrow(code('already-decided'));
    expect(await row(agreementId)).toEqual({ ...before, agent_id: other.agentId });
    const [move] = await database.admin`select * from agreement_move where id = ${moveId}`;
    expect(move).toMatchObject({
      answer: 'consented',
      answered_by: school.people.signatory.userId,
      answered_name: school.people.signatory.name,
      from_agent_id: agent.agentId,
    });
    const known =
      await database.admin`select 1 from prospect where agent_id = ${other.agentId} and school_id = ${school.schoolId}`;
    expect(known).toHaveLength(1);
  });

  it('stays where it is when the school refuses the move', async () => {
    const { school, agreementId } = await schoolWithAgreement();
    const other = await makeAgent(database);
    const key = { schoolId: school.schoolId, agreementId };
    const { moveId } = await proposeMove({
      ctx: await contextFor(database, operator.operator),
      input: { ...key, toAgentId: other.agentId, reason: 'x' },
    });
    await answerMove({
      ctx: await contextFor(database, school.people.signatory),
      input: { ...key, moveId, answer: 'refused' },
    });
    expect(await row(agreementId)).toMatchObject({ agent_id: agent.agentId });
  });
});
