import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { answerTokenRequest } from '#server/features/consumers/answer-token-request.ts';
import { authenticateCall } from '#server/features/consumers/authenticate-call.ts';
import { issueClient, reissueSecret, setSignedCalls } from '#server/features/consumers/steer-client.ts';
import { createSyncWork } from '#server/features/sync/sync-work.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { openJson } from '#server/kernel/sealed.ts';
import type { Slice } from '#server/roster/fetch-slice.ts';
import { shrinkSchool } from '#server/roster/testing/small-school.ts';
import { contextOf, testNow } from '#server/testing/actors.ts';
import { approveRequest } from './approve-request.ts';
import { connectionPage } from './connection-page.ts';
import { decisionPage } from './decision-page.ts';
import { draftRequest } from './draft-request.ts';
import { enterCredential } from './enter-credential.ts';
import { lookForIds } from './look-for-ids.ts';
import { narrowGrant } from './narrow-grant.ts';
import { pair, pairingPage } from './pair.ts';
import { pauseConnection } from './pause-connection.ts';
import { receipts } from './receipts.ts';
import { resumeConnection } from './resume-connection.ts';
import { revokeConnection } from './revoke-connection.ts';
import { schoolGraph } from './school-graph.ts';
import { sendPairingLink } from './send-pairing-link.ts';
import { sendRequest } from './send-request.ts';
import { onSyncFailed, onSyncHeld, onSyncSucceeded } from './sync-outcome.ts';
import { addSis, approve, askFor, edge, mailsTo, makeScene, type Scene, sisEntry } from './testing/school-with-sis.ts';
import { withSession } from './use-credential.ts';

const scopes = (
  [
    'roster.subjects',
    'roster.streams',
    'roster.groups',
    'roster.classes',
    'roster.teachers',
    'roster.students',
  ] as const
).map((scope) => ({ scope, required: scope !== 'roster.classes' }));
const purpose = 'A course for every group';

