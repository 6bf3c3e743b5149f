import { z } from 'zod';
import { newId } from '#server/kernel/ids.ts';
import { keyValue } from './expression.ts';
import type { JobFunction } from './function-config.ts';
import { enqueue, enqueueCall, type Tx, timerKey } from './queue.ts';
import { type Registry, slotLimits } from './registry.ts';
import { eventForSdk, internalEvents, type StepErrorShape, type StoredEvent } from './wire.ts';

/** The transitions of a run. Each is part of one transaction, which is what makes a kill at any point harmless. */

export const storedEventSchema = z.object({
  id: z.string(),
  name: z.string(),
  data: z.record(z.string(), z.unknown()),
  ts: z.date(),
});

const runSchema = z.object({
  id: z.string(),
  function_id: z.string(),
  state: z.enum(['queued', 'running', 'completed', 'failed', 'cancelled']),
  parallel: z.boolean(),
  parent_run: z.string().nullable(),
  parent_step: z.string().nullable(),
  started_at: z.date().nullable(),
  ended_at: z.date().nullable(),
});

export interface LockedRun {
  readonly id: string;
  readonly functionId: string;
  readonly fn: JobFunction | null;
  readonly event: StoredEvent;
  readonly parallel: boolean;
  readonly parent: { readonly run: string; readonly step: string } | null;
  readonly startedAt: Date | null;
  readonly ended: boolean;
  readonly slots: readonly { key: string; limit: number }[];
}

/** What a step or a run ended with, in the shape in which the SDK is given it back. */
export type Memo = { readonly data: unknown } | { readonly error: StepErrorShape };

const idRow = z.array(z.object({ id: z.coerce.number() }));
const runIdRow = z.array(z.object({ id: z.string() }));

/**
 * Locks a run for the rest of the transaction, after the concurrency keys that it can hold: always in this order, and
 * never two runs in one transaction, so that no two transactions wait for each other.
 */
export async function lockRun(tx: Tx, registry: Registry, runId: string): Promise<LockedRun | null> {
  const events = z
    .array(storedEventSchema.extend({ function_id: z.string() }))
    .parse(
      await tx`select e.id, e.name, e.data, e.ts, r.function_id from jobs.run r join jobs.event e on e.id = r.event_id where r.id = ${runId}`,
    );
  const event = events[0];
  if (event === undefined) return null;
  const fn = registry.functions.get(event.function_id) ?? null;
  const slots = fn === null ? [] : slotLimits(fn, { event: eventForSdk(event) });
  for (const { key } of slots) await tx`select pg_advisory_xact_lock(hashtextextended(${`jobs slot ${key}`}, 0))`;
  const runs = z.array(runSchema).parse(
    await tx`select id, function_id, state, parallel, parent_run, parent_step, started_at, ended_at
               from jobs.run where id = ${runId} for update`,
  );
  const run = runs[0];
  if (run === undefined) return null;
  return {
    id: run.id,
    functionId: run.function_id,
    fn,
    event,
    parallel: run.parallel,
    parent: run.parent_run === null || run.parent_step === null ? null : { run: run.parent_run, step: run.parent_step },
    startedAt: run.started_at,
    ended: run.ended_at !== null,
    slots,
  };
}

/**
 * Starts a run, or none where the function's idempotency or singleton says so. The event is already stored.
 *
 * @returns the run's id, or null where it was skipped.
 */
