import { createHash } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { signInThrottle } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/**
 * What tries are counted by, and how many are free before each further failure doubles the wait. A stranger's failures
 * fill `account`; a device that the person used before has a bucket of its own, so that nobody can lock him out.
 */
const buckets = {
  /** Folded e-mail, from a device that nobody knows. Counted whether or not there is such an account. */
  account: 5,
  /** Folded e-mail and a device where it signed in before. */
  device: 10,
  /** IPv4 address or IPv6 /64. Generous: a whole school sits behind one. */
  network: 60,
  /** User; counted only after a right password. */
  'second-factor': 5,
  /** User; the present password asked again inside a session. */
  password: 5,
  /** Folded e-mail that a reset is asked for, and the network that asks. */
  reset: 3,
  'reset-network': 30,
  /** A consumer's client and the network that tries it: guessing from elsewhere keeps nobody out. */
  client: 20,
  /** The network that tries clients, whether or not there are such. */
  'client-network': 100,
} as const;

export type Bucket = keyof typeof buckets;
export interface ThrottleKey {
  readonly bucket: Bucket;
  readonly value: string;
}

const longestWaitSeconds = 15 * 60;
/** After this long without a failure the count starts anew. */
const forgetMilliseconds = 60 * 60 * 1000;

const hashOf = ({ bucket, value }: ThrottleKey) => createHash('sha256').update(`${bucket}\0${value}`).digest();

/** Seconds to wait after the nth failure in a row. */
export function waitSeconds(bucket: Bucket, failures: number): number {
  const beyond = failures - buckets[bucket];
  return beyond < 0 ? 0 : Math.min(2 ** Math.min(beyond, 20), longestWaitSeconds);
}

const reserved = z.array(z.object({ failures: z.number() }));

/**
 * Counts a try as failed before it is made, so that many at once cannot pass; `forgiveTry` takes it back.
 * @returns seconds to wait, where this bucket is closed just now; then nothing is counted. 0: go ahead.
 */
export async function reserveTry(tx: Tx, now: Date, key: ThrottleKey): Promise<number> {
  const at = now.toISOString();
  const forgetBefore = new Date(now.getTime() - forgetMilliseconds).toISOString();
  const hash = hashOf(key);
  const [row] = reserved.parse(
    await tx.execute(sql`
      insert into sign_in_throttle as t (key_hash, failures, window_started_at) values (${hash}, 1, ${at}::timestamptz)
      on conflict (key_hash) do update
        set failures = case when t.window_started_at < ${forgetBefore}::timestamptz then 1 else t.failures + 1 end,
            window_started_at = ${at}::timestamptz, blocked_until = null
      where t.blocked_until is null or t.blocked_until <= ${at}::timestamptz
      returning failures`),
  );
  if (row === undefined) {
    const closed = await tx.query.signInThrottle.findFirst({ where: eq(signInThrottle.keyHash, hash) });
    return Math.max(1, Math.ceil(((closed?.blockedUntil?.getTime() ?? 0) - now.getTime()) / 1000));
  }
  const wait = waitSeconds(key.bucket, row.failures);
  if (wait > 0) {
    await tx
      .update(signInThrottle)
      .set({ blockedUntil: new Date(now.getTime() + wait * 1000) })
      .where(eq(signInThrottle.keyHash, hash));
  }
  return 0;
}

/** `reserveTry` that throws `rate-limited`, with the wait in `details.seconds`. */
export async function reserveTryOrRefuse(tx: Tx, now: Date, key: ThrottleKey): Promise<void> {
  const seconds = await reserveTry(tx, now, key);
  if (seconds > 0) throw rateLimited(seconds);
}

export function rateLimited(seconds: number): CrosswalkError {
  return new CrosswalkError('rate-limited', { details: { seconds }, retryAfterSeconds: seconds });
}

/** After a success: forgets the bucket's failures (`all`), or only the try that was reserved (`one`). */
export async function forgiveTry(tx: Tx, key: ThrottleKey, what: 'all' | 'one'): Promise<void> {
  const here = eq(signInThrottle.keyHash, hashOf(key));
  if (what === 'all') await tx.delete(signInThrottle).where(here);
  else {
    await tx
      .update(signInThrottle)
      .set({ failures: sql`greatest(0, ${signInThrottle.failures} - 1)`, blockedUntil: null })
      .where(here);
  }
}