describe('an LMS that receives from a SIS', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  const clock = fixedClock(testNow);
  beforeAll(async () => {
    database = await createTestDatabase();
    sis = await startSis({ schools: ['lindenhof'] });
    shrinkSchool(sis.data('lindenhof'), 12);
  });
  afterAll(async () => {
    await sis.close();
    await database.drop();
  });

  /** Runs the queued sync of a system as the job does. */
  async function sync(scene: Scene, systemId: string): Promise<void> {
    const [queued] = await database.admin<{ id: string }[]>`
      select id from sync_run where system_id = ${systemId} and state = 'queued'`;
    const web = await scene.job();
    const work = createSyncWork(
      { web: () => web, sync: () => ({ ...web, database: database.sync }) },
      { withSession, onSyncSucceeded, onSyncFailed, onSyncHeld },
    );
    const run = { schoolId: scene.schoolId, systemId, syncRunId: queued?.id ?? '', runId: newId() };
    const begun = await work.begin(run);
    if (begun.kind !== 'fetch') throw new Error(begun.kind);
    const held = { ...run, fence: begun.fence };
    for (const collection of begun.toFetch.collections) {
      let at: Slice = { cursor: null, page: 0, waitSeconds: null };
      do at = await work.fetchSlice(held, { collection, cursor: at.cursor, page: at.page, since: null });
      while (at.cursor !== null);
    }
    await work.announce(run, await work.apply(held, begun.toFetch));
  }

  const addLms = async (scene: Scene, product = 'moodle') =>
    (
      await addSystem({
        ctx: await scene.as('school-administrator'),
        input: {
          schoolId: scene.schoolId,
          kind: 'lms',
          product,
          name: 'Moodle',
          settings: { baseUrl: 'http://127.0.0.1:8099' },
        },
      })
    ).systemId;
  const ask = async (scene: Scene, systemId: string, lmsId: string, way: 'pull' | 'push' | 'direct') => {
    const ctx = await scene.as('school-administrator');
    const { schoolId } = scene;
    const drafted = await draftRequest({
      ctx,
      input: { schoolId, systemId, consumerSystemId: lmsId, way, scopes, purpose },
    });
    await sendRequest({ ctx, input: { schoolId, requestId: drafted.requestId } });
    return drafted;
  };
  const enter = async (scene: Scene, systemId: string) =>
    enterCredential({
      ctx: await scene.as('technical-contact'),
      input: { schoolId: scene.schoolId, systemId, secret: sisEntry(sis).secret },
    });
  const anonymous = () => contextOf(database, { kind: 'anonymous' }, { clock });
  const askToken = async ({ clientId, clientSecret }: { clientId: string; clientSecret: string }) => {
    const response = await answerTokenRequest(
      await anonymous(),
      new Request('http://localhost/oauth/token', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: clientId,
          client_secret: clientSecret,
        }).toString(),
      }),
    );
    const answer: Record<string, string> = await response.json();
    return answer;
  };
  const call = async (token: string | undefined) =>
    authenticateCall(await anonymous(), {
      method: 'GET',
      url: 'http://localhost/ims/oneroster/rostering/v1p2/users',
      authorization: `Bearer ${token}`,
    });
  const people = async (systemId: string) =>
    (await database.admin`select 1 from roster_person where system_id = ${systemId}`).length;

  it('is paired by its administrator, approved as the SIS’s owner, live when its data is here, and gone at once when it ends', async () => {
    const scene = await makeScene(database, clock);
    const { schoolId } = scene;
    const { settings } = sisEntry(sis);
    // Without leg 1: nobody has connected the SIS yet.
    const systemId = await addSis(scene, settings);
    const administrator = await scene.as('school-administrator');
    await sendPairingLink({ ctx: administrator, input: { schoolId, systemId, name: 'Lea', email: 'lea@lms.example' } });
    const [mail] = await database.admin<{ id: string; sealed_parameters: unknown }[]>`
      select id, sealed_parameters from mail where template = 'pairing-link' and school_id = ${schoolId}`;
    const place = { table: 'mail', column: 'sealed_parameters', schoolId, rowId: mail?.id ?? '', origin: null };
    const { url } = openJson(administrator.keyring, mail?.sealed_parameters, place, z.object({ url: z.url() }));
    expect(new URL(url).pathname).toMatch(/^\/pair\/.{43}$/);
    const [link] = await database.admin<{ id: string }[]>`
      select id from single_use_link where purpose = 'pairing' and school_id = ${schoolId}`;
    const linkId = link?.id ?? '';
    const holder = await contextOf(
      database,
      { kind: 'link', linkId, purpose: 'pairing', schoolId, systemId, name: 'Lea' },
      { clock },
    );
    const page = await pairingPage({ ctx: holder, input: {} });
    expect(page).toMatchObject({ holder: 'Lea', system: 'Registra' });
    expect(page.scopes).toContain('roster.demographics');
    const asked = {
      lms: 'Lernhaus',
      address: 'https://lernhaus.example',
      name: 'Lea Lehmann',
      email: 'lea@lms.example',
    };
    const client = await pair({ ctx: holder, input: { ...asked, scopes, purpose } });
    await expect(pair({ ctx: holder, input: { ...asked, scopes, purpose } })).rejects.toMatchObject({
      code: 'link-unusable',
    });
    const graph = async () => schoolGraph({ ctx: administrator, input: { schoolId } });
    const [{ connectionId = '', openRequest = null } = {}] = (await graph()).edges;
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'requested', turn: 'approver' });
    expect(await askToken(client)).toMatchObject({ error: 'unauthorized_client' });

    const approver = await scene.as('approver');
    const requestId = openRequest?.id ?? '';
    const decision = await decisionPage({ ctx: approver, input: { schoolId, requestId } });
    expect(decision).toMatchObject({
      asker: { as: 'lms', person: 'Lea Lehmann', organisation: 'Lernhaus' },
      consumerSystem: { name: 'Lernhaus', way: 'pull', hosts: ['lernhaus.example'] },
      consents: [{ side: 'consumer', byName: 'Lea Lehmann', byOrganisationName: 'Lernhaus' }],
    });
    expect(decision.narrowableFields).toContain('roster.students:email');
    const say = (more: object) =>
      approveRequest.fromWire({
        ctx: approver,
        raw: { schoolId, requestId, fingerprint: decision.fingerprint, ...more },
      });
    await expect(say({ withoutFields: ['roster.students:shoe_size'] })).rejects.toMatchObject({
      code: 'invalid-input',
      details: { fields: ['withoutFields'] },
    });
    await expect(say({ streams: ['nowhere'] })).rejects.toMatchObject({ details: { fields: ['streams'] } });
    expect(await say({ withoutScopes: ['roster.classes'], withoutFields: ['roster.students:email'] })).toMatchObject({
      connects: false,
    });
    expect(await mailsTo(scene, 'lea@lms.example')).toEqual(['pairing-link', 'pairing-approved']);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'approved', cause: 'credential-needed' });
    await enter(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'first-sync' });
    expect((await askToken(client)).error_description).toContain('its data is not here yet');

    await sync(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
    expect(await people(systemId)).toBeGreaterThan(0);
    const { access_token } = await askToken(client);
    expect(await call(access_token)).toMatchObject({
      connectionId,
      scopes: ['roster.subjects', 'roster.streams', 'roster.groups', 'roster.teachers', 'roster.students'],
      withoutFields: ['roster.students:email'],
    });
    const shown = await connectionPage({ ctx: administrator, input: { schoolId, connectionId } });
    expect(shown.consents.map(({ side }) => side)).toEqual(['consumer', 'producer']);
    expect(shown.client).toMatchObject({
      clientId: client.clientId,
      secrets: [{ hint: client.clientSecret.slice(-4) }],
    });
    expect(shown.edge.flows.find(({ scope }) => scope === 'roster.students')?.count).toBeGreaterThan(0);
    expect(JSON.stringify(shown)).not.toContain(client.clientSecret);

    // Narrowed: the token was issued under the grant of before.
    await narrowGrant({
      ctx: approver,
      input: { schoolId, connectionId, withoutFields: ['roster.students:email', 'roster.students:phone'] },
    });
    await expect(call(access_token)).rejects.toMatchObject({ code: 'token-refused' });
    const second = await askToken(client);
    await pauseConnection({ ctx: administrator, input: { schoolId, connectionId } });
    await expect(call(second.access_token)).rejects.toMatchObject({ code: 'token-refused' });
    await resumeConnection({ ctx: administrator, input: { schoolId, connectionId } });
    await sync(scene, systemId);
    await call(second.access_token);
    await revokeConnection({ ctx: administrator, input: { schoolId, connectionId } });
    await expect(call(second.access_token)).rejects.toMatchObject({ code: 'token-refused' });
    expect(await askToken(client)).toMatchObject({ error: 'invalid_client' });
    expect(await people(systemId)).toBe(0);
    const kinds = (await receipts({ ctx: administrator, input: { schoolId } })).map(({ kind }) => kind);
    expect(kinds).toContain('credential-destroyed');
    expect(kinds).toContain('data-deleted');
  });

  it('is asked for by the school beside the marketplace’s edge, which goes on without a person', async () => {
    const scene = await makeScene(database, clock);
    const { schoolId } = scene;
    const systemId = await addSis(scene, sisEntry(sis).settings);
    const first = await askFor(scene, systemId);
    await approve(scene, first.requestId);
    await enter(scene, systemId);
    await sync(scene, systemId);
    expect(await people(systemId)).toBe(0);
    const lmsId = await addLms(scene);
    await expect(
      draftRequest({
        ctx: await scene.as('agent'),
        input: { schoolId, agentId: scene.agent.agentId, systemId, consumerSystemId: lmsId, scopes, purpose },
      }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    const { requestId, connectionId } = await ask(scene, systemId, lmsId, 'pull');
    const { credential, preview } = await decisionPage({
      ctx: await scene.as('approver'),
      input: { schoolId, requestId },
    });
    expect([credential.suffices, preview.available]).toEqual([false, true]);
    await approve(scene, requestId);
    const ctx = await scene.as('school-administrator');
    const client = await issueClient({ ctx, input: { schoolId, connectionId } });
    await expect(issueClient({ ctx, input: { schoolId, connectionId } })).rejects.toMatchObject({ code: 'duplicate' });
    await enter(scene, systemId);
    await sync(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live' });
    const token = await askToken(client);
    await call(token.access_token);
    // Both secrets work while the overlap lasts; ended at once, the tokens end too.
    const next = await reissueSecret({ ctx, input: { schoolId, connectionId, overlapHours: 1 } });
    expect((await askToken(client)).token_type).toBe('Bearer');
    const signed = await setSignedCalls({ ctx, input: { schoolId, connectionId, allowed: true } });
    for (const old of [client, next]) expect(await askToken(old)).toMatchObject({ error: 'invalid_client' });
    await expect(call(token.access_token)).rejects.toMatchObject({ code: 'token-refused' });
    expect((await askToken({ clientId: client.clientId, clientSecret: signed?.clientSecret ?? '' })).token_type).toBe(
      'Bearer',
    );

    await revokeConnection({ ctx, input: { schoolId, connectionId } });
    expect(await people(systemId)).toBe(0);
    expect(await edge(scene, first.connectionId)).toMatchObject({ state: 'live' });
    const [left] = await database.admin<{ n: number }[]>`
      select count(*)::int as n from roster_group where system_id = ${systemId}`;
    expect(left?.n).toBeGreaterThan(0);
  });

  it('is not live with the data of the SIS where that is to be written into it', async () => {
    const scene = await makeScene(database, clock);
    const systemId = await addSis(scene, sisEntry(sis).settings);
    const pulling = await addLms(scene, 'pulling-lms');
    await expect(ask(scene, systemId, pulling, 'push')).rejects.toMatchObject({ code: 'push-not-offered' });
    const { requestId, connectionId } = await ask(scene, systemId, await addLms(scene), 'push');
    await approve(scene, requestId);
    await enter(scene, systemId);
    await sync(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({
      state: 'connecting',
      turn: 'technical-contact',
      cause: 'lms-credential-needed',
    });
    const ctx = await scene.as('school-administrator');
    await expect(issueClient({ ctx, input: { schoolId: scene.schoolId, connectionId } })).rejects.toMatchObject({
      code: 'state-forbids',
    });
  });

  it('is recorded where both are connected without us, proved by the ids in its courses, and nobody is fetched for it', async () => {
    const scene = await makeScene(database, clock);
    const { schoolId } = scene;
    const systemId = await addSis(scene, sisEntry(sis).settings);
    const lmsId = await addLms(scene);
    const { requestId, connectionId } = await ask(scene, systemId, lmsId, 'direct');
    await approve(scene, requestId);
    await enter(scene, systemId);
    await sync(scene, systemId);
    expect(await people(systemId)).toBe(0);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'direct-unproved' });
    const ctx = await scene.as('school-administrator');
    const look = () => lookForIds({ ctx, input: { schoolId, connectionId } });
    expect(await look()).toMatchObject({ courses: 0, groups: { found: 0 } });
    await database.admin`
      insert into lms_course (id, school_id, system_id, source_id, name, sis_id, content_hash, first_seen_at, last_seen_at)
      select gen_random_uuid(), school_id, ${lmsId}, source_id, title, source_id, 1, now(), now() from roster_group where system_id = ${systemId} limit 3`;
    expect(await look()).toMatchObject({ courses: 3, groups: { found: 3 } });
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
  });
});
