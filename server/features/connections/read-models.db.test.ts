import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import { systemPage } from '#server/features/systems/system-page.ts';
import { systemsToAdd } from '#server/features/systems/systems-to-add.ts';
import { dismissTechnicalContact, nameTechnicalContact } from '#server/features/systems/technical-contacts.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextFor, giveRole, makeAgent, makePerson, testNow } from '#server/testing/actors.ts';
import { connectionPage } from './connection-page.ts';
import { connectionsForAgent } from './connections-for-agent.ts';
import { inbox } from './inbox.ts';
import { exportRegister, registerOfAccess } from './register-of-access.ts';
import { requestsOfAsker } from './requests-of-asker.ts';
import { schoolGraph } from './school-graph.ts';
import { tendConnections } from './tend-connections.ts';
import { addSis, approve, askFor, edge, goLive, makeScene, type Scene, sisEntry } from './testing/school-with-sis.ts';

describe('what people see of connections', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  const clock = fixedClock(testNow);
  beforeAll(async () => {
    database = await createTestDatabase();
    sis = await startSis({ schools: ['lindenhof', 'waterkant'] });
  });
  afterAll(async () => {
    await sis.close();
    await database.drop();
  });

  /** One live SIS and one whose request waits. */
  async function school() {
    const scene = await makeScene(database, clock);
    const live = await goLive(scene, sis);
    const waitingSystem = await addSis(scene, sisEntry(sis, 'waterkant').settings);
    const waiting = await askFor(scene, waitingSystem);
    return { scene, schoolId: scene.schoolId, live, waiting, waitingSystem };
  }

  it('draws the school’s graph: systems, edges with state, cause, turn and next step, what flows and how much', async () => {
    const { scene, schoolId, live } = await school();
    for (const title of ['Mathematics', 'Latin']) {
      await database.admin`
        insert into roster_subject (id, school_id, system_id, source_id, content_hash, first_seen_at, last_seen_at, title)
        values (${newId()}, ${schoolId}, ${live.systemId}, ${title}, 1, now(), now(), ${title})`;
    }
    for (const role of schoolRoles) {
      const graph = await schoolGraph({ ctx: await scene.as(role), input: { schoolId } });
      expect(graph.summary).toMatchObject({
        live: 1,
        failing: 0,
        waiting: 1,
        requests: 1,
        lastReceivedAt: clock.now(),
      });
      expect(graph.systems.map(({ hosts, edges }) => [hosts, edges])).toEqual([
        [[`127.0.0.1:${sis.port}`], 1],
        [[`127.0.0.1:${sis.port}`], 1],
      ]);
      const [waiting, living] = graph.edges;
      expect(waiting).toMatchObject({
        state: 'requested',
        turn: 'approver',
        next: 'decide',
        openRequest: { state: 'requested' },
      });
      expect(living).toMatchObject({
        state: 'live',
        cause: 'in-sync',
        turn: 'nobody',
        next: 'nothing',
        until: '2026-09-30',
        records: 2,
        lastReceivedAt: clock.now(),
        lastRun: { state: 'succeeded' },
      });
      expect(living?.flows[0]).toEqual({ scope: 'roster.subjects', count: 2, precision: 'exact' });
    }
  });

  it('puts into each inbox what waits for that role, and for nobody else', async () => {
    const { scene, schoolId, waiting, waitingSystem } = await school();
    const waitsFor = async (who: Parameters<Scene['as']>[0]) =>
      (await inbox({ ctx: await scene.as(who), input: { schoolId } })).items.map(({ next, system }) => [
        next,
        system.id,
      ]);
    expect(await waitsFor('approver')).toEqual([['decide', waitingSystem]]);
    expect(await waitsFor('technical-contact')).toEqual([]);
    await approve(scene, waiting.requestId);
    expect(await waitsFor('approver')).toEqual([]);
    expect(await waitsFor('technical-contact')).toEqual([['enter-credential', waitingSystem]]);
    expect(await waitsFor('signatory')).toEqual([]);
  });

  it('shows an approver of one system nothing to decide about another', async () => {
    const { schoolId, live } = await school();
    const person = await makePerson(database);
    await giveRole(database, person, 'approver', schoolId, { systemId: live.systemId });
    const { items } = await inbox({ ctx: await contextFor(database, person, { clock }), input: { schoolId } });
    expect(items).toEqual([]);
  });

  it('tells a connection’s whole story', async () => {
    const { scene, schoolId, live } = await school();
    const input = { schoolId, connectionId: live.connectionId };
    const page = await connectionPage({ ctx: await scene.as('approver'), input });
    expect(page.consents.map(({ side, byName }) => [side, byName])).toEqual([
      ['consumer', 'Ada Agent Admin'],
      ['producer', 'Petra Approver'],
    ]);
    expect(page.grants).toMatchObject([{ grantedBy: 'Petra Approver', endedAt: null }]);
    expect(page.requests).toMatchObject([
      { asker: 'Ada Agent Admin', decidedBy: 'Petra Approver', previewSkipped: true },
    ]);
    expect(page.history.map(({ action }) => action)).toEqual(
      expect.arrayContaining([
        'request.drafted',
        'request.sent',
        'request.approved',
        'connection.prove',
        'connection.receive',
      ]),
    );
    expect(page.calls.map(({ path }) => path).join(' ')).toContain('/courses');
    expect(page.runs).toMatchObject([{ state: 'succeeded', trigger: 'first' }]);
  });

  it('gives an agent state and turn of its schools, and never an address, a count or a datum', async () => {
    const { scene, live } = await school();
    const { agentId } = scene.agent;
    const seen = await connectionsForAgent({ ctx: await scene.as('agent'), input: { agentId } });
    expect(seen.map(({ state, turn }) => [state, turn]).toSorted()).toEqual([
      ['live', 'nobody'],
      ['requested', 'approver'],
    ]);
    // Without ids and the test's made-up names, in whose digits any number may turn up.
    const text = JSON.stringify(seen).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|"name":"School [^"]*"/g, '');
    for (const secret of ['127.0.0.1', String(sis.port), '321', 'lindenhof']) expect(text).not.toContain(secret);
    const other = await makeAgent(database);
    const strangers = await contextFor(database, other.agent, { clock });
    expect(await connectionsForAgent({ ctx: strangers, input: { agentId: other.agentId } })).toEqual([]);
    await expect(connectionsForAgent({ ctx: strangers, input: { agentId } })).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(
      connectionPage({
        ctx: await scene.as('agent-administrator'),
        input: { schoolId: scene.schoolId, connectionId: live.connectionId },
      }),
    ).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('shows whoever asks his own requests and the systems by name, without an address', async () => {
    const { scene, schoolId } = await school();
    const { agentId } = scene.agent;
    const seen = await requestsOfAsker({ ctx: await scene.as('agent'), input: { schoolId, agentId } });
    expect(seen.systems).toMatchObject([
      { name: 'Registra', product: 'OneRoster 1.2', hasAddress: true },
      { name: 'Registra', scopes: ['roster.subjects', 'roster.streams', 'roster.groups'] },
    ]);
    expect(seen.requests).toHaveLength(2);
    expect(JSON.stringify(seen)).not.toContain('127.0.0.1');
    const own = await requestsOfAsker({ ctx: await scene.as('school-administrator'), input: { schoolId } });
    expect(own.requests).toEqual([]);
  });

  it('keeps the register of who has what, and exports it so that a spreadsheet computes nothing', async () => {
    const { scene, schoolId, live } = await school();
    await database.admin`update "grant" set purpose = '=HYPERLINK("https://evil.example")' where connection_id = ${live.connectionId}`;
    await database.admin`update system set name = '+SIS, "best"' where id = ${live.systemId}`;
    const ctx = await scene.as('school-administrator');
    const lines = await registerOfAccess({ ctx, input: { schoolId } });
    expect(lines).toMatchObject([
      {
        recipientKind: 'marketplace',
        state: 'live',
        releasedBy: 'Petra Approver',
        until: '2026-09-30',
        lastSupplied: clock.now(),
      },
    ]);
    const csv = await exportRegister({ ctx, input: { schoolId, format: 'csv' } });
    const [row] = parse<Record<string, string>>(csv.body, { columns: true, bom: true });
    expect(row).toMatchObject({
      purpose: '\'=HYPERLINK("https://evil.example")',
      system: '\'+SIS, "best"',
      data: 'roster.subjects; roster.groups; roster.streams',
    });
    const json = await exportRegister({ ctx, input: { schoolId, format: 'json' } });
    expect(JSON.parse(json.body)).toMatchObject({
      schoolId,
      lines: [{ purpose: '=HYPERLINK("https://evil.example")' }],
    });
    const audited =
      await database.admin`select 1 from audit_entry where school_id = ${schoolId} and action = 'register.exported'`;
    expect(audited).toHaveLength(2);
  });

  it('gives a system’s page its guide, fields, credential without secret, contacts and calls', async () => {
    const { scene, schoolId, live } = await school();
    const page = await systemPage({
      ctx: await scene.as('technical-contact'),
      input: { schoolId, systemId: live.systemId },
    });
    expect(page).toMatchObject({
      name: 'Registra',
      product: { id: 'oneroster-1.2', name: 'OneRoster 1.2' },
      authentication: 'client-credentials',
      hostConfirmedBy: 'Tom Technical',
      credentials: [{ state: 'proved', hint: '…nhof', proof: { ok: true } }],
      technicalContacts: [{ name: 'Tom Technical', forThisSystemOnly: false }],
      connections: [{ state: 'live' }],
    });
    expect(page.guide.find(({ text }) => text.endsWith('scopes'))?.copy).toContain('roster-core.readonly');
    expect(page.calls.length).toBeGreaterThan(3);
    expect(JSON.stringify(page)).not.toContain(sisEntry(sis).secret.clientSecret);
  });

  it('names technical contacts of one system, from among the school’s people', async () => {
    const { scene, schoolId, live } = await school();
    const ctx = await scene.as('school-administrator');
    const { systemId } = live;
    const { userId } = scene.school.people.signatory;
    await nameTechnicalContact({ ctx, input: { schoolId, systemId, userId } });
    await expect(nameTechnicalContact({ ctx, input: { schoolId, systemId, userId } })).rejects.toMatchObject({
      code: 'duplicate',
    });
    const stranger = await makePerson(database);
    await expect(
      nameTechnicalContact({ ctx, input: { schoolId, systemId, userId: stranger.userId } }),
    ).rejects.toMatchObject({ code: 'not-found' });
    const { technicalContacts } = await systemPage({ ctx, input: { schoolId, systemId } });
    expect(technicalContacts.map(({ name }) => name)).toEqual(['Simon Signatory', 'Tom Technical']);
    await dismissTechnicalContact({ ctx, input: { schoolId, systemId, userId } });
    expect((await systemPage({ ctx, input: { schoolId, systemId } })).technicalContacts).toHaveLength(1);
  });

  it('offers the products of the registry, and refuses what is none or cannot be reached', async () => {
    const scene = await makeScene(database, clock);
    const { schoolId } = scene;
    const ctx = await scene.as('school-administrator');
    const offered = await systemsToAdd({ ctx, input: {} });
    expect(offered.map(({ product }) => product)).toEqual(
      expect.arrayContaining(['oneroster-1.2', 'oneroster-1.1', 'canvas', 'moodle']),
    );
    const add = (more: object) =>
      addSystem.fromWire({ ctx, raw: { schoolId, kind: 'sis', product: 'oneroster-1.2', name: 'SIS', ...more } });
    await expect(add({ product: 'no-such' })).rejects.toMatchObject({
      code: 'invalid-input',
      details: { fields: ['product'] },
    });
    await expect(add({ kind: 'lms' })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(add({ settings: { baseUrl: 'nonsense', tokenUrl: 'https://x.example/t' } })).rejects.toMatchObject({
      code: 'invalid-input',
      details: { fields: ['baseUrl'] },
    });
    await expect(
      add({ settings: { baseUrl: 'https://10.0.0.1/ims', tokenUrl: 'https://x.example/t' } }),
    ).rejects.toMatchObject({ code: 'address-refused', details: { fields: ['baseUrl'] } });
  });

  it('lets a request lapse whose own agreement ended while another keeps the school connected', async () => {
    const { scene, schoolId, live, waiting } = await school();
    const [other] = await database.admin<{ id: string }[]>`
      insert into agreement (id, school_id, agent_id, template_id, state, term_start, term_end, products, body, data_processing_terms, drafted_by, in_force_at)
      select ${newId()}, school_id, null, template_id, 'in-force', term_start, term_end, products, body, data_processing_terms, drafted_by, in_force_at
        from agreement where id = ${scene.agreementId} returning id`;
    expect(other).toBeDefined();
    await database.admin`update agreement set state = 'ended' where id = ${scene.agreementId}`;
    expect(await tendConnections(await scene.job(), schoolId)).toMatchObject({ lapsed: 1 });
    expect(await edge(scene, waiting.connectionId)).toMatchObject({ state: 'lapsed', cause: 'ended-with-agreement' });
    expect(await edge(scene, live.connectionId)).toMatchObject({ state: 'live' });
  });
});
