import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { canvasLogins } from '#sandbox/canvas/model.ts';
import { type RunningCanvas, startCanvas } from '#sandbox/canvas/server.ts';
import type { Tokens } from '../contract.ts';
import { describeConnector } from '../contract-suite.ts';
import { connectorById } from '../registry.ts';
import { testSession } from '../testing/session.ts';

describeConnector({
  connector: 'canvas',
  scopes: ['lms.courses'],
  largest: 'courses',
  path: '*/courses',
  people: /users|enrollments|students|teachers|sections/i,
  pages: true,
  totals: false,
  foreignNext: 'refused',
  refusedOnce: 'renews',
  ended: 'credential-refused',
  secrets: () => ['canvas-lindenhof-demo-secret'],
  start: async () => {
    const canvas = await startCanvas({ school: 'lindenhof', settings: { quota: 1_000_000 } });
    const admin = [...canvas.model.users.values()].find(({ login }) => login === canvasLogins.admin);
    if (admin === undefined) throw new Error('the sandbox has no administrator');
    const minted = canvas.oauth.mint(canvas.demoKey.id, admin.id);
    return {
      settings: { baseUrl: canvas.url },
      secret: { clientId: canvas.demoKey.id, clientSecret: canvas.demoKey.secret },
      tokens: { ...minted, expiresAt: null, scopes: null, actsAs: admin.name, clientAuthentication: 'body' },
      faults: canvas.faults,
      requests: () => canvas.requests(),
      clearRequests: () => canvas.log.clear(),
      count: () => [...canvas.model.courses.values()].filter(({ state }) => state !== 'deleted').length,
      close: canvas.close,
    };
  },
});

