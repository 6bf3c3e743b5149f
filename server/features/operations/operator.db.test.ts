import { strFromU8, unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { exportAgreements } from '#server/features/agreements/export-agreements.ts';
import { installStandardTemplate } from '#server/features/agreements/install-standard-template.ts';
import { listAgreements } from '#server/features/agreements/list-agreements.ts';
import { listTemplates } from '#server/features/agreements/list-templates.ts';
import { listToCountersign } from '#server/features/agreements/list-to-countersign.ts';
import { saveTemplate } from '#server/features/agreements/save-template.ts';
import { viewAgreement } from '#server/features/agreements/view-agreement.ts';
import { createAgent } from '#server/features/organisations/create-agent.ts';
import { decideAgent, editAgent } from '#server/features/organisations/edit-agent.ts';
import { listAgents } from '#server/features/organisations/list-agents.ts';
import {
  contextFor,
  makeAgent,
  makeAgreement,
  makeOperator,
  makeSchool,
  systemContext,
  type TestAgent,
  type TestOperator,
} from '#server/testing/actors.ts';
import { auditTrail, verifyAuditTrail } from './audit-trail.ts';
import { connectionHealth } from './connection-health.ts';
import { operatorOverview } from './overview.ts';

const code = (value: string) => expect.objectContaining({ code: value });

describe('the operator', () => {
  let database: TestDatabase;
  let operator: TestOperator;
  let agent: TestAgent;
  beforeAll(async () => {
    // Signed heads of another database would not be this chain's.
    vi.stubEnv('AUDIT_HEADS_FILE', '/nonexistent/audit-heads.jsonl');
    database = await createTestDatabase();
    operator = await makeOperator(database);
    agent = await makeAgent(database);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await database.drop();
  });
  const ctx = () => contextFor(database, operator.operator);
  const details = {
    name: 'Boeken & Zo',
    country: 'NL',
    emailDomains: ['https://www.Boeken.example/over-ons'],
    mayCountersign: true,
  };

  it('takes an agent on with its mail domains, and invites its first administrator', async () => {
    const { agentId } = await createAgent({
      ctx: await ctx(),
      input: { ...details, administrator: { name: 'Bo', email: 'bo@boeken.example' } },
    });
    const agents = await listAgents({ ctx: await ctx(), input: {} });
    expect(agents.find((row) => row.agentId === agentId)).toMatchObject({
      emailDomains: ['boeken.example'],
      mayCountersign: true,
      members: 0,
      schools: 0,
    });
    expect(
      await database.admin`select 1 from mail where template = 'invitation' and to_address = 'bo@boeken.example'`,
    ).toHaveLength(1);
    for (const domain of ['gmail.com', 'no domain', 'localhost']) {
      await expect(
        editAgent({ ctx: await ctx(), input: { agentId, ...details, emailDomains: [domain] } }),
      ).rejects.toThrow(code('invalid-input'));
    }
  });

  it('suspends an agent: its people have no rights there until it is resumed, each once', async () => {
    const own = await makeAgent(database);
    const decide = async (decision: 'suspend' | 'resume' | 'review') =>
      decideAgent({ ctx: await ctx(), input: { agentId: own.agentId, decision } });
    await expect(decide('review')).rejects.toThrow(code('already-decided'));
    await decide('suspend');
    await expect(decide('suspend')).rejects.toThrow(code('already-decided'));
    expect((await contextFor(database, own.agent)).actor).toMatchObject({ memberships: [] });
    await decide('resume');
    expect((await contextFor(database, own.agent)).actor).toMatchObject({ memberships: [{ role: 'agent' }] });
  });

  it('has a standard agreement from the first start, and keeps every version of a template', async () => {
    const system = await systemContext(database);
    const first = await installStandardTemplate({ ctx: system, input: {} });
    expect(await installStandardTemplate({ ctx: system, input: {} })).toEqual(first);
    const before = await listTemplates({ ctx: await ctx(), input: {} });
    expect(before).toMatchObject([{ standard: true, version: 1, body: expect.stringContaining('{{school}}') }]);
    const text = { name: 'Standard', body: 'Between {{school}} and us', dataProcessingTerms: 'None', standard: true };
    await expect(saveTemplate({ ctx: await ctx(), input: { ...text, body: '{{shool}}' } })).rejects.toThrow(
      code('placeholder-unknown'),
    );
    const second = await saveTemplate({ ctx: await ctx(), input: { ...text, templateId: first.templateId } });
    await expect(saveTemplate({ ctx: await ctx(), input: { ...text, templateId: first.templateId } })).rejects.toThrow(
      code('changed-meanwhile'),
    );
    expect(await listTemplates({ ctx: await ctx(), input: {} })).toMatchObject([
      { id: second.templateId, version: 2, standard: true },
    ]);
    expect(
      await database.admin`select 1 from agreement_template where id = ${first.templateId} and retired_at is not null`,
    ).toHaveLength(1);
  });

  it("lets an agent see its own templates and the operator's, never another agent's", async () => {
    const other = await makeAgent(database);
    const save = async (own: TestAgent) =>
      saveTemplate({
        ctx: await contextFor(database, own.administrator),
        input: { agentId: own.agentId, name: own.agentId, body: 'x', dataProcessingTerms: 'y', standard: true },
      });
    await save(agent);
    await save(other);
    const seen = await listTemplates({
      ctx: await contextFor(database, agent.agent),
      input: { agentId: agent.agentId },
    });
    expect(seen.filter((row) => row.own).map((row) => row.name)).toEqual([agent.agentId]);
    expect(seen.filter((row) => !row.ofOperator)).toHaveLength(1);
    // An agent's template never becomes the standard one.
    expect(seen.find((row) => row.own)).toMatchObject({ standard: false });
  });

  it('sees what waits, in counts, and what to countersign', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId, trust: 'in-review' });
    const agreementId = await makeAgreement(database, school, { agentId: agent.agentId, state: 'signed' });
    expect(await operatorOverview({ ctx: await ctx(), input: {} })).toMatchObject({
      inReview: 1,
      toCountersign: 1,
      failing: 0,
    });
    expect(await listToCountersign({ ctx: await ctx(), input: {} })).toMatchObject([
      { agreementId, schoolName: school.name, trust: 'in-review' },
    ]);
    expect(await connectionHealth({ ctx: await ctx(), input: {} })).toEqual([]);
    const seen = await viewAgreement({ ctx: await ctx(), input: { schoolId: school.schoolId, agreementId } });
    expect(seen).toMatchObject({ state: 'signed', turn: 'operator', trust: 'in-review', reader: { as: 'operator' } });
  });

  it('reads his own trail and of a school only whether it is sound, with the first bad row by number', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const signatory = await contextFor(database, school.people.signatory);
    for (let at = 0; at < 3; at += 1) await exportAgreements({ ctx: signatory, input: { schoolId: school.schoolId } });
    const verify = async () => verifyAuditTrail({ ctx: await ctx(), input: { schoolId: school.schoolId } });
    expect(await verify()).toMatchObject({ ok: true, entries: 3 });
    const { entries } = await auditTrail({ ctx: await ctx(), input: {} });
    expect(entries.length).toBeGreaterThan(3);
    expect(entries.every((entry) => entry.action !== 'agreements.exported')).toBe(true);
    expect(await verifyAuditTrail({ ctx: await ctx(), input: {} })).toMatchObject({ ok: true });
    await database.admin`alter table audit_entry disable trigger user`;
    await database.admin`update audit_entry set actor_name = 'Somebody else' where school_id = ${school.schoolId} and seq = 2`;
    expect(await verify()).toMatchObject({ ok: false, firstBad: { seq: 2, what: 'altered' } });
  });

  it('lets a school take its agreements along: texts, tables that no spreadsheet computes, receipts', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const agreementId = await makeAgreement(database, school, { agentId: agent.agentId });
    await makeAgreement(database, school, { agentId: agent.agentId, state: 'draft' });
    await database.admin`update agreement set signed_name = '=cmd|calc', declined_reason = '@x' where id = ${agreementId}`;
    const { base64 } = await exportAgreements({
      ctx: await contextFor(database, school.people.signatory),
      input: { schoolId: school.schoolId },
    });
    const files = unzipSync(Buffer.from(base64, 'base64'));
    expect(Object.keys(files).toSorted()).toEqual([
      'agreements.csv',
      'agreements.json',
      'receipts.csv',
      `texts/${agreementId}.txt`,
    ]);
    const csv = strFromU8(files['agreements.csv'] ?? new Uint8Array());
    expect(csv).toContain(",'=cmd|calc,");
    expect(csv.split('\r\n')).toHaveLength(3);
    const { agreements } = JSON.parse(strFromU8(files['agreements.json'] ?? new Uint8Array()));
    expect(agreements).toMatchObject([{ id: agreementId, signed_name: '=cmd|calc' }]);
    await expect(
      exportAgreements({
        ctx: await contextFor(database, school.people.approver),
        input: { schoolId: school.schoolId },
      }),
    ).rejects.toThrow(code('forbidden'));
  });

  it('shows a school what was sent to it, and an agent its own alone', async () => {
    const school = await makeSchool(database, { agentId: agent.agentId });
    const other = await makeAgent(database);
    const [mine, draft, theirs] = [
      await makeAgreement(database, school, { agentId: agent.agentId }),
      await makeAgreement(database, school, { agentId: agent.agentId, state: 'draft' }),
      await makeAgreement(database, school, { agentId: other.agentId, state: 'sent' }),
    ];
    const asSchool = await listAgreements({
      ctx: await contextFor(database, school.people.approver),
      input: { schoolId: school.schoolId },
    });
    expect(asSchool.agreements.map(({ id }) => id).toSorted()).toEqual([mine, theirs].toSorted());
    const asAgent = await listAgreements({
      ctx: await contextFor(database, agent.agent),
      input: { schoolId: school.schoolId, agentId: agent.agentId },
    });
    expect(asAgent).toMatchObject({ trust: null, receipts: [] });
    expect(asAgent.agreements.map(({ id }) => id).toSorted()).toEqual([mine, draft].toSorted());
    await expect(
      viewAgreement({
        ctx: await contextFor(database, agent.agent),
        input: { schoolId: school.schoolId, agentId: agent.agentId, agreementId: theirs },
      }),
    ).rejects.toThrow(code('not-found'));
  });
});
