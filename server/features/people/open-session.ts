import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { session } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import type { Device } from './known-device.ts';
import { type FactorUsed, hasSecondFactor } from './second-factor.ts';
import { halfSessionMilliseconds, newToken, sessionAbsoluteMilliseconds } from './session-token.ts';

export interface OpenedSession {
  /** For the cookie alone. */
  readonly token: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly state: 'password-ok' | 'full';
}

const requirement = z.array(z.object({ required: z.boolean() }));

/** Whether an organisation that the person belongs to requires a second factor. */
export async function secondFactorRequired(work: Pick<Work, 'tx'>, userId: string): Promise<boolean> {
  const [row] = requirement.parse(
    await work.tx.execute(
      sql`select coalesce(bool_or(requires_totp), false) as required from across.memberships_of_user(${userId})`,
    ),
  );
  return row?.required ?? false;
}

/**
 * Opens a session after the first factor: `full` where no second one is set up or required (or it was given along),
 * else `password-ok` with little time to give or set it up. Writes its audit note.
 */
export async function openSession(
  work: Work,
  who: { userId: string; method: 'password' | 'oidc' | 'invitation'; device: Device; factor?: FactorUsed | null },
): Promise<OpenedSession> {
  const { ctx, tx } = work;
  const { userId, device } = who;
  const now = ctx.clock.now();
  const needsMore =
    (who.factor ?? null) === null &&
    ((await hasSecondFactor(tx, userId)) || (await secondFactorRequired(work, userId)));
  const state = needsMore ? 'password-ok' : 'full';
  const { token, hash } = newToken();
  const sessionId = newId();
  await tx.insert(session).values({
    id: sessionId,
    userId,
    tokenHash: hash,
    state,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: new Date(now.getTime() + (needsMore ? halfSessionMilliseconds : sessionAbsoluteMilliseconds)),
    network: device.network,
    userAgent: device.userAgent,
  });
  work.audit({
    action: 'people.session-opened',
    subjectKind: 'session',
    subjectId: sessionId,
    details: { userId, method: who.method, factor: who.factor ?? null, state },
    chain: 'operator',
  });
  return { token, sessionId, userId, state };
}

/** Lifts a session to `full` after the second factor. */
export async function raiseSession(work: Work, sessionId: string): Promise<void> {
  const row = await work.tx.query.session.findFirst({ where: eq(session.id, sessionId) });
  if (row === undefined || row.state === 'revoked') throw new CrosswalkError('not-signed-in');
  await work.tx
    .update(session)
    .set({ state: 'full', expiresAt: new Date(row.createdAt.getTime() + sessionAbsoluteMilliseconds) })
    .where(eq(session.id, sessionId));
}
