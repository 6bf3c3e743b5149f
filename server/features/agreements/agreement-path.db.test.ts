import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { acceptInvitation } from '#server/features/people/accept-invitation.ts';
import { addSchool } from '#server/features/schools/add-school.ts';
import { reviewTrust } from '#server/features/schools/review-trust.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { openJson } from '#server/kernel/sealed.ts';
import {
  contextFor,
  makeAgent,
  makeAgreement,
  makeOperator,
  makePerson,
  makeSchool,
  nobody,
  type TestAgent,
  type TestOperator,
  testNow,
} from '#server/testing/actors.ts';
import { answerPaperSignature } from './answer-paper-signature.ts';
import { countersignAgreement } from './countersign-agreement.ts';
import { declineAgreement } from './decline-agreement.ts';
import { drawUpAgreement } from './draw-up-agreement.ts';
import { enterPaperSignature } from './enter-paper-signature.ts';
import { reviseAgreement } from './revise-agreement.ts';
import { sendAgreementAgain } from './send-again.ts';
import { sendAgreement } from './send-agreement.ts';
import { signAgreement } from './sign-agreement.ts';
import { withdrawAgreement } from './withdraw-agreement.ts';

const code = (value: string) => expect.objectContaining({ code: value });
const pdf = Buffer.from('%PDF-1.7\nscan\n%%EOF\n').toString('base64');

