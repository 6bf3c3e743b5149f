import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import {
  contextOf,
  giveRole,
  makePerson,
  makeSchool,
  nobody,
  type TestPerson,
  testNow,
} from '#server/testing/actors.ts';
import { orderedMails, tokenInLastMail } from '#server/testing/mails.ts';
import { actorOfSession } from './actor-of-session.ts';
import { beginTotp } from './begin-totp.ts';
import { changePassword } from './change-password.ts';
import { confirmTotp } from './confirm-totp.ts';
import { giveSecondFactor } from './give-second-factor.ts';
import { type Device, deviceOfRequest, rememberDevice } from './known-device.ts';
import { listSessions } from './list-sessions.ts';
import { hashPassword } from './password-hash.ts';
import { removeTotp } from './remove-totp.ts';
import { requestPasswordReset } from './request-password-reset.ts';
import { requireSchoolSecondFactor } from './require-school-second-factor.ts';
import { resetPassword } from './reset-password.ts';
import { revokeOtherSessions } from './revoke-other-sessions.ts';
import { revokeSession } from './revoke-session.ts';
import { sessionCookie } from './session-token.ts';
import { signInWithPassword } from './sign-in-with-password.ts';
import { signOut } from './sign-out.ts';
import { viewPasswordReset } from './view-password-reset.ts';
import { whoAmI } from './who-am-i.ts';

const password = 'vijf paarse fietsen';
const minute = 60_000;
const hour = 60 * minute;