export async function createRun(
  tx: Tx,
  fn: JobFunction,
  event: StoredEvent,
  parent: { run: string; step: string } | null = null,
): Promise<string | null> {
  const runId = newId();
  const scope = { event: eventForSdk(event) };
  if (fn.idempotency !== null) {
    const claimed = await tx`
      insert into jobs.idempotency as i (function_id, key, run_id, expires_at)
      values (${fn.id}, ${keyValue(fn.idempotency, scope)}, ${runId}, now() + interval '24 hours')
      on conflict (function_id, key) do update set run_id = excluded.run_id, expires_at = excluded.expires_at
        where i.expires_at <= now()
      returning 1`;
    if (claimed.length === 0) return null;
  }
  let singletonKey: string | null = null;
  if (fn.singleton !== null) {
    singletonKey = fn.singleton.key === null ? '' : keyValue(fn.singleton.key, scope);
    await tx`select pg_advisory_xact_lock(hashtextextended(${`jobs singleton ${fn.id} ${singletonKey}`}, 0))`;
    const living = runIdRow.parse(
      await tx`select id from jobs.run where function_id = ${fn.id} and singleton_key = ${singletonKey} and ended_at is null`,
    );
    if (living.length > 0 && fn.singleton.mode === 'skip') return null;
    for (const { id } of living) await enqueue(tx, 'jobs-cancel', { run: id, code: 'replaced' });
  }
  await tx`
    insert into jobs.run (id, function_id, event_id, state, singleton_key, parent_run, parent_step)
    values (${runId}, ${fn.id}, ${event.id}, 'queued', ${singletonKey}, ${parent?.run ?? null}, ${parent?.step ?? null})`;
  const item = idRow.parse(
    await tx`insert into jobs.item (run_id, step_id, state) values (${runId}, 'step', 'queued') returning id`,
  );
  for (const { id } of item) await enqueueCall(tx, id);
  if (fn.startTimeoutMs !== null) {
    const runAt = new Date(Date.now() + fn.startTimeoutMs);
    await enqueue(tx, 'jobs-cancel', { run: runId, code: 'start-timed-out' }, { runAt });
  }
  return runId;
}

/** Stores an event that a run caused; its triggers and waits are looked at in a transaction of their own. */
async function causeEvent(tx: Tx, id: string, name: string, data: Record<string, unknown>): Promise<void> {
  const added = await tx`
    insert into jobs.event (id, name, data, ts) values (${id}, ${name}, ${JSON.stringify(data)}::text::jsonb, now())
    on conflict do nothing returning 1`;
  if (added.length > 0) await enqueue(tx, 'jobs-event', { event: id });
}

/**
 * Ends a run. Calls that are under way keep their slots until their answer, which then counts for nothing; everything
 * that waited is dropped.
 */
export async function endRun(
  tx: Tx,
  registry: Registry,
  run: LockedRun,
  state: 'completed' | 'failed' | 'cancelled',
  memo: Memo,
  errorCode: string | null,
): Promise<void> {
  await tx`update jobs.run set state = ${state}, output = ${JSON.stringify(memo)}::text::jsonb, error_code = ${errorCode}, ended_at = now()
            where id = ${run.id}`;
  const dropped = idRow.parse(await tx`select id from jobs.item where run_id = ${run.id} and state <> 'running'`);
  await dropItems(
    tx,
    run,
    dropped.map(({ id }) => id),
  );
  const waiting = runIdRow.parse(
    await tx`delete from jobs.step where run_id = ${run.id} and state in ('planned', 'waiting') returning id`,
  );
  for (const { id } of waiting) await tx`select graphile_worker.remove_job(${timerKey(run.id, id)})`;
  if (run.parent !== null) {
    await enqueue(tx, 'jobs-resume', { run: run.parent.run, step: run.parent.step, by: 'run', id: run.id });
  }

  const about = { function_id: run.functionId, run_id: run.id, event: eventForSdk(run.event) };
  if (state === 'failed' && 'error' in memo && registry.listens(internalEvents.failed)) {
    await causeEvent(tx, `failed:${run.id}`, internalEvents.failed, { ...about, error: memo.error });
  } else if (state === 'cancelled' && registry.listens(internalEvents.cancelled)) {
    await causeEvent(tx, `cancelled:${run.id}`, internalEvents.cancelled, {
      ...about,
      error: { name: 'Cancelled', message: errorCode },
    });
  } else if (state === 'completed' && registry.listens(internalEvents.finished)) {
    await causeEvent(tx, `finished:${run.id}`, internalEvents.finished, {
      ...about,
      result: 'data' in memo ? memo.data : null,
    });
  }
}

