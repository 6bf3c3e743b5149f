import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { appUser } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb, type Work } from '#server/kernel/verb.ts';
import { deviceSchema } from './device-schema.ts';
import { foldEmail } from './email-address.ts';
import { deviceKnows } from './known-device.ts';
import { type OpenedSession, openSession } from './open-session.ts';
import { verifyPassword } from './password-hash.ts';
import { type FactorUsed, spendSecondFactor } from './second-factor.ts';
import { forgiveTry, rateLimited, reserveTry, reserveTryOrRefuse, type ThrottleKey } from './sign-in-throttle.ts';

/**
 * Opens a session for an e-mail address and a password. Not on the wire: Auth.js calls it (server/features/people/auth-config.ts)
 * and seals the token into the cookie.
 *
 * An address that nobody has, a wrong password and a disabled account answer alike (`sign-in-refused`) after the same
 * work. After some failures the bucket closes for a growing while (`rate-limited`, the same for addresses that nobody
 * has); a device where the person signed in before has a bucket of its own, and whoever gives password and second factor
 * together passes a bucket that a stranger closed.
 */
export const signInWithPassword = defineLongVerb({
  name: 'people.sign-in-with-password',
  kind: 'command',
  access: [{ anyone: true }],
  input: z.object({
    email: z.string().max(400),
    password: z.string().max(1000),
    code: z.string().max(40).optional(),
    device: deviceSchema,
  }),
  run: async ({ ctx, input, transact }): Promise<OpenedSession & { folded: string }> => {
    const { device } = input;
    const folded = foldEmail(input.email) ?? input.email.trim().toLowerCase();
    const network: ThrottleKey = { bucket: 'network', value: device.networkKey };
    const account: ThrottleKey =
      device.known !== null && deviceKnows(device, folded)
        ? { bucket: 'device', value: `${device.known.nonce} ${folded}` }
        : { bucket: 'account', value: folded };
    const code = input.code?.trim() === '' ? undefined : input.code;
    const now = ctx.clock.now();

    await transact(({ tx }) => reserveTryOrRefuse(tx, now, network));
    const closedFor = await transact(({ tx }) => reserveTry(tx, now, account));
    if (closedFor > 0 && code === undefined) {
      await transact(({ tx }) => forgiveTry(tx, network, 'one'));
      throw rateLimited(closedFor);
    }
    const user = await transact(({ tx }) =>
      tx.query.appUser.findFirst({ where: and(eq(appUser.emailFolded, folded), isNull(appUser.disabledAt)) }),
    );
    const right = await verifyPassword(user?.passwordHash ?? null, input.password);
    if (!right || user === undefined)
      throw closedFor > 0 ? rateLimited(closedFor) : new CrosswalkError('sign-in-refused');

    const factor = code === undefined ? null : await transact((work) => tryFactor(work, user.id, code));
    if (closedFor > 0 && factor === null) throw rateLimited(closedFor);
    return transact(async (work) => {
      await forgiveTry(work.tx, network, 'one');
      await forgiveTry(work.tx, account, 'all');
      const opened = await openSession(work, { userId: user.id, method: 'password', device, factor });
      return { ...opened, folded };
    });
  },
});

/** A code given along with a right password; its failures are counted in its own transaction, so that they last. */
async function tryFactor({ ctx, tx }: Work, userId: string, code: string): Promise<FactorUsed | null> {
  const key: ThrottleKey = { bucket: 'second-factor', value: userId };
  if ((await reserveTry(tx, ctx.clock.now(), key)) > 0) return null;
  const used = await spendSecondFactor(ctx, tx, userId, code);
  if (used !== null) await forgiveTry(tx, key, 'all');
  return used;
}