describe('an agreement from the pipeline to in force', () => {
  let database: TestDatabase;
  let agent: TestAgent;
  let operator: TestOperator;
  let templateId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    agent = await makeAgent(database);
    operator = await makeOperator(database);
    templateId = newId();
    await database.admin`
      insert into agreement_template (id, agent_id, name, body, data_processing_terms)
      values (${templateId}, null, 'Standard', 'Between {{school}} and {{marketplace}}, until {{term_end}}.', 'No data of people.')`;
  });
  afterAll(() => database.drop());

  const inAgent = () => contextFor(database, agent.agent);
  const inOperator = () => contextFor(database, operator.operator);

  const terms = (more: object = {}) => ({
    templateId,
    termStart: '2026-03-01',
    termEnd: '2027-07-31',
    products: 'all' as const,
    priceNote: '€ 2 per pupil',
    signatoryName: 'Rita Rector',
    signatoryEmail: 'rita@lindenhof.example',
    ...more,
  });
  let number = 0;
  const details = (more: object = {}) => {
    number += 1;
    return {
      name: 'Lindenhof Schools',
      register: 'BRIN' as const,
      registerNumber: `0${number}ab`,
      country: 'NL',
      timeZone: 'Europe/Amsterdam',
      ...more,
    };
  };

  const rowOf = async (id: string) => {
    const [row] = await database.admin`select * from agreement where id = ${id}`;
    return z
      .looseObject({
        state: z.string(),
        text_hash: z.string().nullable(),
        body: z.string(),
        data_processing_terms: z.string(),
      })
      .parse(row);
  };
  const hashOf = async (id: string) => (await rowOf(id)).text_hash ?? '';

  /** The link in the last mail of a template to an address. */
  const linkIn = async (ctx: Context, template: string, email: string) => {
    const [row] = z
      .array(z.object({ id: z.string(), school_id: z.string().nullable(), sealed_parameters: z.unknown() }))
      .parse(
        await database.admin`select id, school_id, sealed_parameters from mail where template = ${template} and to_address = ${email} order by created_at desc, id desc limit 1`,
      );
    if (row === undefined) throw new Error(`no mail ${template}`);
    const where = { table: 'mail', column: 'sealed_parameters', schoolId: row.school_id, rowId: row.id, origin: null };
    return openJson(ctx.keyring, row.sealed_parameters, where, z.looseObject({ url: z.string() })).url;
  };
  const mailsOf = async (template: string, schoolId: string | null) =>
    z
      .array(z.object({ to_address: z.string() }))
      .parse(
        await database.admin`select to_address from mail where template = ${template} and school_id is not distinct from ${schoolId}`,
      )
      .map((mail) => mail.to_address);

  const drawUpFor = async (schoolId: string, more: object = {}) => {
    const { agreementId } = await drawUpAgreement({
      ctx: await inAgent(),
      input: { agentId: agent.agentId, schoolId, ...terms(more) },
    });
    return { agentId: agent.agentId, schoolId, agreementId };
  };
  const sendTo = async (schoolId: string, more: object = {}) => {
    const key = await drawUpFor(schoolId, more);
    await sendAgreement({ ctx: await inAgent(), input: key });
    return key;
  };

  it('goes from nothing to in force: added, drawn up, sent, signed by the invited signatory, reviewed, countersigned', async () => {
    const { schoolId } = await addSchool({ ctx: await inAgent(), input: { agentId: agent.agentId, ...details() } });
    const key = await sendTo(schoolId);
    const anonymous = await nobody(database);
    const token = (await linkIn(anonymous, 'invitation', 'rita@lindenhof.example')).split('/').at(-1) ?? '';
    await acceptInvitation({
      ctx: anonymous,
      input: { token, account: { name: 'Rita Rector', password: 'a long enough passphrase 7' } },
    });
    const [user] = z
      .array(z.object({ id: z.string() }))
      .parse(await database.admin`select id from app_user where email = 'rita@lindenhof.example'`);
    const rita = { userId: user?.id ?? '', name: 'Rita Rector', email: 'rita@lindenhof.example' };
    const row = await rowOf(key.agreementId);
    expect(row.body).toContain('Between Lindenhof Schools and The marketplace, until 2027-07-31.');
    expect(createHash('sha256').update(`${row.body}\n\n${row.data_processing_terms}\n`).digest('hex')).toBe(
      row.text_hash,
    );
    const textHash = row.text_hash ?? '';
    await signAgreement({
      ctx: await contextFor(database, rita),
      input: { schoolId, agreementId: key.agreementId, textHash, name: 'Rita Rector' },
    });
    const countersign = { schoolId, agreementId: key.agreementId, textHash };
    await expect(countersignAgreement({ ctx: await inOperator(), input: countersign })).rejects.toThrow(
      code('school-not-trusted'),
    );
    expect(await mailsOf('school-to-review', null)).toEqual([operator.operator.email]);
    await expect(
      reviewTrust({ ctx: await inOperator(), input: { schoolId, decision: 'trust', userIds: [] } }),
    ).rejects.toThrow(code('changed-meanwhile'));
    await reviewTrust({ ctx: await inOperator(), input: { schoolId, decision: 'trust', userIds: [rita.userId] } });
    expect(await countersignAgreement({ ctx: await inOperator(), input: countersign })).toEqual({ state: 'in-force' });
    expect(await rowOf(key.agreementId)).toMatchObject({
      state: 'in-force',
      signed_by: rita.userId,
      signed_name: 'Rita Rector',
      signed_hash: textHash,
      countersigned_by: operator.operator.userId,
      ends_on: new Date('2027-07-31T00:00:00.000Z'),
    });
    const trail = z
      .array(z.object({ action: z.string() }))
      .parse(await database.admin`select action from audit_entry where school_id = ${schoolId} order by seq`);
    expect(trail.map((entry) => entry.action)).toEqual([
      'people.invited',
      'agreements.sent',
      'people.joined',
      'schools.review-wanted',
      'agreements.signed',
      'schools.trusted',
      'agreements.countersigned',
      'agreements.in-force',
    ]);
  });

  it('is not signed where the text is not the one that was shown', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const key = await sendTo(school.schoolId);
    const ctx = await contextFor(database, school.people.signatory);
    const input = { schoolId: school.schoolId, agreementId: key.agreementId, name: 'Simon' };
    await expect(signAgreement({ ctx, input: { ...input, textHash: '0'.repeat(64) } })).rejects.toThrow(
      code('changed-meanwhile'),
    );
    // Whoever changes the row behind everybody's back, as the superuser, is found out too.
    const textHash = await hashOf(key.agreementId);
    await database.admin`alter table agreement disable trigger agreement_text`;
    await database.admin`update agreement set body = body || ' And a house.' where id = ${key.agreementId}`;
    await database.admin`alter table agreement enable trigger agreement_text`;
    await expect(signAgreement({ ctx, input: { ...input, textHash } })).rejects.toThrow(code('changed-meanwhile'));
  });

  it('keeps its text once it is sent, in the verbs and in the database', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const key = await sendTo(school.schoolId);
    await expect(
      reviseAgreement({ ctx: await inAgent(), input: { ...key, ...terms({ priceNote: 'free' }) } }),
    ).rejects.toThrow(code('agreement-already-sent'));
    await expect(
      database.web.withSchool(school.schoolId, async (tx) => {
        await tx.execute(`update agreement set price_note = 'free' where id = '${key.agreementId}'`);
      }),
    ).rejects.toMatchObject({ cause: { code: 'CW007' } });
  });

  it('is a draft that nobody but its agent sees, until it is sent', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const key = await drawUpFor(school.schoolId);
    const signatory = await contextFor(database, school.people.signatory);
    const input = { schoolId: school.schoolId, agreementId: key.agreementId };
    await expect(declineAgreement({ ctx: signatory, input: { ...input, reason: 'no' } })).rejects.toThrow(
      code('not-found'),
    );
    const other = await makeAgent(database);
    await database.admin`insert into prospect (id, agent_id, school_id, name, register, register_number, country, time_zone, sites, contacts, created_by)
      values (${newId()}, ${other.agentId}, ${school.schoolId}, 'x', 'BRIN', 'other', 'NL', 'Europe/Amsterdam', '[]', '[]', ${other.agent.userId})`;
    await expect(
      withdrawAgreement({ ctx: await contextFor(database, other.agent), input: { ...input, agentId: other.agentId } }),
    ).rejects.toThrow(code('not-found'));
  });

  it('reaches the signatories of a school that is aboard, whatever address the agent typed', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const before = await mailsOf('invitation', school.schoolId);
    await sendTo(school.schoolId, { signatoryEmail: 'somebody@elsewhere.example' });
    expect(await mailsOf('agreement-to-sign', school.schoolId)).toEqual([school.people.signatory.email]);
    expect(await mailsOf('invitation', school.schoolId)).toEqual(before);
  });

  it('is sent again to a corrected address, the earlier invitation withdrawn, but not at once', async () => {
    const { schoolId } = await addSchool({ ctx: await inAgent(), input: { agentId: agent.agentId, ...details() } });
    const key = await sendTo(schoolId, { signatoryEmail: 'tpyo@again.example' });
    const clock = fixedClock(testNow);
    const ctx = await contextFor(database, agent.agent, { clock });
    const input = { ...key, signatoryName: 'Rita', signatoryEmail: 'typo@again.example' };
    await sendAgreementAgain({ ctx, input });
    await expect(sendAgreementAgain({ ctx, input })).rejects.toThrow(code('rate-limited'));
    clock.advance(11 * 60_000);
    await sendAgreementAgain({ ctx, input });
    const open = async () =>
      (
        await database.admin`
          select email from single_use_link where school_id = ${schoolId} and withdrawn_at is null and used_at is null`
      ).map((link) => link.email);
    expect(await open()).toEqual(['typo@again.example']);
    await withdrawAgreement({ ctx, input: key });
    expect(await open()).toEqual([]);
    clock.advance(11 * 60_000);
    await expect(sendAgreementAgain({ ctx, input })).rejects.toThrow(code('agreement-withdrawn'));
  });

  it('refuses an address of the agent as signatory: its domain, below it, and its people', async () => {
    const { schoolId } = await addSchool({ ctx: await inAgent(), input: { agentId: agent.agentId, ...details() } });
    const domain = agent.agent.email.split('@')[1];
    await makePerson(database, { email: 'private@mail.example' }).then(async (person) => {
      await database.admin`insert into membership (id, organisation_id, user_id, role) values (${newId()}, ${agent.agentId}, ${person.userId}, 'agent')`;
    });
    for (const signatoryEmail of [`Somebody@${domain?.toUpperCase()}`, `x@mail.${domain}`, 'private@mail.example']) {
      await expect(drawUpFor(schoolId, { signatoryEmail }), signatoryEmail).rejects.toThrow(
        code('conflict-of-interest'),
      );
    }
  });

  it('is declined with a reason that the agent reads, and then stays declined', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const key = await sendTo(school.schoolId);
    const ctx = await contextFor(database, school.people.signatory);
    const input = { schoolId: school.schoolId, agreementId: key.agreementId };
    await expect(declineAgreement({ ctx, input: { ...input, reason: '  ' } })).rejects.toThrow(code('invalid-input'));
    await declineAgreement({ ctx, input: { ...input, reason: 'Too dear' } });
    expect(await rowOf(key.agreementId)).toMatchObject({
      state: 'declined',
      declined_by: 'school',
      declined_reason: 'Too dear',
    });
    await expect(
      signAgreement({ ctx, input: { ...input, name: 'S', textHash: await hashOf(key.agreementId) } }),
    ).rejects.toThrow(code('agreement-declined'));
    await expect(withdrawAgreement({ ctx: await inAgent(), input: key })).rejects.toThrow(code('agreement-declined'));
  });

  it('signed on paper counts once the school has confirmed the scan', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const key = await sendTo(school.schoolId);
    const paper = {
      ...key,
      scan: { fileName: 'scan.pdf', base64: pdf },
      signatoryName: 'Rita Rector',
      signedOn: '2026-03-02',
    };
    const agentContext = await inAgent();
    await expect(
      enterPaperSignature({ ctx: agentContext, input: { ...paper, signedOn: '2026-03-03' } }),
    ).rejects.toThrow(code('invalid-input'));
    await expect(
      enterPaperSignature({
        ctx: agentContext,
        input: { ...paper, scan: { fileName: 'a.pdf', base64: Buffer.from('<html>').toString('base64') } },
      }),
    ).rejects.toThrow(code('file-refused'));
    const { documentId } = await enterPaperSignature({ ctx: agentContext, input: paper });
    const signatory = await contextFor(database, school.people.signatory);
    const textHash = await hashOf(key.agreementId);
    const input = { schoolId: school.schoolId, agreementId: key.agreementId, textHash };
    await expect(signAgreement({ ctx: signatory, input: { ...input, name: 'S' } })).rejects.toThrow(
      code('agreement-paper-waits'),
    );
    await expect(countersignAgreement({ ctx: await inOperator(), input })).rejects.toThrow(
      code('agreement-not-signed'),
    );
    await answerPaperSignature({ ctx: signatory, input: { ...input, scanDocumentId: documentId, answer: 'refuse' } });
    expect(await rowOf(key.agreementId)).toMatchObject({ state: 'sent', scan_document_id: null, signed_name: null });
    const again = await enterPaperSignature({ ctx: agentContext, input: paper });
    await expect(
      answerPaperSignature({ ctx: signatory, input: { ...input, scanDocumentId: documentId, answer: 'confirm' } }),
    ).rejects.toThrow(code('changed-meanwhile'));
    await answerPaperSignature({
      ctx: signatory,
      input: { ...input, scanDocumentId: again.documentId, answer: 'confirm' },
    });
    expect(await rowOf(key.agreementId)).toMatchObject({
      state: 'signed',
      signed_name: 'Rita Rector',
      paper_entered_by: agent.agent.userId,
      paper_confirmed_by: school.people.signatory.userId,
    });
    expect(await countersignAgreement({ ctx: await inOperator(), input })).toEqual({ state: 'in-force' });
  });

  it("is countersigned by an agent administrator with the operator's mandate only", async () => {
    const sign = async (own: TestAgent) => {
      const school = await makeSchool(database, { agentId: own.agentId });
      const agreementId = await makeAgreement(database, school, { agentId: own.agentId, state: 'draft' });
      await database.admin`update agreement set signatory_name = 'S', signatory_email = ${school.people.signatory.email} where id = ${agreementId}`;
      const key = { agentId: own.agentId, schoolId: school.schoolId, agreementId };
      await sendAgreement({ ctx: await contextFor(database, own.agent), input: key });
      const textHash = await hashOf(agreementId);
      await signAgreement({
        ctx: await contextFor(database, school.people.signatory),
        input: { schoolId: school.schoolId, agreementId, textHash, name: 'Simon' },
      });
      return { ...key, textHash };
    };
    const mandated = await makeAgent(database, { mayCountersign: true });
    const key = await sign(mandated);
    await expect(countersignAgreement({ ctx: await contextFor(database, mandated.agent), input: key })).rejects.toThrow(
      code('forbidden'),
    );
    expect(await countersignAgreement({ ctx: await contextFor(database, mandated.administrator), input: key })).toEqual(
      { state: 'in-force' },
    );
    const without = await sign(agent);
    await expect(
      countersignAgreement({ ctx: await contextFor(database, agent.administrator), input: without }),
    ).rejects.toThrow(code('countersign-not-mandated'));
    await database.admin`update school set trust = 'in-review' where id = ${without.schoolId}`;
    await expect(countersignAgreement({ ctx: await inOperator(), input: without })).rejects.toThrow(
      code('school-not-trusted'),
    );
  });

  it("is the only one of its agent in force, in the verb and in the database, beside other agents' ones", async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    await makeAgreement(database, school, { agentId: agent.agentId });
    await makeAgreement(database, school, { agentId: (await makeAgent(database)).agentId });
    await makeAgreement(database, school, { agentId: null });
    await expect(makeAgreement(database, school, { agentId: agent.agentId })).rejects.toMatchObject({ code: '23505' });
    const key = await sendTo(school.schoolId);
    const textHash = await hashOf(key.agreementId);
    const input = { schoolId: school.schoolId, agreementId: key.agreementId, textHash };
    await signAgreement({
      ctx: await contextFor(database, school.people.signatory),
      input: { ...input, name: 'Simon' },
    });
    await expect(countersignAgreement({ ctx: await inOperator(), input })).rejects.toThrow(code('agreement-overlaps'));
  });

  it('is signed and countersigned once where two do it at the same moment', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const key = await sendTo(school.schoolId);
    const input = { schoolId: school.schoolId, agreementId: key.agreementId, textHash: await hashOf(key.agreementId) };
    const ctx = await contextFor(database, school.people.signatory);
    const codes = async (attempts: Promise<unknown>[]) =>
      (await Promise.allSettled(attempts)).map((result) =>
        result.status === 'fulfilled' ? 'done' : z.object({ code: z.string() }).parse(result.reason).code,
      );
    const sign = () => signAgreement({ ctx, input: { ...input, name: 'Simon' } });
    expect((await codes([sign(), sign(), sign()])).toSorted()).toEqual([
      'agreement-already-signed',
      'agreement-already-signed',
      'done',
    ]);
    const operatorContext = await inOperator();
    const countersign = () => countersignAgreement({ ctx: operatorContext, input });
    expect((await codes([countersign(), countersign()])).toSorted()).toEqual(['agreement-already-in-force', 'done']);
  });

  it("cannot be sent to a school to which one of the agent's people belongs", async () => {
    const school = await makeSchool(database);
    await database.admin`insert into membership (id, organisation_id, school_id, user_id, role) values (${newId()}, ${school.schoolId}, ${school.schoolId}, ${agent.administrator.userId}, 'approver')`;
    await database.admin`update school set register_number = '30XY' where id = ${school.schoolId}`;
    const added = await addSchool({
      ctx: await inAgent(),
      input: { agentId: agent.agentId, ...details({ registerNumber: '30 xy' }) },
    });
    await expect(sendTo(added.schoolId)).rejects.toThrow(code('conflict-of-interest'));
  });

  it('is refused once its term is over, at every step', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const key = await sendTo(school.schoolId, { termEnd: '2026-04-30' });
    const late = fixedClock('2026-05-01T09:00:00Z');
    const input = { schoolId: school.schoolId, agreementId: key.agreementId, textHash: await hashOf(key.agreementId) };
    await expect(
      signAgreement({
        ctx: await contextFor(database, school.people.signatory, { clock: late }),
        input: { ...input, name: 'S' },
      }),
    ).rejects.toThrow(code('agreement-term-over'));
    expect(testNow < '2026-05-01').toBe(true);
  });
});
