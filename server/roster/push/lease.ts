import { and, eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { pushRun } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

export interface PushKey {
  readonly schoolId: string;
  readonly pushRunId: string;
}

/** A push with the fencing number of whoever works on it. A later holder has a higher one, and the earlier writes nothing more. */
export interface HeldPush extends PushKey {
  readonly fence: number;
}

/** Longer than any step; a push whose lease has lapsed is abandoned. */
export const pushLeaseMs = 5 * 60_000;

/**
 * Prolongs the lease and, in the same breath, proves it and locks the run's row; other columns may change with it.
 * @throws CrosswalkError `state-forbids` where another has taken the push over or it is at work no more
 */
export async function holdPush(
  tx: Tx,
  push: HeldPush,
  now: Date,
  set: Partial<
    Pick<
      typeof pushRun.$inferInsert,
      'phase' | 'progress' | 'counts' | 'errorCode' | 'errorDetails' | 'packageSince' | 'packageTicket'
    >
  > = {},
): Promise<void> {
  const rows = await tx
    .update(pushRun)
    .set({ ...set, leaseUntil: new Date(now.getTime() + pushLeaseMs) })
    .where(
      and(
        eq(pushRun.id, push.pushRunId),
        eq(pushRun.schoolId, push.schoolId),
        eq(pushRun.fence, push.fence),
        eq(pushRun.state, 'running'),
      ),
    )
    .returning({ id: pushRun.id });
  if (rows.length === 0) {
    throw new CrosswalkError('state-forbids', { details: { problem: 'lease-lost', pushRunId: push.pushRunId } });
  }
}
