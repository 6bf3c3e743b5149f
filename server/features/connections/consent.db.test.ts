import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningCanvas, startCanvas } from '#sandbox/canvas/server.ts';
import { type RunningMoodle, startMoodle } from '#sandbox/moodle/server.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { contextFor, contextOf, nobody, testNow } from '#server/testing/actors.ts';
import { answerOfConsent, consentPageOfLink } from './answer-of-consent.ts';
import { draftRequest } from './draft-request.ts';
import { enterCredential } from './enter-credential.ts';
import { finishConsent } from './finish-consent.ts';
import { revokeConnection } from './revoke-connection.ts';
import { sendRequest } from './send-request.ts';
import { sendToTechnicalContact } from './send-to-technical-contact.ts';
import { startConsent } from './start-consent.ts';
import { consentAtCanvas } from './testing/consent-at-canvas.ts';
import { approve, edge, makeScene, type Scene, succeed } from './testing/school-with-sis.ts';
import { withSession } from './use-credential.ts';

const redirectUri = 'http://localhost:3000/oauth/canvas/callback';

describe('Marketplace → LMS', () => {
  let database: TestDatabase;
  let canvas: RunningCanvas;
  let moodle: RunningMoodle;
  beforeAll(async () => {
    database = await createTestDatabase();
    canvas = await startCanvas({ redirectUris: [redirectUri] });
    moodle = await startMoodle();
  });
  afterAll(async () => {
    await canvas.close();
    await moodle.close();
    await database.drop();
  });
  beforeEach(() => {
    canvas.settings.pkce = true;
    canvas.log.clear();
  });

  /** An LMS whose marketplace edge is approved, the agent having sent the request himself. */
  async function approvedLms(product: 'canvas' | 'moodle', baseUrl: string) {
    const clock = fixedClock(testNow);
    const scene = await makeScene(database, clock);
    const { schoolId } = scene;
    const { agentId } = scene.agent;
    const { systemId } = await addSystem({
      ctx: await scene.as('technical-contact'),
      input: { schoolId, kind: 'lms', product, name: 'Our LMS', settings: { baseUrl } },
    });
    const ctx = await scene.as('agent');
    const { requestId, connectionId } = await draftRequest({
      ctx,
      input: { schoolId, agentId, systemId, scopes: [{ scope: 'lms.courses' }], purpose: 'Courses and their ids' },
    });
    await sendRequest({ ctx, input: { schoolId, agentId, requestId } });
    await approve(scene, requestId);
    return { scene, schoolId, systemId, connectionId, clock };
  }

  async function withKey() {
    const lms = await approvedLms('canvas', canvas.url);
    const ctx = await lms.scene.as('technical-contact');
    const { schoolId, systemId } = lms;
    const secret = { clientId: canvas.demoKey.id, clientSecret: canvas.demoKey.secret };
    const entered = await enterCredential({ ctx, input: { schoolId, systemId, secret } });
    expect(entered.outcome).toBe('consent-needed');
    return { ...lms, ctx, credentialId: entered.credentialId, input: { schoolId, systemId } };
  }

  const answerFrom = (query: URLSearchParams) => ({
    state: query.get('state') ?? '',
    code: query.get('code') ?? undefined,
    error: query.get('error') ?? undefined,
  });

  describe('Canvas', () => {
    it('goes from developer key over consent and proof to live, and names who consented', async () => {
      const { ctx, input, connectionId, scene, systemId } = await withKey();
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', turn: 'technical-contact' });
      const { url } = await startConsent({ ctx, input });
      const asked = new URL(url).searchParams;
      expect(asked.get('redirect_uri')).toBe(redirectUri);
      expect(asked.get('code_challenge_method')).toBe('S256');
      const finished = await finishConsent({ ctx, input: answerFrom(await consentAtCanvas(canvas, url)) });
      expect(finished).toMatchObject({
        kind: 'tried',
        trial: { outcome: 'proved', proof: { actsAs: { name: expect.any(String) } } },
      });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'first-sync' });
      await succeed(scene, systemId);
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'live' });
    });

    it('says what is lacking where a teacher consents, and keeps the approval', async () => {
      const { ctx, input, connectionId, scene } = await withKey();
      const { url } = await startConsent({ ctx, input });
      const answer = await consentAtCanvas(canvas, url, { login: 'canvas-teacher' });
      const finished = await finishConsent({ ctx, input: answerFrom(answer) });
      expect(finished).toMatchObject({
        trial: { outcome: 'refused', proof: { results: [{ scope: 'lms.courses', errorCode: 'rights-missing' }] } },
      });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'proof-refused' });
    });

    it('starts again without PKCE at a Canvas that knows none', async () => {
      canvas.settings.pkce = false;
      const { ctx, input } = await withKey();
      const { url } = await startConsent({ ctx, input });
      const first = await finishConsent({ ctx, input: answerFrom(await consentAtCanvas(canvas, url)) });
      if (first.kind !== 'start-again') throw new Error('expected to be sent back');
      expect(new URL(first.url).searchParams.has('code_challenge')).toBe(false);
      const second = await finishConsent({ ctx, input: answerFrom(await consentAtCanvas(canvas, first.url)) });
      expect(second).toMatchObject({ trial: { outcome: 'proved' } });
    });

    it('explains a no, a wrong state, a replay, one of another session and one that ran out', async () => {
      const { ctx, input, clock, scene, schoolId, systemId } = await withKey();
      const started = async () => (await startConsent({ ctx, input })).url;
      const no = answerFrom(await consentAtCanvas(canvas, await started(), { answer: 'deny' }));
      await expect(finishConsent({ ctx, input: no })).rejects.toMatchObject({ code: 'consent-denied' });
      await expect(finishConsent({ ctx, input: no })).rejects.toMatchObject({ code: 'consent-used' });
      const wrong = { state: 'made-up', code: 'made-up' };
      await expect(finishConsent({ ctx, input: wrong })).rejects.toMatchObject({ code: 'consent-unknown' });

      const yes = answerFrom(await consentAtCanvas(canvas, await started()));
      const other = await contextFor(database, scene.school.people['technical-contact'], { clock });
      await expect(finishConsent({ ctx: other, input: yes })).rejects.toMatchObject({ code: 'consent-not-yours' });
      const both = await Promise.allSettled([finishConsent({ ctx, input: yes }), finishConsent({ ctx, input: yes })]);
      expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(both.find((one) => one.status === 'rejected')?.reason).toMatchObject({ code: 'consent-used' });

      const refused = { state: new URL(await started()).searchParams.get('state') ?? '', error: 'invalid_scope' };
      expect(await answerOfConsent(ctx, new URLSearchParams(refused))).toBe(
        `http://localhost:3000/school/${schoolId}/systems/${systemId}?consent=consent-scope-refused`,
      );
      const late = answerFrom(await consentAtCanvas(canvas, await started()));
      clock.advance(10 * 60 * 1000);
      await expect(finishConsent({ ctx, input: late })).rejects.toMatchObject({ code: 'consent-expired' });
    });

    it('can be given by the holder of a technical contact’s link, who has no session', async () => {
      const { scene, schoolId, systemId, connectionId, clock } = await approvedLms('canvas', canvas.url);
      const input = { schoolId, systemId, name: 'Ida', email: 'ida@canvas-host.example' };
      const { linkId } = await sendToTechnicalContact({ ctx: await scene.as('approver'), input });
      const purpose = 'technical-contact';
      const ctx = await contextOf(
        database,
        { kind: 'link', linkId, purpose, schoolId, systemId, name: 'Ida' },
        { clock },
      );
      const secret = { clientId: canvas.demoKey.id, clientSecret: canvas.demoKey.secret };
      await enterCredential({ ctx, input: { schoolId, systemId, secret } });
      const { url } = await startConsent({ ctx, input: { schoolId, systemId } });
      const answer = await consentAtCanvas(canvas, url);
      // The browser comes back without the token: our page hands the answer in, in the holder's name.
      const location = await answerOfConsent(await nobody(database, { clock }), answer);
      const handedOn = new URL(location);
      expect(handedOn.pathname).toBe(consentPageOfLink);
      const finished = await finishConsent({ ctx, input: answerFrom(handedOn.searchParams) });
      expect(finished).toMatchObject({ trial: { outcome: 'proved' } });
      expect(await edge(scene, connectionId)).toMatchObject({ cause: 'first-sync' });
      const links = await database.admin`select used_at from single_use_link where id = ${linkId}`;
      expect(links).toMatchObject([{ used_at: expect.any(Date) }]);
    });

    it('keeps no state, verifier or token in the open', async () => {
      const { ctx, input, schoolId } = await withKey();
      const { url } = await startConsent({ ctx, input });
      const answer = answerFrom(await consentAtCanvas(canvas, url));
      await finishConsent({ ctx, input: answer });
      const [dump] = await database.admin<{ text: string }[]>`
        select (select json_agg(a)::text from oauth_attempt a) || (select json_agg(c)::text from credential c)
            || (select json_agg(e)::text from audit_entry e where e.school_id = ${schoolId})
            || (select json_agg(s)::text from system_call s where s.school_id = ${schoolId}) as text`;
      const text = dump?.text ?? '';
      for (const secret of [answer.state, answer.code ?? '', canvas.demoKey.secret]) expect(text).not.toContain(secret);
    });

    /** A proved Canvas whose tokens are about to end. */
    async function expiring() {
      const made = await withKey();
      const { url } = await startConsent({ ctx: made.ctx, input: made.input });
      await finishConsent({ ctx: made.ctx, input: answerFrom(await consentAtCanvas(canvas, url)) });
      made.clock.advance(3_600_000);
      canvas.log.clear();
      return made;
    }

    const refreshes = () =>
      canvas.requests().filter(({ path, method }) => path === '/login/oauth2/token' && method === 'POST');
    const read = async (scene: Scene, systemId: string) => {
      const use = { schoolId: scene.schoolId, systemId, purpose: 'health', syncRunId: null } as const;
      return withSession(await scene.job(), use, (connector) => connector.preview(['lms.courses']));
    };

    it('renews tokens once for many who need them, over several connections, and keeps the refresh token', async () => {
      const { scene, systemId, credentialId, clock } = await expiring();
      const outcomes = await Promise.all([1, 2, 3, 4, 5].map(() => read(scene, systemId)));
      expect(outcomes.every(([courses]) => (courses?.sample.length ?? 0) > 0)).toBe(true);
      expect(refreshes()).toHaveLength(1);
      const generation = () => database.admin`
        select token_generation, refresh_lease_holder from credential where id = ${credentialId}`;
      expect(await generation()).toMatchObject([{ token_generation: 2, refresh_lease_holder: null }]);
      // Canvas sent no new refresh token: the old one renews once more.
      clock.advance(3_600_000);
      await read(scene, systemId);
      expect(refreshes()).toHaveLength(2);
      expect(await generation()).toMatchObject([{ token_generation: 3 }]);
    });

    it('takes over where whoever was renewing died', async () => {
      const { scene, systemId, credentialId } = await expiring();
      await database.admin`
        update credential set refresh_lease_holder = ${credentialId}, refresh_lease_until = now() + interval '300 milliseconds'
         where id = ${credentialId}`;
      await read(scene, systemId);
      expect(refreshes()).toHaveLength(1);
    });

    it('ends the tokens over there when the last connection ends', async () => {
      const { scene, schoolId, connectionId, credentialId } = await expiring();
      await revokeConnection({ ctx: await scene.as('approver'), input: { schoolId, connectionId } });
      expect(canvas.requests().map(({ method, path }) => `${method} ${path}`)).toEqual(['DELETE /login/oauth2/token']);
      const rows = await database.admin`select state, sealed, sealed_tokens from credential where id = ${credentialId}`;
      expect(rows).toMatchObject([{ state: 'destroyed', sealed: null, sealed_tokens: null }]);
    });

    it('is rid of the secret though the system does not answer', async () => {
      const { scene, schoolId, connectionId, credentialId } = await expiring();
      canvas.faults.add({ kind: 'reset', path: '*/token' });
      await revokeConnection({ ctx: await scene.as('approver'), input: { schoolId, connectionId } });
      canvas.faults.clear();
      const rows = await database.admin`select state, sealed from credential where id = ${credentialId}`;
      expect(rows).toMatchObject([{ state: 'destroyed', sealed: null }]);
    });
  });

  describe('Moodle', () => {
    it('goes live with a token of the service account', async () => {
      const { scene, schoolId, systemId, connectionId } = await approvedLms('moodle', moodle.url);
      const ctx = await scene.as('technical-contact');
      const trial = await enterCredential({ ctx, input: { schoolId, systemId, secret: { token: moodle.demoToken } } });
      expect(trial).toMatchObject({ outcome: 'proved' });
      await succeed(scene, systemId);
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'live' });
    });

    it('explains a wrong token', async () => {
      const { scene, schoolId, systemId } = await approvedLms('moodle', moodle.url);
      const ctx = await scene.as('approver');
      const trial = await enterCredential({ ctx, input: { schoolId, systemId, secret: { token: 'f'.repeat(32) } } });
      expect(trial).toMatchObject({ outcome: 'refused', proof: { results: [{ errorCode: 'credential-refused' }] } });
    });
  });
});
