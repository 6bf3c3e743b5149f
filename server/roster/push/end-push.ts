import { and, eq, inArray, lt, sql } from 'drizzle-orm';
import { z } from 'zod';
import { pushRow, pushRun, receipt } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, type ErrorCode, errorCodes, type SafeDetails } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { summed } from './decide.ts';
import type { PushKey } from './lease.ts';
import { holdPush } from './lease.ts';
import { countPush } from './plan.ts';
import type { PushPorts } from './ports.ts';
import { dropPushStaging } from './push-staging.ts';
import type { PushAt } from './read-there.ts';

/** Days for which the rows of a push can be looked up. */
const rowDays = 30;

/** Closes a push: counts, staging, old rows; its connection hears of it after the transaction. As the sync role. */
export async function finishPush(
  ctx: Context,
  ports: Pick<PushPorts, 'onPushDone' | 'onPushEnded'>,
  push: PushAt,
): Promise<void> {
  const now = ctx.clock.now();
  const finished = await ctx.database.withSchool(push.schoolId, async (tx) => {
    const [run] = await tx
      .select()
      .from(pushRun)
      .where(and(eq(pushRun.id, push.pushRunId), eq(pushRun.schoolId, push.schoolId)));
    // An earlier attempt of the same step did it, and its answer was lost in a crash.
    if (run === undefined || (run.state === 'succeeded' && run.fence === push.fence)) return run ?? null;
    const counts = summed(await countPush(tx, push));
    await holdPush(tx, push, now, { counts, progress: {} });
    await dropPushStaging(tx, push);
    await tx
      .update(pushRun)
      .set({ state: 'succeeded', finishedAt: now, leaseUntil: null })
      .where(eq(pushRun.id, push.pushRunId));
    if (run.ending !== null) await forgetLedger(ctx, tx, push, run.ending);
    const old = tx
      .select({ id: pushRun.id })
      .from(pushRun)
      .where(
        and(
          eq(pushRun.connectionId, push.connectionId),
          inArray(pushRun.state, ['succeeded', 'failed', 'discarded']),
          lt(pushRun.createdAt, new Date(now.getTime() - rowDays * 86_400_000)),
        ),
      );
    await tx.delete(pushRow).where(and(eq(pushRow.schoolId, push.schoolId), inArray(pushRow.pushRunId, old)));
    return { ...run, counts };
  });
  if (finished === null) return;
  const { schoolId, pushRunId, connectionId } = push;
  const done = Object.values(finished.counts).reduce((sum, of) => sum + (of.done ?? 0), 0);
  const outcome = { schoolId, pushRunId, connectionId };
  if (finished.ending === null) await ports.onPushDone(ctx, { ...outcome, records: done, at: now });
  else await ports.onPushEnded(ctx, outcome);
}

const counted = z.array(z.object({ entity: z.string(), n: z.coerce.number() }));

/** With a connection ends its ledger: what stands there still is the school's own from now on. A receipt says how much. */
async function forgetLedger(
  ctx: Context,
  tx: Parameters<typeof countPush>[0],
  push: PushAt,
  ending: string,
): Promise<void> {
  const rows = counted.parse(
    await tx.execute(sql`
      with gone as (
        delete from push_ledger where school_id = ${push.schoolId}::uuid and connection_id = ${push.connectionId}::uuid returning entity)
      select entity, count(*) as n from gone group by 1`),
  );
  await tx.execute(
    sql`delete from push_choice where school_id = ${push.schoolId}::uuid and connection_id = ${push.connectionId}::uuid`,
  );
  await tx.insert(receipt).values({
    id: newId(),
    schoolId: push.schoolId,
    kind: 'data-deleted',
    subjectId: push.systemId,
    facts: {
      total: rows.reduce((sum, { n }) => sum + n, 0),
      ...Object.fromEntries(rows.map(({ entity, n }) => [entity, n])),
    },
    reason: `push-ended-${ending}`,
    at: ctx.clock.now(),
  });
}

const detailsSchema = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]),
);
const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorCodes, text);

/**
 * Ends a push that will not succeed; the cause is what the last slice noted, else `code`. What was written stands in the ledger, and the next
 * push goes on from there. Does nothing to one that has ended or that another has taken over. As the sync role.
 */
export async function failPush(
  ctx: Context,
  ports: Pick<PushPorts, 'onPushFailed'>,
  push: PushKey & { readonly fence: number | null },
  code: string,
): Promise<void> {
  const now = ctx.clock.now();
  const failed = await ctx.database.withSchool(push.schoolId, async (tx) => {
    const [row] = await tx
      .select()
      .from(pushRun)
      .where(and(eq(pushRun.id, push.pushRunId), eq(pushRun.schoolId, push.schoolId)))
      .for('update');
    const isOurs = row !== undefined && ['running', 'queued', 'failed'].includes(row.state);
    if (!isOurs || (push.fence !== null && row.fence !== push.fence)) return null;
    const cause = [row.errorCode ?? code, code].find(isErrorCode) ?? 'internal';
    const parsed = detailsSchema.safeParse(row.errorDetails ?? {});
    const details: SafeDetails = parsed.success ? parsed.data : {};
    await tx.execute(sql`
      update push_row set state = 'unknown' where school_id = ${push.schoolId}::uuid and push_run_id = ${push.pushRunId}::uuid and state = 'sent'`);
    await dropPushStaging(tx, push);
    await tx
      .update(pushRun)
      .set({
        state: 'failed',
        counts: summed(await countPush(tx, push)),
        errorCode: cause,
        errorDetails: { ...details },
        finishedAt: now,
        leaseUntil: null,
      })
      .where(eq(pushRun.id, push.pushRunId));
    return { connectionId: row.connectionId, error: new CrosswalkError(cause, { details }) };
  });
  if (failed === null) return;
  await ports.onPushFailed(ctx, { schoolId: push.schoolId, pushRunId: push.pushRunId, ...failed, at: now });
}