describe('signing in', () => {
  let database: TestDatabase;
  let hash: string;
  let clock: ReturnType<typeof fixedClock>;
  let anonymous: Context;
  let person: TestPerson;

  beforeAll(async () => {
    database = await createTestDatabase();
    hash = await hashPassword(password);
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    clock = fixedClock(testNow);
    anonymous = await nobody(database, { clock });
    person = await withPassword(await makePerson(database));
    await database.admin`delete from sign_in_throttle`;
  });

  async function withPassword(one: TestPerson): Promise<TestPerson> {
    await database.admin`update app_user set password_hash = ${hash} where id = ${one.userId}`;
    return one;
  }
  const device = (networkKey = '203.0.113.7', known: Device['known'] = null): Device => ({
    network: '203.0.113.0/24',
    networkKey,
    userAgent: 'Firefox',
    known,
  });
  const signIn = (input: { email?: string; password?: string; code?: string; device?: Device } = {}) =>
    signInWithPassword({
      ctx: anonymous,
      input: { email: person.email, password, device: device(), ...input },
    });
  /** The context of the request that carries this token. */
  const withToken = async (token: string) =>
    contextOf(database, await actorOfSession(database.web, token, clock.now()), { clock });
  const signedIn = async () => withToken((await signIn()).token);
  const codeOf = (secret: string, at = clock.now()) =>
    new TOTP({ secret: Secret.fromBase32(secret.replaceAll(' ', '')) }).generate({ timestamp: at.getTime() });
  async function setUpTotp(ctx: Context): Promise<{ secret: string; recoveryCodes: string[] }> {
    const { secret } = await beginTotp({ ctx, input: {} });
    const { recoveryCodes } = await confirmTotp({ ctx, input: { code: codeOf(secret) } });
    clock.advance(minute);
    return { secret, recoveryCodes };
  }

  it('opens a full session for address and password, however the address is written', async () => {
    const opened = await signIn({ email: ` ${person.email.toUpperCase()} ` });
    expect(opened.state).toBe('full');
    expect((await withToken(opened.token)).actor).toMatchObject({ userId: person.userId, assurance: 'full' });
  });

  it('answers a wrong password, an unknown address, a disabled account and one without password alike', async () => {
    const disabled = await withPassword(await makePerson(database));
    await database.admin`update app_user set disabled_at = now() where id = ${disabled.userId}`;
    const bare = await makePerson(database);
    const answers = [];
    for (const input of [
      { password: 'wrong' },
      { email: 'nobody@example.org' },
      { email: 'no address at all' },
      { email: disabled.email },
      { email: bare.email },
    ]) {
      answers.push(
        await signIn(input).then(
          () => 'in',
          ({ code, details }) => ({ code, details }),
        ),
      );
    }
    expect(answers).toEqual(Array(5).fill({ code: 'sign-in-refused', details: {} }));
  });

  it('slows guessing down with growing waits, the same for an address that nobody has, and forgets in time', async () => {
    for (const email of [person.email, 'nobody@example.org']) {
      const seen: (number | string)[] = [];
      for (let attempt = 0; attempt < 9; attempt += 1) {
        const refused = await signIn({ email, password: 'wrong' }).catch((error) => error);
        seen.push(refused.code === 'rate-limited' ? refused.retryAfterSeconds : refused.code);
        if (refused.code === 'rate-limited') clock.advance(refused.retryAfterSeconds * 1000);
      }
      expect(seen).toEqual([...Array(5).fill('sign-in-refused'), 1, 'sign-in-refused', 2, 'sign-in-refused']);
    }
    clock.advance(2 * hour);
    expect((await signIn()).state).toBe('full');
  });

  it('does not let many guesses at once pass', async () => {
    const results = await Promise.all(
      Array.from({ length: 30 }, () => signIn({ password: 'wrong' }).catch((error) => error.code)),
    );
    expect(results.filter((code) => code === 'sign-in-refused')).toHaveLength(5);
    expect(results.filter((code) => code === 'rate-limited')).toHaveLength(25);
  });

  it('lets the person in from a device that is known, while strangers guess at the address', async () => {
    const cookie = sessionCookie({
      baseUrl: 'http://localhost:3000',
      masterKeys: [{ id: '1', base64: database.masterKey }],
    });
    const { folded } = await signIn();
    const value = await rememberDevice(cookie, device(), folded);
    const known = await deviceOfRequest(cookie, new Headers({ cookie: `crosswalk-device=${value}` }));
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await signIn({ password: 'wrong', device: device(`198.51.100.${attempt}`) }).catch(() => undefined);
    }
    await expect(signIn()).rejects.toMatchObject({ code: 'rate-limited' });
    expect((await signIn({ device: { ...known, networkKey: '203.0.113.9' } })).state).toBe('full');
  });

  it('lets whoever gives password and code together pass while strangers guess, and nobody else', async () => {
    const { secret } = await setUpTotp(await signedIn());
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await signIn({ password: 'wrong', device: device(`198.51.100.${attempt}`) }).catch(() => undefined);
    }
    await expect(signIn({ code: '000000' })).rejects.toMatchObject({ code: 'rate-limited' });
    await expect(signIn({ password: 'wrong', code: codeOf(secret) })).rejects.toMatchObject({ code: 'rate-limited' });
    expect((await signIn({ code: codeOf(secret) })).state).toBe('full');
  });

  it('slows a network down that fails at many addresses', async () => {
    const codes = [];
    for (let attempt = 0; attempt < 62; attempt += 1) {
      codes.push(await signIn({ email: `guess-${attempt}@example.org` }).catch((error) => error.code));
    }
    expect(codes.indexOf('rate-limited')).toBe(60);
    await expect(signIn()).rejects.toMatchObject({ code: 'rate-limited' });
    expect((await signIn({ device: device('192.0.2.1') })).state).toBe('full');
  });

  describe('sessions', () => {
    it('end by themselves when idle, and after a week however busy', async () => {
      const { token } = await signIn();
      clock.advance(7.9 * hour);
      expect((await withToken(token)).actor.kind).toBe('user');
      clock.advance(7.9 * hour);
      expect((await withToken(token)).actor.kind).toBe('user');
      clock.advance(8.1 * hour);
      expect((await withToken(token)).actor.kind).toBe('anonymous');

      const busy = (await signIn()).token;
      for (let hours = 0; hours < 7 * 24 - 6; hours += 6) {
        expect((await withToken(busy)).actor.kind).toBe('user');
        clock.advance(6 * hour);
      }
      clock.advance(6 * hour);
      expect((await withToken(busy)).actor.kind).toBe('anonymous');
    });

    it('are listed, and ended one by one, all others at once, or by signing out', async () => {
      const tokens = [];
      for (let count = 0; count < 4; count += 1) {
        tokens.push((await signIn()).token);
        clock.advance(minute);
      }
      const [first = '', second = '', third = '', fourth = ''] = tokens;
      const ctx = await withToken(first);
      const listed = await listSessions({ ctx, input: {} });
      expect(listed.map((one) => one.current).filter(Boolean)).toHaveLength(1);
      expect(listed).toHaveLength(4);
      expect(listed[0]).toMatchObject({ network: '203.0.113.0/24', userAgent: 'Firefox' });
      const other = await withToken(second);
      const otherId = other.actor.kind === 'user' ? other.actor.sessionId : '';
      await revokeSession({ ctx, input: { sessionId: otherId } });
      expect((await withToken(second)).actor.kind).toBe('anonymous');
      await signOut({ ctx: await withToken(third), input: {} });
      expect((await withToken(third)).actor.kind).toBe('anonymous');
      expect(await revokeOtherSessions({ ctx, input: {} })).toEqual({ revoked: 1 });
      expect((await withToken(fourth)).actor.kind).toBe('anonymous');
      expect((await withToken(first)).actor.kind).toBe('user');
    });

    it('of another person do not exist for me', async () => {
      const mine = await signedIn();
      const stranger = await withPassword(await makePerson(database));
      const theirs = await withToken((await signIn({ email: stranger.email })).token);
      const sessionId = theirs.actor.kind === 'user' ? theirs.actor.sessionId : '';
      await expect(revokeSession({ ctx: mine, input: { sessionId } })).rejects.toMatchObject({ code: 'not-found' });
      expect((await listSessions({ ctx: mine, input: {} })).map((one) => one.id)).not.toContain(sessionId);
    });

    it('end at once when the account is disabled', async () => {
      const { token } = await signIn();
      await database.admin`update app_user set disabled_at = now() where id = ${person.userId}`;
      expect((await withToken(token)).actor.kind).toBe('anonymous');
    });
  });

  describe('the second factor', () => {
    it('is set up with a first code, and from then on every sign-in waits for one', async () => {
      const elsewhere = (await signIn()).token;
      const ctx = await signedIn();
      const begun = await beginTotp({ ctx, input: {} });
      expect(begun.qr).toMatch(/^<svg/);
      await expect(confirmTotp({ ctx, input: { code: '000000' } })).rejects.toMatchObject({
        code: 'second-factor-refused',
      });
      const { recoveryCodes } = await confirmTotp({ ctx, input: { code: codeOf(begun.secret) } });
      expect(new Set(recoveryCodes).size).toBe(10);
      expect((await withToken(elsewhere)).actor).toMatchObject({ assurance: 'password-ok' });

      clock.advance(minute);
      const { token, state } = await signIn();
      expect(state).toBe('password-ok');
      const half = await withToken(token);
      expect(await whoAmI({ ctx: half, input: {} })).toMatchObject({ waitsFor: 'second-factor', account: null });
      await expect(listSessions({ ctx: half, input: {} })).rejects.toMatchObject({ code: 'second-factor-needed' });
      await giveSecondFactor({ ctx: half, input: { code: codeOf(begun.secret) } });
      expect((await withToken(token)).actor).toMatchObject({ assurance: 'full' });
    });

    it('takes each code once, also of two at the same moment', async () => {
      const { secret } = await setUpTotp(await signedIn());
      const [one, two] = [await signedIn(), await signedIn()];
      const input = { code: codeOf(secret) };
      const results = await Promise.allSettled([one, two].map((ctx) => giveSecondFactor({ ctx, input })));
      expect(results.map((result) => result.status).toSorted()).toEqual(['fulfilled', 'rejected']);
      await expect(giveSecondFactor({ ctx: await signedIn(), input })).rejects.toMatchObject({
        code: 'second-factor-refused',
      });
    });

    it('takes each recovery code once, however it is typed', async () => {
      const { recoveryCodes } = await setUpTotp(await signedIn());
      const code = ` ${(recoveryCodes[3] ?? '').toUpperCase().replaceAll('-', ' ')}`;
      await expect(giveSecondFactor({ ctx: await signedIn(), input: { code } })).resolves.toEqual({
        factor: 'recovery-code',
      });
      await expect(giveSecondFactor({ ctx: await signedIn(), input: { code } })).rejects.toMatchObject({
        code: 'second-factor-refused',
      });
    });

    it('cannot be guessed at: waits grow after five wrong codes', async () => {
      await setUpTotp(await signedIn());
      const ctx = await signedIn();
      const codes = [];
      for (let attempt = 0; attempt < 7; attempt += 1) {
        codes.push(await giveSecondFactor({ ctx, input: { code: '000000' } }).catch((error) => error.code));
      }
      expect(codes).toEqual([...Array(5).fill('second-factor-refused'), 'rate-limited', 'rate-limited']);
    });

    it('keeps no secret and no code readable, and a secret moved to another account does not open', async () => {
      const { secret, recoveryCodes } = await setUpTotp(await signedIn());
      const dump = JSON.stringify([
        await database.admin`select * from totp`,
        await database.admin`select encode(code_hash, 'escape') from recovery_code`,
        await database.admin`select * from audit_entry`,
      ]);
      for (const text of [secret, secret.replaceAll(' ', ''), ...recoveryCodes]) expect(dump).not.toContain(text);
      const thief = await withPassword(await makePerson(database));
      await database.admin`
        insert into totp (user_id, sealed_secret, confirmed_at)
        select ${thief.userId}, sealed_secret, confirmed_at from totp where user_id = ${person.userId}`;
      const ctx = await withToken((await signIn({ email: thief.email })).token);
      await expect(giveSecondFactor({ ctx, input: { code: codeOf(secret) } })).rejects.toMatchObject({
        code: 'secret-unreadable',
      });
    });

    it('leaves a half session half an hour, no more', async () => {
      await setUpTotp(await signedIn());
      const { token } = await signIn();
      clock.advance(31 * minute);
      expect((await withToken(token)).actor.kind).toBe('anonymous');
    });

    it('once required by a school, lets nobody work without it, from the next request on', async () => {
      const school = await makeSchool(database);
      await giveRole(database, person, 'approver', school.schoolId);
      const { token } = await signIn();
      expect((await withToken(token)).actor).toMatchObject({ assurance: 'full' });
      const admin = await withPassword(school.people['school-administrator']);
      const adminCtx = await withToken((await signIn({ email: admin.email })).token);
      await requireSchoolSecondFactor({ ctx: adminCtx, input: { schoolId: school.schoolId, required: true } });
      const half = await withToken(token);
      expect(half.actor).toMatchObject({ assurance: 'password-ok' });
      expect(await whoAmI({ ctx: half, input: {} })).toMatchObject({ waitsFor: 'second-factor-set-up' });
      const { secret } = await setUpTotp(half);
      const full = await withToken(token);
      expect(full.actor).toMatchObject({ assurance: 'full' });
      await expect(removeTotp({ ctx: full, input: { code: codeOf(secret) } })).rejects.toMatchObject({
        code: 'state-forbids',
      });
    });

    it('is removed against a code, and the person is told', async () => {
      const ctx = await signedIn();
      const { secret } = await setUpTotp(ctx);
      await removeTotp({ ctx, input: { code: codeOf(secret) } });
      expect((await signIn()).state).toBe('full');
      expect((await orderedMails(database, ctx)).at(-1)).toMatchObject({
        to: person.email,
        template: 'second-factor-removed',
      });
    });
  });

  describe('a new password', () => {
    it('needs the present one, ends all other sessions and is told by mail', async () => {
      const { token: elsewhere } = await signIn();
      const ctx = await signedIn();
      const next = 'zeven groene ballonnen';
      await expect(changePassword({ ctx, input: { present: 'wrong', next } })).rejects.toMatchObject({
        code: 'sign-in-refused',
      });
      await expect(changePassword({ ctx, input: { present: password, next: 'short' } })).rejects.toMatchObject({
        code: 'invalid-input',
        details: { problem: 'too-short' },
      });
      expect(await changePassword({ ctx, input: { present: password, next } })).toEqual({ sessionsEnded: 1 });
      expect((await withToken(elsewhere)).actor.kind).toBe('anonymous');
      await expect(signIn()).rejects.toMatchObject({ code: 'sign-in-refused' });
      expect((await signIn({ password: next })).state).toBe('full');
      expect((await orderedMails(database, ctx)).at(-1)).toMatchObject({
        to: person.email,
        template: 'password-changed',
      });
    });

    const askFor = (email: string, networkKey = '203.0.113.7') =>
      requestPasswordReset({ ctx: anonymous, input: { email, device: device(networkKey) } });

    it('comes by a link that works once and for half an hour, and ends every session', async () => {
      const { token: elsewhere } = await signIn();
      await askFor(person.email.toUpperCase());
      const token = await tokenInLastMail(database, anonymous, person.email);
      expect(await viewPasswordReset({ ctx: anonymous, input: { token } })).toEqual({ state: 'open' });
      const next = 'zeven groene ballonnen';
      await expect(resetPassword({ ctx: anonymous, input: { token, password: 'kort' } })).rejects.toMatchObject({
        code: 'invalid-input',
      });
      const both = await Promise.allSettled(
        [next, `${next} ook`].map((one) => resetPassword({ ctx: anonymous, input: { token, password: one } })),
      );
      expect(both.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      expect((await withToken(elsewhere)).actor.kind).toBe('anonymous');
      expect(await viewPasswordReset({ ctx: anonymous, input: { token } })).toEqual({ state: 'used' });
      await expect(resetPassword({ ctx: anonymous, input: { token, password: next } })).rejects.toMatchObject({
        code: 'link-unusable',
        details: { why: 'used' },
      });
      await askFor(person.email);
      const late = await tokenInLastMail(database, anonymous, person.email);
      clock.advance(31 * minute);
      await expect(resetPassword({ ctx: anonymous, input: { token: late, password: next } })).rejects.toMatchObject({
        details: { why: 'expired' },
      });
    });

    it('is asked for without telling whether there is such an account', async () => {
      const before = (await orderedMails(database, anonymous)).length;
      const answers = [await askFor(person.email), await askFor('nobody@example.org'), await askFor('no address')];
      expect(answers).toEqual(Array(3).fill({ sent: true }));
      expect(await orderedMails(database, anonymous)).toHaveLength(before + 1);
    });

    it('does not take the second factor away', async () => {
      await setUpTotp(await signedIn());
      await askFor(person.email);
      const token = await tokenInLastMail(database, anonymous, person.email);
      await resetPassword({ ctx: anonymous, input: { token, password: 'zeven groene ballonnen' } });
      expect((await signIn({ password: 'zeven groene ballonnen' })).state).toBe('password-ok');
    });

    it('is not mailed to one address without end', async () => {
      const before = (await orderedMails(database, anonymous)).length;
      await Promise.all(Array.from({ length: 8 }, () => askFor(person.email)));
      expect((await orderedMails(database, anonymous)).length - before).toBe(3);
    });

    it('keeps the token out of the database', async () => {
      await askFor(person.email);
      const token = await tokenInLastMail(database, anonymous, person.email);
      const rows =
        await database.admin`select l::text from single_use_link l union all select m::text from mail m union all select a::text from audit_entry a`;
      expect(JSON.stringify(rows)).not.toContain(token);
    });
  });
});