describe('Canvas', () => {
  let canvas: RunningCanvas;
  const redirectUri = 'http://127.0.0.1/callback';
  const connector = connectorById('canvas');
  beforeEach(async () => {
    canvas = await startCanvas({ school: 'lindenhof', settings: { quota: 1_000_000 } });
    return () => canvas.close();
  });

  const secretOf = () => ({ clientId: canvas.demoKey.id, clientSecret: canvas.demoKey.secret });
  const userOf = (login: string) => {
    const user = [...canvas.model.users.values()].find((candidate) => candidate.login === login);
    if (user === undefined) throw new Error(`the sandbox has no ${login}`);
    return user;
  };
  const open = (login: string, secret = secretOf()) => {
    const user = userOf(login);
    const tokens: Tokens = {
      ...canvas.oauth.mint(canvas.demoKey.id, user.id),
      expiresAt: null,
      scopes: null,
      actsAs: user.name,
      clientAuthentication: 'body',
    };
    const test = testSession({ settings: { baseUrl: canvas.url }, secret, tokens });
    return { ...test, connector: connector.open(test.session) };
  };
  const consentOf = () => {
    const { consent } = connector;
    if (consent === null) throw new Error('Canvas has a consent');
    return consent;
  };
  const codeFor = (challenge: string | null) =>
    canvas.oauth.issueCode({
      keyId: canvas.demoKey.id,
      userId: userOf(canvas.logins.admin).id,
      redirectUri,
      scopes: null,
      challenge,
    });
  const verifier = 'a-verifier-of-forty-three-characters-at-least';
  const challenge = createHash('sha256').update(verifier).digest('base64url');

  it('sends the administrator to the consent page with state, exact redirect, scopes and an S256 challenge', () => {
    const address = new URL(
      consentOf().authorizeUrl({ baseUrl: canvas.url }, secretOf(), {
        state: 'the-state',
        redirectUri,
        scopes: ['lms.courses'],
        codeChallenge: challenge,
      }),
    );
    expect(`${address.origin}${address.pathname}`).toBe(`${canvas.url}/login/oauth2/auth`);
    expect(Object.fromEntries(address.searchParams)).toEqual({
      client_id: canvas.demoKey.id,
      response_type: 'code',
      redirect_uri: redirectUri,
      state: 'the-state',
      scope: connector.foreignScopes(['lms.courses'], { baseUrl: canvas.url }).join(' '),
      purpose: 'Crosswalk',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    expect(address.toString()).not.toContain(canvas.demoKey.secret);
  });

  it('redeems the code with its verifier and learns who consented', async () => {
    const { session, close } = testSession({ settings: { baseUrl: canvas.url }, secret: secretOf() });
    const bought = await consentOf().exchange(session, {
      code: codeFor(challenge),
      redirectUri,
      codeVerifier: verifier,
    });
    expect(bought).toMatchObject({
      kind: 'tokens',
      tokens: { refreshToken: expect.any(String), actsAs: 'Alex Admin' },
    });
    await close();
  });

  it('starts once more without PKCE on a Canvas that knows none', async () => {
    canvas.settings.pkce = false;
    const { session, close } = testSession({ settings: { baseUrl: canvas.url }, secret: secretOf() });
    expect(
      await consentOf().exchange(session, { code: codeFor(challenge), redirectUri, codeVerifier: verifier }),
    ).toEqual({ kind: 'start-again', withPkce: false });
    expect(await consentOf().exchange(session, { code: codeFor(null), redirectUri, codeVerifier: null })).toMatchObject(
      { kind: 'tokens' },
    );
    await expect(
      consentOf().exchange(session, { code: 'spent', redirectUri, codeVerifier: null }),
    ).rejects.toMatchObject({ code: 'credential-refused', details: { oauthError: 'invalid_grant' } });
    await close();
  });

  it('keeps the refresh token when a refresh answers without a new one', async () => {
    const { connector: opened, kept, close } = open(canvas.logins.admin);
    const before = kept.tokens;
    canvas.clock.advance(3_601_000);
    expect((await opened.prove(['lms.courses'])).ok).toBe(true);
    expect(kept.tokens?.refreshToken).toBe(before?.refreshToken);
    expect(kept.tokens?.accessToken).not.toBe(before?.accessToken);
    await close();
  });

  it('names the person who consented and advises a service account', async () => {
    const { connector: opened, close } = open(canvas.logins.admin);
    expect(await opened.prove(['lms.courses'])).toMatchObject({
      ok: true,
      actsAs: { name: 'Alex Admin', isServiceAccount: null },
      advice: ['use-service-account'],
    });
    await close();
  });

  it('a teacher lets us in and administers nothing', async () => {
    const { connector: opened, close } = open(canvas.logins.teacher);
    expect(await opened.prove(['lms.courses'])).toMatchObject({
      ok: false,
      actsAs: { name: 'Toni Teacher' },
      results: [{ errorCode: 'rights-missing', details: { problem: 'no-account-administered' } }],
    });
    await close();
  });

  it('the administrator of one site gives the courses of that site and of what lies below it', async () => {
    const { connector: opened, close } = open(canvas.logins.siteAdmin);
    expect((await opened.prove(['lms.courses'])).advice).toContain('terms-not-readable');
    const ids: string[] = [];
    const deviations = new Set<string>();
    for await (const page of opened.fetch('courses', null)) {
      ids.push(...page.records.map((record) => record.sourceId));
      for (const key of page.deviations) deviations.add(key);
    }
    const wanted = [...canvas.model.courses.values()].filter(
      (course) => ['101', '151'].includes(course.accountId) && course.state !== 'deleted',
    );
    expect(new Set(ids)).toEqual(new Set(wanted.map((course) => course.id)));
    expect(deviations).toContain('terms-not-readable');
    await close();
  });

  it('ids beyond 2^53 arrive whole', async () => {
    const { connector: opened, close } = open(canvas.logins.admin);
    const ids: string[] = [];
    for await (const page of opened.fetch('courses', null)) ids.push(...page.records.map((record) => record.sourceId));
    expect(ids.some((id) => BigInt(id) > BigInt(Number.MAX_SAFE_INTEGER))).toBe(true);
    expect(ids.every((id) => canvas.model.courses.has(id))).toBe(true);
    await close();
  });

  it('a developer key without a scope is told apart from a missing right and a dead token', async () => {
    const courses = 'url:GET|/api/v1/accounts/:account_id/courses';
    const { connector: opened, close } = open(canvas.logins.admin);
    const key = canvas.oauth.key(canvas.demoKey.id);
    if (key === undefined) throw new Error('the sandbox has no key');
    const narrower = key.scopes.filter((scope) => scope !== courses);
    canvas.oauth.createKey({ ...key, scopes: narrower });
    const minted = canvas.oauth.mint(key.id, userOf(canvas.logins.admin).id);
    const test = testSession({
      settings: { baseUrl: canvas.url },
      secret: secretOf(),
      tokens: { ...minted, expiresAt: null, scopes: null, actsAs: null, clientAuthentication: 'body' },
    });
    expect(await connector.open(test.session).prove(['lms.courses'])).toMatchObject({
      results: [{ errorCode: 'scope-missing', details: { scopes: [courses] } }],
    });
    canvas.oauth.deleteKey(key.id);
    expect(await opened.prove(['lms.courses'])).toMatchObject({
      results: [{ errorCode: 'credential-refused', details: { problem: 'developer-key-refused' } }],
    });
    await close();
    await test.close();
  });

  it('a consent that was withdrawn over there asks for another', async () => {
    const { connector: opened, close } = open(canvas.logins.admin);
    canvas.oauth.revokeAll();
    expect(await opened.prove(['lms.courses'])).toMatchObject({
      results: [{ errorCode: 'credential-refused', details: { problem: 'consent-needed' } }],
    });
    await close();
  });

  it.each([429, 403] as const)(
    'a Canvas that throttles with %i is waited for, not given up',
    async (throttleStatus) => {
      Object.assign(canvas.settings, { quota: 1.5, refillPerSecond: 0, throttleStatus });
      const { connector: opened, close } = open(canvas.logins.admin);
      const proof = await opened.prove(['lms.courses']);
      expect(proof.results).toMatchObject([{ errorCode: 'foreign-throttled' }]);
      await close();
    },
  );

  it('ends its tokens over there, and is content with dead ones', async () => {
    const { session, kept, close } = open(canvas.logins.admin);
    const { tokens } = kept;
    if (tokens === null) throw new Error('there are tokens');
    await consentOf().revoke(session, tokens);
    expect(canvas.oauth.tokenOf(tokens.accessToken)).toBeUndefined();
    await consentOf().revoke(session, tokens);
    await close();
  });
});
