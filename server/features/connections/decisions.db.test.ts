import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import { confirmAddress, enterAddress } from '#server/features/systems/enter-address.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { runWork } from '#server/kernel/verb.ts';
import {
  contextFor,
  giveRole,
  makeAgent,
  makeAgreement,
  makePerson,
  makeSchool,
  testNow,
} from '#server/testing/actors.ts';
import { approveRequest } from './approve-request.ts';
import { decisionPage } from './decision-page.ts';
import { declineRequest } from './decline-request.ts';
import { draftRequest } from './draft-request.ts';
import { enterCredential } from './enter-credential.ts';
import { previewRequest } from './preview-request.ts';
import { reviseRequest } from './revise-request.ts';
import { sendRequest } from './send-request.ts';
import { tendConnections } from './tend-connections.ts';
import {
  addSis,
  approve,
  askFor,
  edge,
  goLive,
  mailsTo,
  makeScene,
  marketplaceScopes,
  type Scene,
  sisEntry,
} from './testing/school-with-sis.ts';
import { withdrawRequest } from './withdraw-request.ts';

const purpose = 'To offer each group its books';

describe('asking and deciding', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  const clock = fixedClock(testNow);
  beforeAll(async () => {
    database = await createTestDatabase();
    sis = await startSis({ schools: ['lindenhof'] });
  });
  afterAll(async () => {
    await sis.close();
    await database.drop();
  });

  const scene = () => makeScene(database, clock);
  const withSis = async () => {
    const made = await scene();
    return { made, systemId: await addSis(made, sisEntry(sis).settings) };
  };
  const looked = async (made: Scene, requestId: string) => {
    const ctx = await made.as('approver');
    const { schoolId } = made;
    const { fingerprint } = await decisionPage({ ctx, input: { schoolId, requestId } });
    return { ctx, input: { schoolId, requestId, fingerprint } };
  };

  describe('asking', () => {
    it('needs an agreement in force: in the verb', async () => {
      const agent = await makeAgent(database);
      const school = await makeSchool(database, { agentId: agent.agentId });
      await makeAgreement(database, school, { agentId: agent.agentId, state: 'signed' });
      const { schoolId } = school;
      const administrator = await contextFor(database, school.people['school-administrator'], { clock });
      const { systemId } = await addSystem({
        ctx: administrator,
        input: { schoolId, kind: 'sis', product: 'oneroster-1.2', name: 'SIS' },
      });
      const input = { schoolId, systemId, scopes: [...marketplaceScopes], purpose };
      await expect(draftRequest({ ctx: administrator, input })).rejects.toMatchObject({
        code: 'agreement-not-in-force',
      });
      await expect(
        draftRequest({
          ctx: await contextFor(database, agent.agent, { clock }),
          input: { ...input, agentId: agent.agentId },
        }),
      ).rejects.toMatchObject({ code: 'forbidden' });
    });

    it('needs an agreement in force: in the database, under the same code', async () => {
      const { made, systemId } = await withSis();
      const { schoolId } = made;
      const { agentId } = made.agent;
      const { requestId } = await draftRequest({
        ctx: await made.as('agent'),
        input: { schoolId, agentId, systemId, scopes: [...marketplaceScopes], purpose },
      });
      await database.admin`update agreement set state = 'ended' where id = ${made.agreementId}`;
      await expect(
        database.web.withSchool(schoolId, (tx) =>
          tx.execute(`update request set state = 'requested' where id = '${requestId}'`),
        ),
      ).rejects.toMatchObject({ cause: { code: 'CW001' } });
      const ctx = await made.as('agent-administrator');
      await expect(sendRequest({ ctx, input: { schoolId, agentId, requestId } })).rejects.toMatchObject({
        code: 'forbidden',
      });
    });

    it('never asks for people: not in the verb, not in the database', async () => {
      const { made, systemId } = await withSis();
      const { schoolId } = made;
      const { agentId } = made.agent;
      const ctx = await made.as('agent');
      const input = { schoolId, agentId, systemId, purpose };
      for (const scope of ['roster.students', 'roster.teachers', 'roster.classes', 'lms.courses'] as const) {
        await expect(draftRequest({ ctx, input: { ...input, scopes: [{ scope }] } })).rejects.toMatchObject({
          code: 'people-not-grantable',
        });
      }
      const { requestId } = await draftRequest({ ctx, input: { ...input, scopes: [...marketplaceScopes] } });
      await expect(
        database.web.withSchool(schoolId, (tx) =>
          tx.execute(
            `update request set scopes = '[{"scope": "roster.students", "required": true}]' where id = '${requestId}'`,
          ),
        ),
      ).rejects.toMatchObject({ cause: { code: 'CW004' } });
    });

    it('lets an agent draft, and only its administrator send to a SIS', async () => {
      const { made, systemId } = await withSis();
      const { schoolId } = made;
      const { agentId } = made.agent;
      const input = { schoolId, agentId, systemId, scopes: [...marketplaceScopes], purpose };
      const { requestId, connectionId } = await draftRequest({ ctx: await made.as('agent'), input });
      expect(await edge(made, connectionId)).toMatchObject({ state: 'draft', turn: 'agent-administrator' });
      const send = { schoolId, agentId, requestId };
      await expect(sendRequest({ ctx: await made.as('agent'), input: send })).rejects.toMatchObject({
        code: 'forbidden',
      });
      await sendRequest({ ctx: await made.as('agent-administrator'), input: send });
      await expect(sendRequest({ ctx: await made.as('agent-administrator'), input: send })).rejects.toMatchObject({
        code: 'state-forbids',
      });
      await expect(draftRequest({ ctx: await made.as('agent'), input })).rejects.toMatchObject({ code: 'duplicate' });
    });

    it('shows another agent of the school nothing of the first one’s request', async () => {
      const { made, systemId } = await withSis();
      const { requestId } = await askFor(made, systemId);
      const other = await makeAgent(database);
      await makeAgreement(database, made.school, { agentId: other.agentId });
      const ctx = await contextFor(database, other.administrator, { clock });
      await expect(
        withdrawRequest({ ctx, input: { schoolId: made.schoolId, agentId: other.agentId, requestId } }),
      ).rejects.toMatchObject({ code: 'not-found' });
    });

    it('is the turn of the technical contact first where nobody has entered an address', async () => {
      const made = await scene();
      const { schoolId } = made;
      const { agentId } = made.agent;
      const { systemId } = await addSystem({
        ctx: await made.as('agent'),
        input: { schoolId, agentId, kind: 'sis', product: 'oneroster-1.2', name: 'Registra' },
      });
      const { requestId, connectionId } = await askFor(made, systemId);
      expect(await edge(made, connectionId)).toMatchObject({ turn: 'technical-contact', cause: 'host-missing' });
      expect(await mailsTo(made, made.school.people['technical-contact'].email)).toEqual(['address-wanted']);
      expect(await mailsTo(made, made.school.people.approver.email)).toEqual([]);
      await expect(approveRequest(await looked(made, requestId))).rejects.toMatchObject({ code: 'host-missing' });
      await enterAddress({
        ctx: await made.as('technical-contact'),
        input: { schoolId, systemId, settings: sisEntry(sis).settings },
      });
      expect(await edge(made, connectionId)).toMatchObject({ turn: 'approver', cause: 'waits-for-decision' });
      expect(await mailsTo(made, made.school.people.approver.email)).toEqual(['request-arrived']);
      await approve(made, requestId);
      expect(await edge(made, connectionId)).toMatchObject({ state: 'approved' });
    });

    it('can be withdrawn, and asked again', async () => {
      const { made, systemId } = await withSis();
      const { requestId, connectionId } = await askFor(made, systemId);
      const { schoolId } = made;
      const { agentId } = made.agent;
      await withdrawRequest({ ctx: await made.as('agent'), input: { schoolId, agentId, requestId } });
      expect(await edge(made, connectionId)).toMatchObject({ state: 'withdrawn', turn: 'nobody' });
      await expect(approveRequest(await looked(made, requestId))).rejects.toMatchObject({ code: 'changed-meanwhile' });
      const again = await askFor(made, systemId);
      expect(again.connectionId).not.toBe(connectionId);
    });

    it('lapses after 30 days without an answer', async () => {
      const later = fixedClock(testNow);
      const made = await makeScene(database, later);
      const systemId = await addSis(made, sisEntry(sis).settings);
      const { connectionId } = await askFor(made, systemId);
      later.advance(29 * 86_400_000);
      expect(await tendConnections(await made.job(), made.schoolId)).toMatchObject({ lapsed: 0 });
      later.advance(86_400_000);
      expect(await tendConnections(await made.job(), made.schoolId)).toMatchObject({ lapsed: 1 });
      expect(await edge(made, connectionId)).toMatchObject({ state: 'lapsed', cause: 'unanswered' });
      expect(await mailsTo(made, made.agent.administrator.email)).toEqual(['request-unanswered']);
      expect(await tendConnections(await made.job(), made.schoolId)).toMatchObject({ lapsed: 0 });
    });
  });

  describe('deciding', () => {
    it('is impossible while the school is not trusted: in the verb and in the database', async () => {
      const { made, systemId } = await withSis();
      const { requestId } = await askFor(made, systemId);
      await database.admin`update school set trust = 'in-review' where id = ${made.schoolId}`;
      const decision = await looked(made, requestId);
      await expect(approveRequest(decision)).rejects.toMatchObject({ code: 'school-not-trusted' });
      await expect(
        database.web.withSchool(made.schoolId, (tx) =>
          tx.execute(`update request set state = 'approved' where id = '${requestId}'`),
        ),
      ).rejects.toMatchObject({ cause: { code: 'CW003' } });
      const page = await decisionPage({ ctx: decision.ctx, input: { schoolId: made.schoolId, requestId } });
      expect(page.blockedBy).toBe('school-not-trusted');
    });

    it('refuses what is no longer as it was shown', async () => {
      const { made, systemId } = await withSis();
      const { requestId } = await askFor(made, systemId);
      const { schoolId } = made;
      const { agentId } = made.agent;
      const decision = await looked(made, requestId);
      await reviseRequest({
        ctx: await made.as('agent-administrator'),
        input: { schoolId, agentId, requestId, scopes: [...marketplaceScopes], purpose: 'Something else altogether' },
      });
      await expect(approveRequest(decision)).rejects.toMatchObject({ code: 'changed-meanwhile' });
      await expect(
        declineRequest({ ...decision, input: { ...decision.input, reason: 'No thanks' } }),
      ).rejects.toMatchObject({ code: 'changed-meanwhile' });
      await expect(approveRequest(await looked(made, requestId))).resolves.toBeDefined();
    });

    it('sees a changed path as a change, and a changed host as another question', async () => {
      const { made, systemId } = await withSis();
      const { requestId, connectionId } = await askFor(made, systemId);
      const { schoolId } = made;
      const first = await looked(made, requestId);
      const ctx = await made.as('technical-contact');
      const provider = sis.school('lindenhof');
      const { settings } = sisEntry(sis);
      await enterAddress({ ctx, input: { schoolId, systemId, settings: { ...settings, baseUrl: provider.baseV1p1 } } });
      await expect(approveRequest(first)).rejects.toMatchObject({ code: 'changed-meanwhile' });
      const second = await looked(made, requestId);
      await enterAddress({
        ctx,
        input: {
          schoolId,
          systemId,
          settings: { ...settings, baseUrl: provider.baseV1p2.replace('127.0.0.1', 'localhost') },
        },
      });
      await expect(approveRequest(second)).rejects.toMatchObject({ code: 'changed-meanwhile' });
      expect(await edge(made, connectionId)).toMatchObject({
        state: 'draft',
        turn: 'agent-administrator',
        cause: 'host-changed-ask-again',
      });
      expect(await mailsTo(made, made.agent.administrator.email)).toEqual(['request-void']);
      const drafts = await database.admin<{ state: string }[]>`
        select state from request where connection_id = ${connectionId} order by created_at, id`;
      expect(drafts.map(({ state }) => state).toSorted()).toEqual(['draft', 'void']);
    });

    it('gives two who decide at once one decision', async () => {
      const { made, systemId } = await withSis();
      const { requestId, connectionId } = await askFor(made, systemId);
      const second = await makePerson(database);
      await giveRole(database, second, 'approver', made.schoolId);
      const decision = await looked(made, requestId);
      const other = { ...decision, ctx: await contextFor(database, second, { clock }) };
      const outcomes = await Promise.allSettled([approveRequest(decision), approveRequest(other)]);
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      const lost = outcomes.find((outcome) => outcome.status === 'rejected');
      expect(lost?.reason).toMatchObject({ code: 'already-decided' });
      const [counted] = await database.admin<{ grants: string; consents: string }[]>`
        select (select count(*) from "grant" where connection_id = ${connectionId}) as grants,
               (select count(*) from consent where connection_id = ${connectionId} and side = 'producer') as consents`;
      expect(counted).toMatchObject({ grants: '1', consents: '1' });
    });

    it('gives a yes and a no at once one decision', async () => {
      const { made, systemId } = await withSis();
      const { requestId } = await askFor(made, systemId);
      const decision = await looked(made, requestId);
      const outcomes = await Promise.allSettled([
        approveRequest(decision),
        declineRequest({ ...decision, input: { ...decision.input, reason: 'Not this year' } }),
      ]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toMatchObject({
        code: 'already-decided',
      });
    });

    it('never lets a yes and another address meet: the yes is for what was shown', async () => {
      for (const _ of [1, 2, 3, 4]) {
        const { made, systemId } = await withSis();
        const { requestId, connectionId } = await askFor(made, systemId);
        const { schoolId } = made;
        const { settings } = sisEntry(sis);
        const decision = await looked(made, requestId);
        const elsewhere = { ...settings, tokenUrl: settings.tokenUrl.replace('127.0.0.1', 'localhost') };
        const ctx = await made.as('technical-contact');
        const [yes, address] = await Promise.allSettled([
          approveRequest(decision),
          enterAddress({ ctx, input: { schoolId, systemId, settings: elsewhere } }),
        ]);
        expect(address.status).toBe('fulfilled');
        const [granted] = await database.admin<{ origins: string[] }[]>`
          select r.origins from "grant" g join request r on r.id = g.request_id where g.connection_id = ${connectionId}`;
        if (yes.status === 'rejected') {
          expect(yes.reason).toMatchObject({ code: 'changed-meanwhile' });
          expect(granted).toBeUndefined();
        } else {
          expect(granted?.origins).toEqual([`http://127.0.0.1:${sis.port}`]);
          expect(await edge(made, connectionId)).toMatchObject({ state: 'approved', cause: 'host-changed' });
        }
      }
    });

    it('is held by the database too: no live without grant and proof, no grant beyond the request', async () => {
      const { made, systemId } = await withSis();
      const { requestId, connectionId } = await askFor(made, systemId);
      const { schoolId } = made;
      const directly = (statement: string) => database.web.withSchool(schoolId, (tx) => tx.execute(statement));
      const toLive = `update connection set state = 'live' where id = '${connectionId}'`;
      await expect(directly(toLive)).rejects.toMatchObject({ cause: { code: 'CW005' } });
      const grantOf = (scopes: string) => `
        insert into "grant" (id, school_id, connection_id, request_id, scopes, sharing_rule, purpose, valid_from, valid_until, granted_by)
        values ('${newId()}', '${schoolId}', '${connectionId}', '${requestId}', '{${scopes}}', '{}', 'x', now(), '2030-01-01', '${made.school.people.approver.userId}')`;
      await expect(directly(grantOf('roster.subjects'))).rejects.toMatchObject({ cause: { code: 'CW005' } });
      await approve(made, requestId);
      await expect(directly(toLive)).rejects.toMatchObject({ cause: { code: 'CW006' } });
      await directly(`update "grant" set ended_at = now() where connection_id = '${connectionId}'`);
      await expect(directly(grantOf('roster.students'))).rejects.toMatchObject({ cause: { code: 'CW005' } });
    });

    it('names a refusal of the database by the same code as its own', async () => {
      const { made, systemId } = await withSis();
      const { requestId } = await askFor(made, systemId);
      const { schoolId } = made;
      await database.admin`update school set trust = 'refused' where id = ${schoolId}`;
      const refused = runWork(await made.job(), { schoolId }, (work) =>
        work.tx.execute(`update request set state = 'approved' where id = '${requestId}'`),
      );
      await expect(refused).rejects.toMatchObject({ name: 'CrosswalkError', code: 'school-not-trusted' });
    });

    it('leaves out sites and what is optional, and nothing that is required', async () => {
      const { made, systemId } = await withSis();
      const { requestId, connectionId } = await askFor(made, systemId);
      const [site] = made.school.siteIds;
      const decision = await looked(made, requestId);
      const without = { ...decision, input: { ...decision.input, withoutScopes: ['roster.groups' as const] } };
      await expect(approveRequest(without)).rejects.toMatchObject({ code: 'invalid-input' });
      const foreign = { ...decision, input: { ...decision.input, sites: [newId()] } };
      await expect(approveRequest(foreign)).rejects.toMatchObject({ code: 'invalid-input' });
      await approve(made, requestId, { sites: site === undefined ? [] : [site], withoutScopes: ['roster.streams'] });
      const grants =
        await database.admin`select scopes, sharing_rule, valid_until::text from "grant" where connection_id = ${connectionId}`;
      expect(grants).toMatchObject([
        {
          scopes: ['roster.subjects', 'roster.groups'],
          sharing_rule: { sites: [site], streams: [], subjects: [], groups: [] },
          valid_until: '2026-09-30',
        },
      ]);
    });

    it('holds an approver to his system and his site', async () => {
      const { made, systemId } = await withSis();
      const { requestId } = await askFor(made, systemId);
      const { schoolId } = made;
      const { systemId: another } = await addSystem({
        ctx: await made.as('school-administrator'),
        input: { schoolId, kind: 'sis', product: 'oneroster-1.1', name: 'Another' },
      });
      const [north, south] = made.school.siteIds;
      if (north === undefined || south === undefined) throw new Error('no sites');
      const ofSystem = await makePerson(database);
      await giveRole(database, ofSystem, 'approver', schoolId, { systemId: another });
      const ofSite = await makePerson(database);
      await giveRole(database, ofSite, 'approver', schoolId, { siteId: north });
      const decision = await looked(made, requestId);
      const foreign = { ...decision, ctx: await contextFor(database, ofSystem, { clock }) };
      await expect(approveRequest(foreign)).rejects.toMatchObject({ code: 'approver-limited' });
      const ctx = await contextFor(database, ofSite, { clock });
      const as = (sites: string[]) => approveRequest({ ctx, input: { ...decision.input, sites } });
      await expect(as([])).rejects.toMatchObject({ code: 'approver-limited' });
      await expect(as([north, south])).rejects.toMatchObject({ code: 'approver-limited' });
      const no = declineRequest({ ctx, input: { ...decision.input, reason: 'Not for the others' } });
      await expect(no).rejects.toMatchObject({ code: 'approver-limited' });
      await expect(as([north])).resolves.toBeDefined();
    });

    it('keeps both sides’ consent, and records one person who gives both twice', async () => {
      const { made, systemId } = await withSis();
      const { schoolId } = made;
      const both = await makePerson(database, { name: 'Bo Both' });
      await giveRole(database, both, 'school-administrator', schoolId);
      await giveRole(database, both, 'approver', schoolId);
      const ctx = await contextFor(database, both, { clock });
      const { requestId, connectionId } = await draftRequest({
        ctx,
        input: { schoolId, systemId, scopes: [...marketplaceScopes], purpose },
      });
      const { fingerprint } = await sendRequest({ ctx, input: { schoolId, requestId } });
      await approveRequest({ ctx, input: { schoolId, requestId, fingerprint } });
      const rows = await database.admin`
        select side, status, by_name, by_organisation_name, purpose, until::text from consent where connection_id = ${connectionId} order by side`;
      const common = { status: 'accepted', by_name: 'Bo Both', by_organisation_name: made.school.name, purpose };
      expect(rows).toMatchObject([
        { side: 'consumer', ...common, until: '2026-09-30' },
        { side: 'producer', ...common, until: '2026-09-30' },
      ]);
    });

    it('tells whoever asked of a no, with the reason', async () => {
      const { made, systemId } = await withSis();
      const { requestId, connectionId } = await askFor(made, systemId);
      const decision = await looked(made, requestId);
      await declineRequest({ ...decision, input: { ...decision.input, reason: 'We leave this SIS in summer' } });
      expect(await edge(made, connectionId)).toMatchObject({ state: 'declined', turn: 'nobody' });
      expect(await mailsTo(made, made.agent.administrator.email)).toEqual(['request-declined']);
      const rows = await database.admin`select decline_reason from request where id = ${requestId}`;
      expect(rows).toMatchObject([{ decline_reason: 'We leave this SIS in summer' }]);
    });

    it('needs the host confirmed by the school, which the approver can do with his decision', async () => {
      const made = await scene();
      const { schoolId } = made;
      const { agentId } = made.agent;
      const { systemId } = await addSystem({
        ctx: await made.as('agent'),
        input: {
          schoolId,
          agentId,
          kind: 'sis',
          product: 'oneroster-1.2',
          name: 'Registra',
          settings: sisEntry(sis).settings,
        },
      });
      const { requestId } = await askFor(made, systemId);
      const decision = await looked(made, requestId);
      await expect(approveRequest(decision)).rejects.toMatchObject({ code: 'host-not-confirmed' });
      const technical = await made.as('technical-contact');
      await expect(
        enterCredential({ ctx: technical, input: { schoolId, systemId, secret: sisEntry(sis).secret } }),
      ).rejects.toMatchObject({ code: 'host-not-confirmed' });
      await expect(
        confirmAddress({ ctx: technical, input: { schoolId, systemId, origins: ['https://elsewhere.example'] } }),
      ).rejects.toMatchObject({ code: 'changed-meanwhile' });
      const confirmedOrigins = [`http://127.0.0.1:${sis.port}`];
      await approveRequest({ ...decision, input: { ...decision.input, confirmedOrigins } });
      const rows = await database.admin`select host_confirmed_by from system where id = ${systemId}`;
      expect(rows).toMatchObject([{ host_confirmed_by: made.school.people.approver.userId }]);
    });

    it('previews counts and at most five records, keeps the counts alone, and shows them on the page', async () => {
      const { made, systemId } = await withSis();
      const { requestId } = await askFor(made, systemId);
      const { schoolId } = made;
      const ctx = await made.as('approver');
      const input = { schoolId, requestId };
      await expect(previewRequest({ ctx, input })).rejects.toMatchObject({ code: 'credential-not-proved' });
      await enterCredential({
        ctx: await made.as('technical-contact'),
        input: { schoolId, systemId, secret: sisEntry(sis).secret },
      });
      sis.log.clear();
      const seen = await previewRequest({ ctx, input });
      expect(seen.collections.map(({ collection }) => collection)).toEqual(['sites', 'terms', 'subjects', 'groups']);
      for (const { sample } of seen.collections) expect(sample.length).toBeLessThanOrEqual(5);
      expect(sis.requests('lindenhof').filter(({ path }) => /users|students|enrollments/.test(path))).toEqual([]);
      const [kept] = await database.admin<
        { text: string }[]
      >`select counts::text as text from preview where request_id = ${requestId}`;
      expect(kept?.text).not.toContain('name');
      const page = await decisionPage({ ctx, input });
      expect(page.scopes[0]).toMatchObject({ scope: 'roster.subjects', precision: 'exact' });
      expect(page.scopes[0]?.count).toBeGreaterThan(0);
      await expect(previewRequest({ ctx: await made.as('school-administrator'), input })).rejects.toMatchObject({
        code: 'forbidden',
      });
    });
  });

  describe('amending', () => {
    it('asks for more while the old grant stands, which the new one then replaces', async () => {
      const made = await scene();
      const entry = sisEntry(sis);
      const systemId = await addSis(made, entry.settings);
      const narrow = [{ scope: 'roster.subjects', required: true }] as const;
      const { schoolId } = made;
      const { agentId } = made.agent;
      const first = await draftRequest({
        ctx: await made.as('agent'),
        input: { schoolId, agentId, systemId, scopes: [...narrow], purpose },
      });
      await sendRequest({
        ctx: await made.as('agent-administrator'),
        input: { schoolId, agentId, requestId: first.requestId },
      });
      await approve(made, first.requestId);
      await enterCredential({
        ctx: await made.as('technical-contact'),
        input: { schoolId, systemId, secret: entry.secret },
      });
      const wider = await askFor(made, systemId);
      expect(wider).toMatchObject({ kind: 'amend', connectionId: first.connectionId });
      expect(await edge(made, first.connectionId)).toMatchObject({ state: 'connecting' });
      const live = () => database.admin<{ scopes: string[] }[]>`
        select scopes from "grant" where connection_id = ${first.connectionId} and ended_at is null`;
      expect((await live()).map(({ scopes }) => scopes)).toEqual([['roster.subjects']]);
      await approve(made, wider.requestId);
      expect((await live()).map(({ scopes }) => scopes)).toEqual([
        ['roster.subjects', 'roster.groups', 'roster.streams'],
      ]);
      // The credential was proved for less: it is tried for more before anything is read.
      expect(await edge(made, first.connectionId)).toMatchObject({
        cause: 'credential-needed',
        turn: 'technical-contact',
      });
    });

    it('stops reading at another host until the approver agrees to it', async () => {
      const made = await scene();
      const { systemId, connectionId, credentialId } = await goLive(made, sis);
      const { schoolId } = made;
      const { settings, secret } = sisEntry(sis);
      const local = {
        ...settings,
        baseUrl: settings.baseUrl.replace('127.0.0.1', 'localhost'),
        tokenUrl: settings.tokenUrl.replace('127.0.0.1', 'localhost'),
      };
      const technical = await made.as('technical-contact');
      await enterAddress({ ctx: technical, input: { schoolId, systemId, settings: local } });
      expect(await edge(made, connectionId)).toMatchObject({
        state: 'failing',
        turn: 'approver',
        cause: 'host-changed',
      });
      const gone = await database.admin`select state, sealed from credential where id = ${credentialId}`;
      expect(gone).toMatchObject([{ state: 'destroyed', sealed: null }]);
      await enterCredential({ ctx: technical, input: { schoolId, systemId, secret } });
      expect(await edge(made, connectionId)).toMatchObject({ state: 'failing', cause: 'host-changed' });
      const [waiting] = await database.admin<{ id: string }[]>`
        select id from request where connection_id = ${connectionId} and state = 'requested'`;
      await approve(made, waiting?.id ?? '');
      expect(await edge(made, connectionId)).toMatchObject({
        state: 'failing',
        cause: 'sync-follows',
        turn: 'crosswalk',
      });
    });

    it('brings the approved host back without a decision', async () => {
      const made = await scene();
      const { systemId, connectionId } = await goLive(made, sis);
      const { schoolId } = made;
      const { settings, secret } = sisEntry(sis);
      const local = { ...settings, tokenUrl: settings.tokenUrl.replace('127.0.0.1', 'localhost') };
      const technical = await made.as('technical-contact');
      await enterAddress({ ctx: technical, input: { schoolId, systemId, settings: local } });
      const [waiting] = await database.admin<{ id: string }[]>`
        select id from request where connection_id = ${connectionId} and state = 'requested'`;
      const decision = await looked(made, waiting?.id ?? '');
      await declineRequest({ ...decision, input: { ...decision.input, reason: 'That is not our host' } });
      expect(await edge(made, connectionId)).toMatchObject({ cause: 'host-not-accepted', turn: 'technical-contact' });
      await enterAddress({ ctx: technical, input: { schoolId, systemId, settings } });
      expect(await edge(made, connectionId)).toMatchObject({ cause: 'credential-needed' });
      await enterCredential({ ctx: technical, input: { schoolId, systemId, secret } });
      expect(await edge(made, connectionId)).toMatchObject({ state: 'failing', cause: 'sync-follows' });
    });
  });
});