/** Takes a call's hold on its concurrency keys, or notes that it waits for them. The keys are locked by `lockRun`. */
export async function acquireSlots(tx: Tx, run: LockedRun, item: number): Promise<boolean> {
  let free = true;
  for (const { key, limit } of run.slots) {
    const rows = z
      .array(z.object({ held: z.coerce.number() }))
      .parse(await tx`select count(*) as held from jobs.slot where key = ${key} and held and item_id <> ${item}`);
    if ((rows[0]?.held ?? 0) >= limit) free = false;
  }
  for (const { key } of run.slots) {
    await tx`insert into jobs.slot (key, item_id, held) values (${key}, ${item}, ${free})
             on conflict (key, item_id) do update set held = excluded.held`;
  }
  return free;
}

/** Gives up what a call holds and wakes those that have waited longest for it. */
export async function releaseSlots(tx: Tx, run: LockedRun, items: readonly number[]): Promise<void> {
  if (items.length === 0 || run.slots.length === 0) return;
  const freed = z
    .array(z.object({ key: z.string() }))
    .parse(await tx`delete from jobs.slot where item_id = any(${[...items]}) and held returning key`);
  for (const key of new Set(freed.map((row) => row.key))) {
    const limit = run.slots.find((slot) => slot.key === key)?.limit ?? 1;
    const woken = idRow.parse(
      await tx`
        update jobs.item set state = 'queued', due_at = now()
         where state = 'blocked' and id in (
           select s.item_id from jobs.slot s join jobs.item i on i.id = s.item_id
            where s.key = ${key} and not s.held and i.state = 'blocked'
            order by s.since limit greatest(0, ${limit} - (select count(*) from jobs.slot h where h.key = ${key} and h.held)))
        returning id`,
    );
    for (const { id } of woken) await enqueueCall(tx, id);
  }
}

export async function dropItems(tx: Tx, run: LockedRun, items: readonly number[]): Promise<void> {
  if (items.length === 0) return;
  await releaseSlots(tx, run, items);
  await tx`delete from jobs.item where id = any(${[...items]})`;
}

/** Memoises a step's end; false if it had ended before. */
export async function settleStep(tx: Tx, run: LockedRun, stepId: string, op: string, memo: Memo): Promise<boolean> {
  const settled = await tx`
    insert into jobs.step as s (run_id, id, op, state, memo, seq, ended_at)
    values (${run.id}, ${stepId}, ${op}, ${'error' in memo ? 'failed' : 'done'}, ${JSON.stringify(memo)}::text::jsonb, nextval('jobs.step_seq'), now())
    on conflict (run_id, id) do update
      set state = excluded.state, memo = excluded.memo, seq = excluded.seq, ended_at = excluded.ended_at
      where s.state in ('planned', 'waiting')
    returning 1`;
  return settled.length > 0;
}

/** Has the run called again to find what comes next; one such call at a time. */
export async function lookForSteps(tx: Tx, run: LockedRun): Promise<void> {
  const items = z
    .array(z.object({ id: z.coerce.number(), state: z.string() }))
    .parse(await tx`select id, state from jobs.item where run_id = ${run.id} and step_id = 'step' for update`);
  const item = items[0];
  if (item === undefined) {
    const added = idRow.parse(
      await tx`insert into jobs.item (run_id, step_id, state) values (${run.id}, 'step', 'queued') returning id`,
    );
    for (const { id } of added) await enqueueCall(tx, id);
  } else if (item.state === 'running') {
    await tx`update jobs.item set again = true where id = ${item.id}`;
  } else if (item.state === 'done') {
    await requeue(tx, item.id, { attempt: 0 });
  }
}

/** Puts a call on the queue again, at once or later. */
export async function requeue(
  tx: Tx,
  item: number,
  change: { attempt: number; interruptions?: number; afterMs?: number },
): Promise<void> {
  const dueAt = new Date(Date.now() + (change.afterMs ?? 0));
  await tx`update jobs.item set state = 'queued', again = false, worker_id = null, attempt = ${change.attempt},
                  interruptions = ${change.interruptions ?? 0}, due_at = ${dueAt} where id = ${item}`;
  await enqueueCall(tx, item, change.afterMs === undefined ? undefined : dueAt);
}
