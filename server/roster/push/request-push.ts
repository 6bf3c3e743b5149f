import { and, desc, eq, gt, inArray, or, sql } from 'drizzle-orm';
import { pushRun } from '#db/schema/index.ts';
import type { PushEnding, PushTrigger } from '#db/schema/vocabulary.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';

export interface RequestedPush {
  readonly pushRunId: string;
  /** True where the request joined a push that was there already. */
  readonly joined: boolean;
}

/**
 * Asks for a push of a connection in the caller's transaction. One that is queued is joined, for it will see the roster as it is then; so is one
 * that waits for a person, unless the roster is asked for anew by hand: then it is planned again. What is running is followed by another.
 * @throws CrosswalkError `state-forbids` where an ending is under way
 */
export async function requestPush(
  work: Work,
  wanted: {
    readonly schoolId: string;
    readonly connectionId: string;
    /** The LMS. */
    readonly systemId: string;
    readonly producerSystemId: string;
    readonly trigger: PushTrigger;
    readonly ending?: PushEnding;
    readonly requestedBy?: string | null;
  },
): Promise<RequestedPush> {
  const { schoolId, connectionId, systemId, trigger } = wanted;
  const now = work.ctx.clock.now();
  // One at a time per LMS, so that two requests cannot both find nothing.
  await work.tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${systemId}, 12))`);
  const [current] = await work.tx
    .select({ id: pushRun.id, state: pushRun.state, ending: pushRun.ending })
    .from(pushRun)
    .where(
      and(
        eq(pushRun.schoolId, schoolId),
        eq(pushRun.connectionId, connectionId),
        or(inArray(pushRun.state, ['queued', 'held']), and(eq(pushRun.state, 'running'), gt(pushRun.leaseUntil, now))),
      ),
    )
    .orderBy(desc(eq(pushRun.state, 'queued')), desc(pushRun.id))
    .limit(1);
  if (current !== undefined && current.ending !== null && trigger !== 'ending') {
    throw new CrosswalkError('state-forbids', { details: { problem: 'connection-is-ending' } });
  }
  // What waits for a person is planned anew where somebody asks by hand; an ending takes the place of whatever waits.
  const takesOver = trigger === 'ending' || (trigger === 'hand' && current?.state === 'held');
  const follows = current?.state === 'running' && trigger !== 'hand';
  if (current !== undefined && !takesOver && !follows) return { pushRunId: current.id, joined: true };
  if (takesOver) await discardWaiting(work, schoolId, connectionId, now);
  const pushRunId = newId();
  await work.tx.insert(pushRun).values({
    id: pushRunId,
    schoolId,
    connectionId,
    systemId,
    producerSystemId: wanted.producerSystemId,
    trigger,
    state: 'queued',
    ending: wanted.ending ?? null,
    requestedBy: wanted.requestedBy ?? null,
    createdAt: now,
  });
  await work.emit('push/requested', { schoolId, systemId, pushRunId });
  return { pushRunId, joined: false };
}

/** What waits for a person, or for its turn, is over: another question takes its place. */
async function discardWaiting(work: Work, schoolId: string, connectionId: string, now: Date): Promise<void> {
  const rows = await work.tx
    .update(pushRun)
    .set({ state: 'discarded', finishedAt: now })
    .where(
      and(
        eq(pushRun.schoolId, schoolId),
        eq(pushRun.connectionId, connectionId),
        inArray(pushRun.state, ['queued', 'held']),
      ),
    )
    .returning({ id: pushRun.id });
  for (const { id } of rows) await work.tx.execute(sql`select across.close_push_staging(${id}::uuid)`);
}
