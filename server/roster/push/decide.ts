import { and, eq } from 'drizzle-orm';
import { pushRun, pushSettings } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { readPushSettings } from './begin-push.ts';
import { type PushHeld, weighPush } from './guard.ts';
import { type HeldPush, holdPush } from './lease.ts';
import {
  countPush,
  keepApproved,
  keepPlan,
  type Planning,
  type PushCount,
  planEnding,
  planPush,
  settleLedger,
  weighPlan,
  writingActions,
} from './plan.ts';
import { entitiesRead } from './push-staging.ts';

/** What came of planning. */
export interface Decided {
  readonly outcome: 'held' | 'goes-on';
}

/**
 * Plans a push and decides whether it goes on: the first one, the first after new settings and one beyond a threshold wait for a person. One
 * that was approved does what was shown and still holds. As the sync role.
 */
export async function decidePush(ctx: Context, push: HeldPush): Promise<Decided> {
  const now = ctx.clock.now();
  return ctx.database.withSchool(push.schoolId, async (tx) => {
    await holdPush(tx, push, now, { phase: 'plan' });
    const [run] = await tx.select().from(pushRun).where(eq(pushRun.id, push.pushRunId));
    if (run === undefined) return { outcome: 'goes-on' };
    const settings = await readPushSettings(tx, run);
    const isApproved = run.approvedAt !== null;
    const planning: Planning = {
      push,
      connectionId: run.connectionId,
      systemId: run.systemId,
      leavers: settings.leavers,
      isLookedAt: isApproved || settings.holdNext,
      read: await entitiesRead(tx, push),
      now,
    };
    await settleLedger(tx, planning);
    if (run.ending === null) await planPush(tx, planning);
    else await planEnding(tx, planning, run.ending);
    if (isApproved) await keepApproved(tx, push);
    else await keepPlan(tx, push);
    const counts = await countPush(tx, push);
    // An ending was chosen in full knowledge of what goes.
    const reasons =
      isApproved || run.ending !== null ? [] : whyHeld(settings, run, counts, await weighPlan(tx, planning));
    if (reasons.length > 0) {
      const held: PushHeld = { mark: newId(), reasons };
      await tx
        .update(pushRun)
        .set({ state: 'held', held, counts: summed(counts), leaseUntil: null, progress: {} })
        .where(eq(pushRun.id, push.pushRunId));
      return { outcome: 'held' };
    }
    await holdPush(tx, push, now, { phase: 'deliver', counts: summed(counts) });
    // What was looked at was looked at: the next one goes by itself.
    if (isApproved) {
      await tx
        .update(pushSettings)
        .set({ holdNext: false })
        .where(and(eq(pushSettings.connectionId, run.connectionId), eq(pushSettings.schoolId, push.schoolId)));
    }
    return { outcome: 'goes-on' };
  });
}

function whyHeld(
  settings: typeof pushSettings.$inferSelect,
  run: typeof pushRun.$inferSelect,
  counts: readonly PushCount[],
  weighed: Parameters<typeof weighPush>[0],
): PushHeld['reasons'] {
  const writes = counts.filter(({ action }) => writingActions.some((one) => one === action));
  const total = writes.reduce((sum, { n }) => sum + n, 0);
  const first = settings.holdNext
    ? [
        {
          kind: run.trigger === 'first' ? ('first' as const) : ('settings' as const),
          entity: null,
          count: total,
          of: total,
          limit: 0,
        },
      ]
    : [];
  const limits = { leaving: settings.guardLeaving, changed: settings.guardChanged };
  return [...first, ...weighPush(weighed, limits)];
}

/** Per entity: how many rows of each action, and of what became of them (`done`, `failed`, `unknown`). Pure. */
export function summed(counts: readonly PushCount[]): Record<string, Record<string, number>> {
  const sums: Record<string, Record<string, number>> = {};
  const add = (entity: string, word: string, n: number) => {
    const of = sums[entity] ?? {};
    of[word] = (of[word] ?? 0) + n;
    sums[entity] = of;
  };
  for (const { entity, action, state, n } of counts) {
    add(entity, action, n);
    if (state === 'done' || state === 'failed' || state === 'unknown') add(entity, state, n);
  }
  return sums;
}
