import { Auth } from '@auth/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { acceptInvitation } from '#server/features/people/accept-invitation.ts';
import { inviteSchoolMember } from '#server/features/people/invite-school-member.ts';
import { hashPassword } from '#server/features/people/password-hash.ts';
import { readSessionToken, sessionCookie } from '#server/features/people/session-token.ts';
import { unlinkIdentity } from '#server/features/people/unlink-identity.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { silentLogger } from '#server/kernel/log.ts';
import { contextFor, makePerson, makeSchool, nobody, type TestPerson } from '#server/testing/actors.ts';
import { orderedMails, tokenInLastMail } from '#server/testing/mails.ts';
import { startOpenIdProvider, type TestOpenIdProvider } from '#server/testing/openid-provider.ts';
import {
  type AuthFacts,
  authConfig,
  intentCookieName,
  type OidcIntent,
  sealIntent,
  sessionMark,
} from './auth-config.ts';
import { contextOfRequest } from './context.ts';

const baseUrl = 'http://localhost:3000';
const callback = `${baseUrl}/api/auth/callback/campus`;
const password = 'vijf paarse fietsen';

describe('Auth.js over our sessions', () => {
  let database: TestDatabase;
  let provider: TestOpenIdProvider;
  let web: AuthFacts;
  let person: TestPerson;

  beforeAll(async () => {
    database = await createTestDatabase();
    provider = await startOpenIdProvider({ id: 'crosswalk', secret: 'secret-of-crosswalk', redirectUri: callback });
  });
  afterAll(async () => {
    await provider.stop();
    await database.drop();
  });
  beforeEach(async () => {
    const { keyring } = await nobody(database);
    web = {
      database: database.web,
      keyring,
      // Cookies and ID tokens are checked against the machine's time, so this clock starts there.
      clock: fixedClock(new Date()),
      baseUrl,
      cookie: sessionCookie({ baseUrl, masterKeys: [{ id: '1', base64: database.masterKey }] }),
      logger: silentLogger,
      env: {
        oidc: [
          {
            id: 'campus',
            label: 'Campus',
            issuer: provider.issuer,
            clientId: 'crosswalk',
            clientSecret: 'secret-of-crosswalk',
          },
        ],
      },
    };
    person = await makePerson(database);
    await database.admin`update app_user set password_hash = ${await hashPassword(password)} where id = ${person.userId}`;
  });

  /** A browser: keeps cookies, follows nothing. */
  class Browser {
    readonly jar = new Map<string, string>();
    get headers() {
      return new Headers({ cookie: [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ') });
    }
    async request(url: string, form?: Record<string, string>): Promise<Response> {
      const { headers } = this;
      if (form !== undefined) headers.set('content-type', 'application/x-www-form-urlencoded');
      const body = form === undefined ? undefined : new URLSearchParams(form).toString();
      const request = new Request(url, { method: form === undefined ? 'GET' : 'POST', headers, body });
      const response = await Auth(request, authConfig(web, request));
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === '' || /max-age=0/i.test(line)) this.jar.delete(name);
        else this.jar.set(name, value);
      }
      return response;
    }
    async post(path: string, form: Record<string, string> = {}): Promise<Response> {
      const { csrfToken }: { csrfToken: string } = await (await this.request(`${baseUrl}/api/auth/csrf`)).json();
      return this.request(`${baseUrl}/api/auth/${path}`, { csrfToken, ...form });
    }
    signIn(more: Record<string, string> = {}) {
      return this.post('callback/password', { email: person.email, password, ...more });
    }
    async mean(intent: OidcIntent) {
      this.jar.set(intentCookieName(web.cookie), await sealIntent(web.cookie, intent));
    }
    token = () => readSessionToken(web.cookie, this.headers);
    context = () => contextOfRequest(web, { headers: this.headers });
    /** To the provider and back. */
    async withCampus(subject: string, back: (url: string) => string = (url) => url): Promise<string> {
      const leave = await this.post('signin/campus', { callbackUrl: '/start' });
      const there = leave.headers.get('location') ?? '';
      expect(there.startsWith(provider.issuer)).toBe(true);
      const response = await this.request(back(await provider.signInAt(there, subject)));
      return response.headers.get('location') ?? '';
    }
  }

  it('signs in by password with a cookie that no script and no other site can use, and that tells nothing', async () => {
    const browser = new Browser();
    const response = await browser.signIn();
    const line = response.headers.getSetCookie().find((one) => one.startsWith('crosswalk-session='));
    expect(line).toMatch(/HttpOnly/i);
    expect(line).toMatch(/SameSite=Lax/i);
    expect(line).toMatch(/Path=\//i);
    expect(line).not.toMatch(/Domain=/i);
    expect((await browser.context()).actor).toMatchObject({ userId: person.userId, assurance: 'full' });
    const told = await (await browser.request(`${baseUrl}/api/auth/session`)).json();
    expect(Object.keys(told)).toEqual(['expires']);
  });

  it('uses a __Host- cookie with Secure where people come over https', async () => {
    const secure = sessionCookie({
      baseUrl: 'https://x.example',
      masterKeys: [{ id: '1', base64: database.masterKey }],
    });
    const origin = 'https://x.example';
    const facts = { ...web, cookie: secure, baseUrl: origin };
    const send = (path: string, headers: Record<string, string>, body?: URLSearchParams) => {
      const request = new Request(`${origin}/api/auth/${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers,
        body,
      });
      return Auth(request, authConfig(facts, request));
    };
    const asked = await send('csrf', {});
    const { csrfToken }: { csrfToken: string } = await asked.json();
    const cookie = asked.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const body = new URLSearchParams({ csrfToken, email: person.email, password });
    const answer = await send(
      'callback/password',
      { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      body,
    );
    const line = answer.headers.getSetCookie().find((one) => one.startsWith('__Host-crosswalk-session='));
    for (const flag of [/; Path=\//, /; HttpOnly/, /; Secure/, /; SameSite=Lax/i]) expect(line).toMatch(flag);
    expect(line).not.toMatch(/Domain=/i);
    expect(answer.headers.getSetCookie().every((one) => /^__(?:Host|Secure)-/.test(one))).toBe(true);
  });

  it('refuses a sign-in that another site posts', async () => {
    const browser = new Browser();
    await browser.request(`${baseUrl}/api/auth/callback/password`, {
      email: person.email,
      password,
      csrfToken: 'guessed',
    });
    expect(await browser.token()).toBeNull();
  });

  it('says of a refusal only its code and the wait', async () => {
    const browser = new Browser();
    const codes = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      const to = (await browser.signIn({ password: 'wrong' })).headers.get('location') ?? '';
      codes.push(new URL(to).searchParams.get('code'));
    }
    expect(codes).toEqual([...Array(5).fill('sign-in-refused'), 'rate-limited.1', 'rate-limited.1']);
  });

  it('signs out: the session itself ends, not only the cookie', async () => {
    const browser = new Browser();
    await browser.signIn();
    const thief = new Browser();
    for (const [name, value] of browser.jar) thief.jar.set(name, value);
    await browser.post('signout');
    expect(await browser.token()).toBeNull();
    expect((await thief.context()).actor.kind).toBe('anonymous');
  });

  describe('with an OpenID provider', () => {
    const subject = () => `subject-${newId()}`;

    it('lets in who is linked by issuer and subject, and nobody by an e-mail address', async () => {
      const sub = subject();
      await database.admin`update app_user set email_folded = 'victim@school.example', email = 'victim@school.example' where id = ${person.userId}`;
      expect(await new Browser().withCampus(sub)).toContain('/sign-in?problem=identity-not-linked');
      const owner = new Browser();
      await owner.post('callback/password', { email: 'victim@school.example', password });
      await owner.mean({ kind: 'link', session: sessionMark((await owner.token()) ?? '') });
      expect(await owner.withCampus(sub)).toContain('/account?linked=1');
      const browser = new Browser();
      expect(await browser.withCampus(sub)).toBe(`${baseUrl}/start`);
      expect((await browser.context()).actor).toMatchObject({ userId: person.userId, assurance: 'full' });
      expect((await orderedMails(database, web)).at(-1)).toMatchObject({
        template: 'identity-linked',
        to: 'victim@school.example',
      });
      await database.admin`update app_user set email_folded = ${`${newId()}@example.org`} where id = ${person.userId}`;
    });

    it('asks for the second factor all the same', async () => {
      const sub = subject();
      await database.admin`insert into oidc_identity (issuer, subject, user_id) values (${provider.issuer}, ${sub}, ${person.userId})`;
      const school = await makeSchool(database);
      await database.admin`update organisation set requires_totp = true where id = ${school.schoolId}`;
      await database.admin`insert into membership (id, organisation_id, school_id, user_id, role)
        values (${newId()}, ${school.schoolId}, ${school.schoolId}, ${person.userId}, 'approver')`;
      const browser = new Browser();
      await browser.withCampus(sub);
      expect((await browser.context()).actor).toMatchObject({ assurance: 'password-ok' });
    });

    it('links only to the session that began it, and one OpenID account to one person', async () => {
      const sub = subject();
      const victim = new Browser();
      await victim.signIn();
      await victim.mean({ kind: 'link', session: sessionMark('the session of somebody else') });
      expect(await victim.withCampus(sub)).toContain('problem=not-signed-in');
      await victim.mean({ kind: 'sign-in' });
      expect(await victim.withCampus(sub)).toContain('problem=identity-not-linked');
      const other = await makePerson(database);
      await database.admin`insert into oidc_identity (issuer, subject, user_id) values (${provider.issuer}, ${sub}, ${other.userId})`;
      await victim.mean({ kind: 'link', session: sessionMark((await victim.token()) ?? '') });
      expect(await victim.withCampus(sub)).toContain('problem=duplicate');
    });

    it.each([
      ['a foreign state', (url: string) => url.replace(/state=[^&]+/, 'state=forged')],
      ['another code', (url: string) => url.replace(/code=[^&]+/, 'code=forged')],
      ['another issuer', (url: string) => url.replace(/iss=[^&]+/, 'iss=https%3A%2F%2Fevil.example')],
    ])('refuses an answer with %s', async (_what, tamper) => {
      const sub = subject();
      await database.admin`insert into oidc_identity (issuer, subject, user_id) values (${provider.issuer}, ${sub}, ${person.userId})`;
      const browser = new Browser();
      expect(await browser.withCampus(sub, tamper)).toContain('/sign-in?error=');
      expect(await browser.token()).toBeNull();
    });

    it('refuses an answer in a browser that did not ask, and the same answer twice', async () => {
      const sub = subject();
      await database.admin`insert into oidc_identity (issuer, subject, user_id) values (${provider.issuer}, ${sub}, ${person.userId})`;
      const attacker = new Browser();
      const leave = await attacker.post('signin/campus');
      const answer = await provider.signInAt(leave.headers.get('location') ?? '', sub);
      const victim = new Browser();
      expect((await victim.request(answer)).headers.get('location')).toContain('error=');
      expect(await victim.token()).toBeNull();
      await attacker.request(answer);
      expect(await attacker.token()).not.toBeNull();
      const before = await attacker.token();
      await attacker.request(answer);
      expect(await attacker.token()).toBe(before);
    });

    async function invite(email: string) {
      const school = await makeSchool(database);
      const ctx = await contextFor(database, school.people['school-administrator'], { clock: web.clock });
      await inviteSchoolMember({
        ctx,
        input: { schoolId: school.schoolId, email, name: 'Nina New', roles: ['approver'] },
      });
      return { school, token: await tokenInLastMail(database, ctx, email) };
    }

    it('takes an invitation that was opened: account, link and role in one', async () => {
      const email = `nina-${newId()}@school.example`;
      const { school, token } = await invite(email);
      const sub = subject();
      const browser = new Browser();
      await browser.mean({ kind: 'invitation', token });
      expect(await browser.withCampus(sub)).toBe(`${baseUrl}/start`);
      expect((await browser.context()).actor).toMatchObject({
        email,
        memberships: [{ role: 'approver', schoolId: school.schoolId }],
      });
      const again = new Browser();
      await again.withCampus(sub);
      expect((await again.context()).actor).toMatchObject({ email });
      await expect(
        unlinkIdentity({ ctx: await again.context(), input: { issuer: provider.issuer, subject: sub } }),
      ).rejects.toMatchObject({ code: 'state-forbids' });
      await again.mean({ kind: 'invitation', token });
      expect(await again.withCampus(sub)).toContain('problem=link-unusable');
    });

    it('does not take over an account that has the invited address, nor an invitation for another', async () => {
      const { token } = await invite(person.email);
      const stranger = new Browser();
      await stranger.mean({ kind: 'invitation', token });
      expect(await stranger.withCampus(subject())).toContain(`/invitation/${token}?problem=not-signed-in`);
      const sub = subject();
      await database.admin`insert into oidc_identity (issuer, subject, user_id) values (${provider.issuer}, ${sub}, ${person.userId})`;
      const { token: forAnother } = await invite(`other-${newId()}@school.example`);
      await stranger.mean({ kind: 'invitation', token: forAnother });
      expect(await stranger.withCampus(sub)).toContain('problem=invitation-for-another');
      await stranger.mean({ kind: 'invitation', token });
      expect(await stranger.withCampus(sub)).toBe(`${baseUrl}/start`);
      await expect(
        acceptInvitation({ ctx: await nobody(database), input: { token, account: { name: 'X', password } } }),
      ).rejects.toMatchObject({ code: 'link-unusable' });
    });
  });
});
