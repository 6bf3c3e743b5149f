import { z } from 'zod';
import type { CanonicalValue } from '#server/kernel/canonical-json.ts';
import { isErrorCode } from '../error-codes.ts';
import { type Answer, callFunction, type HandlerConnection } from './call.ts';
import { parseCondition } from './expression.ts';
import type { JobFunction } from './function-config.ts';
import { enqueue, enqueueCall, type Tx, timerKey } from './queue.ts';
import type { Registry } from './registry.ts';
import {
  acquireSlots,
  createRun,
  dropItems,
  endRun,
  type LockedRun,
  lockRun,
  lookForSteps,
  type Memo,
  releaseSlots,
  requeue,
  settleStep,
} from './runs.ts';
import { type BackOff, backOff, parseMoment } from './time.ts';
import {
  eventForSdk,
  internalEvents,
  invokeOptsSchema,
  type Op,
  readError,
  type StepErrorShape,
  waitOptsSchema,
} from './wire.ts';

export interface ExecutorState {
  readonly workerId: string;
  readonly registry: Registry;
  readonly handler: HandlerConnection;
  readonly retryBackOff: BackOff;
  /** The calls that this process is making, by item, with their generation: one that is `running` but not in here was interrupted. */
  readonly inFlight: Map<number, number>;
  transaction<T>(run: (tx: Tx) => Promise<T>): Promise<T>;
}

/** After so many calls without an answer the run fails: something in it kills its worker. */
const mostInterruptions = 20;
const interruptionBackOff: BackOff = { baseMs: 250, maxMs: 60_000 };
/** The longest sleep or wait (SDK protocol §10). */
const longestWait = '366d';

const itemSchema = z.object({
  id: z.coerce.number(),
  run_id: z.string(),
  step_id: z.string(),
  state: z.enum(['queued', 'blocked', 'running', 'done']),
  attempt: z.number(),
  interruptions: z.number(),
  generation: z.number(),
  again: z.boolean(),
  worker_id: z.string().nullable(),
});
type Item = z.infer<typeof itemSchema>;

interface Started {
  readonly runId: string;
  readonly functionId: string;
  readonly stepId: string;
  readonly generation: number;
  readonly body: CanonicalValue;
}

/** How long a run is gone on with, step after step, before others on the queue have their turn. */
const turnMs = 2_000;

/**
 * The task `jobs-call`: takes one call, makes it, and writes down what came of it; and, in the same transaction, takes the
 * run's next call where there is one, so that a run of many short steps goes over the queue once.
 */
export async function runItem(state: ExecutorState, itemId: number, signal: AbortSignal): Promise<void> {
  const turnEnds = Date.now() + turnMs;
  const goesOn = () => Date.now() < turnEnds && !signal.aborted;
  const mine = new Set<number>();
  const claim: Claim = (generation) => {
    mine.add(generation);
    state.inFlight.set(itemId, generation);
  };
  try {
    let started = await state.transaction((tx) => begin(tx, state, itemId, claim));
    while (started !== null) {
      const call = started;
      const answer = await callFunction(state.handler, call, signal);
      let next: Started | null = null;
      started = await persist(() =>
        state.transaction(async (tx) => {
          next = await finish(tx, state, itemId, { call, answer, next, goesOn: goesOn() }, claim);
          return next;
        }),
      );
    }
  } finally {
    // Unless somebody else has taken the item up since: then it is theirs.
    const generation = state.inFlight.get(itemId);
    if (generation !== undefined && mine.has(generation)) state.inFlight.delete(itemId);
  }
}

/** Says that this process makes the item's call of that generation. */
type Claim = (generation: number) => void;

/** What a step did must not be lost to a short outage of the database. */
async function persist<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (tries === 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** tries));
    }
  }
}

const runOfItem = z.array(z.object({ run_id: z.string() }));

async function lockItem(tx: Tx, itemId: number): Promise<Item | null> {
  const rows = z.array(itemSchema).parse(
    await tx`select id, run_id, step_id, state, attempt, interruptions, generation, again, worker_id
               from jobs.item where id = ${itemId} for update`,
  );
  return rows[0] ?? null;
}

async function workerLives(tx: Tx, workerId: string | null): Promise<boolean> {
  const rows = await tx`select 1 from jobs.worker where id = ${workerId} and ended_at is null`;
  return rows.length > 0;
}

const memoRows = z.array(z.object({ id: z.string(), memo: z.record(z.string(), z.json()) }));

async function begin(tx: Tx, state: ExecutorState, itemId: number, claim: Claim): Promise<Started | null> {
  const [seen] = runOfItem.parse(await tx`select run_id from jobs.item where id = ${itemId}`);
  if (seen === undefined) return null;
  const run = await lockRun(tx, state.registry, seen.run_id);
  const item = await lockItem(tx, itemId);
  if (run === null || item === null || item.state === 'done') return null;

  let interruptions = item.interruptions;
  if (item.state === 'running') {
    if (item.worker_id === state.workerId ? state.inFlight.has(itemId) : await workerLives(tx, item.worker_id))
      return null;
    interruptions += 1;
  }
  if (run.ended) {
    await dropItems(tx, run, [itemId]);
    return null;
  }
  if (interruptions > mostInterruptions) {
    await fail(tx, state, run, item, { name: 'Error', message: 'job-interrupted' });
    return null;
  }
  if (run.fn === null) {
    // An older worker's function, or a newer one's: wait for whoever knows it.
    await requeue(tx, itemId, { attempt: item.attempt, interruptions: interruptions + 1, afterMs: 30_000 });
    return null;
  }
  if (!(await acquireSlots(tx, run, itemId))) {
    await tx`update jobs.item set state = 'blocked', worker_id = null where id = ${itemId}`;
    return null;
  }

  return startCall(tx, state, run, run.fn, { ...item, interruptions }, claim);
}

/** Notes that the call is being made, under a new generation, and puts together what it sends (SDK protocol §5). */
async function startCall(
  tx: Tx,
  state: ExecutorState,
  run: LockedRun,
  fn: JobFunction,
  item: Item,
  claim: Claim,
): Promise<Started> {
  const { id: itemId, attempt, interruptions } = item;
  const generation = item.generation + 1;
  claim(generation);
  await tx`update jobs.item set state = 'running', generation = ${generation}, attempt = ${attempt},
                  interruptions = ${interruptions}, again = false, worker_id = ${state.workerId} where id = ${itemId}`;
  if (run.startedAt === null) {
    await tx`update jobs.run set state = 'running', started_at = now() where id = ${run.id}`;
    if (fn.finishTimeoutMs !== null) {
      const runAt = new Date(Date.now() + fn.finishTimeoutMs);
      await enqueue(tx, 'jobs-cancel', { run: run.id, code: 'finish-timed-out' }, { runAt });
    }
  }
  const memos = memoRows.parse(
    await tx`select id, memo from jobs.step where run_id = ${run.id} and state in ('done', 'failed') order by seq`,
  );
  const event = z.json().parse(eventForSdk(run.event));
  return {
    runId: run.id,
    functionId: run.functionId,
    stepId: item.step_id,
    generation,
    body: {
      version: -1,
      event,
      events: [event],
      steps: Object.fromEntries(
        memos.map(({ id, memo }) => [id, 'error' in memo ? { type: 'error', ...memo } : { type: 'data', ...memo }]),
      ),
      ctx: {
        run_id: run.id,
        attempt,
        max_attempts: fn.maxAttempts,
        disable_immediate_execution: run.parallel,
        use_api: false,
        stack: { stack: memos.map(({ id }) => id), current: memos.length },
      },
    },
  };
}

interface Outcome {
  readonly call: Started;
  readonly answer: Answer;
  /** The call that an earlier try of this very write went on to, before its connection was lost: it may have been committed. */
  readonly next: Started | null;
  readonly goesOn: boolean;
}

/** Writes down what came of a call. Returns the run's next call if it has one and may go on at once. */
async function finish(
  tx: Tx,
  state: ExecutorState,
  itemId: number,
  { call, answer, next, goesOn }: Outcome,
  claim: Claim,
): Promise<Started | null> {
  const run = await lockRun(tx, state.registry, call.runId);
  const item = await lockItem(tx, itemId);
  if (run === null || item === null || item.state !== 'running' || item.worker_id !== state.workerId) return null;
  if (item.generation === next?.generation) return next;
  if (item.generation !== call.generation) return null;
  if (run.ended) {
    await dropItems(tx, run, [itemId]);
    return null;
  }
  await releaseSlots(tx, run, [itemId]);
  const maxAttempts = run.fn?.maxAttempts ?? 1;

  if (answer.kind === 'completed') {
    await end(tx, state, run, itemId, 'completed', { data: answer.data ?? null }, null);
  } else if (answer.kind === 'interrupted') {
    if (item.interruptions + 1 > mostInterruptions) {
      await fail(tx, state, run, item, { name: 'Error', message: 'job-interrupted' });
    } else {
      const afterMs = backOff(item.interruptions, interruptionBackOff, Math.random());
      await requeue(tx, itemId, { attempt: item.attempt, interruptions: item.interruptions + 1, afterMs });
    }
  } else if (answer.kind === 'failed') {
    if (answer.retry && item.attempt + 1 < maxAttempts) {
      await requeue(tx, itemId, {
        attempt: item.attempt + 1,
        afterMs: retryDelay(state, item, answer.retryAfterMs),
      });
    } else {
      await fail(tx, state, run, item, answer.error);
    }
  } else if (await applyOps(tx, state, run, item, answer.ops, answer.retryAfterMs)) {
    const alone = run.slots.length === 0 && !run.parallel && answer.ops.length === 1;
    if (goesOn && alone && run.fn !== null) {
      return startCall(tx, state, run, run.fn, { ...item, attempt: 0, interruptions: 0 }, claim);
    }
    await requeue(tx, itemId, { attempt: 0 });
  }
  return null;
}

const retryDelay = (state: ExecutorState, item: Item, retryAfterMs: number | null) =>
  retryAfterMs ?? backOff(item.attempt, state.retryBackOff, Math.random());

async function end(
  tx: Tx,
  state: ExecutorState,
  run: LockedRun,
  itemId: number,
  as: 'completed' | 'failed',
  memo: Memo,
  errorCode: string | null,
): Promise<void> {
  await tx`delete from jobs.item where id = ${itemId}`;
  await endRun(tx, state.registry, run, as, memo, errorCode);
}

async function fail(tx: Tx, state: ExecutorState, run: LockedRun, item: Item, error: StepErrorShape): Promise<void> {
  await releaseSlots(tx, run, [item.id]);
  await end(tx, state, run, item.id, 'failed', { error }, isErrorCode(error.message) ? error.message : 'internal');
}

/** Writes down the ops of an answer; true if the run is to be called again at once to find what comes next. */
async function applyOps(
  tx: Tx,
  state: ExecutorState,
  run: LockedRun,
  item: Item,
  ops: readonly Op[],
  retryAfterMs: number | null,
): Promise<boolean> {
  const finds = item.step_id === 'step';
  const parallel = run.parallel || ops.length > 1 || ops.some((op) => op.op === 'StepPlanned');
  if (parallel && !run.parallel) await tx`update jobs.run set parallel = true where id = ${run.id}`;

  let settled = item.again;
  let retry = false;
  for (const op of ops) {
    const found = finds ? await findStep(tx, state, run, op) : null;
    if (found === 'unsupported') {
      await fail(tx, state, run, item, { name: 'Error', message: 'job-step-unsupported' });
      return false;
    }
    if (found === 'settled') settled = true;
    if (found !== null) continue;
    if (op.op === 'RunComplete') {
      await end(tx, state, run, item.id, 'completed', { data: op.data ?? null }, null);
      return false;
    }
    if (op.op === 'StepRun') {
      settled = (await settleStep(tx, run, op.id, op.op, { data: op.data ?? null })) || settled;
    } else if (op.op === 'StepError' && item.attempt + 1 < (run.fn?.maxAttempts ?? 1)) {
      retry = true;
    } else if (op.op === 'StepError' || op.op === 'StepFailed') {
      settled = (await settleStep(tx, run, op.id, op.op, { error: readError(op.error ?? op.data) })) || settled;
    } else {
      await fail(tx, state, run, item, { name: 'Error', message: 'job-step-unsupported' });
      return false;
    }
  }

  if (retry) {
    await requeue(tx, item.id, { attempt: item.attempt + 1, afterMs: retryDelay(state, item, retryAfterMs) });
  } else if (!finds) {
    await tx`delete from jobs.item where id = ${item.id}`;
    await lookForSteps(tx, run);
  } else if (settled) {
    return true;
  } else {
    await tx`update jobs.item set state = 'done', worker_id = null where id = ${item.id}`;
  }
  return false;
}

/** Notes a step that was found but not run: null where the op is the outcome of one instead. */
async function findStep(
  tx: Tx,
  state: ExecutorState,
  run: LockedRun,
  op: Op,
): Promise<'noted' | 'settled' | 'unsupported' | null> {
  const now = new Date();
  if (op.op === 'StepPlanned') {
    if (!(await addStep(tx, run, op, { state: 'planned' }))) return 'noted';
    const items = z
      .array(z.object({ id: z.coerce.number() }))
      .parse(
        await tx`insert into jobs.item (run_id, step_id, state) values (${run.id}, ${op.id}, 'queued') returning id`,
      );
    for (const { id } of items) await enqueueCall(tx, id);
    return 'noted';
  }
  if (op.op === 'Sleep') {
    const until = parseMoment(stringOr(op.opts?.duration, op.name ?? ''), now);
    if (until === null) return 'unsupported';
    await addWait(tx, run, op, until, {});
    return 'noted';
  }
  if (op.op === 'WaitForEvent') {
    const opts = waitOptsSchema.safeParse(op.opts);
    const until = opts.success ? parseMoment(opts.data.timeout, now) : null;
    const event = stringOr(op.opts?.event, op.name ?? '');
    if (!opts.success || until === null || event === '') return 'unsupported';
    if (opts.data.if !== undefined && parseCondition(opts.data.if) === null) return 'unsupported';
    await addWait(tx, run, op, until, { event, condition: opts.data.if ?? null });
    return 'noted';
  }
  if (op.op === 'InvokeFunction') {
    const opts = invokeOptsSchema.safeParse(op.opts);
    const until = opts.success ? parseMoment(opts.data.timeout ?? longestWait, now) : null;
    if (!opts.success || until === null) return 'unsupported';
    if (!(await addWait(tx, run, op, until, {}))) return 'noted';
    return invoke(tx, state, run, op, opts.data);
  }
  return null;
}

const stringOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

async function addStep(
  tx: Tx,
  run: LockedRun,
  op: Op,
  step: { state: 'planned' | 'waiting'; until?: Date; event?: string; condition?: string | null },
): Promise<boolean> {
  const added = await tx`
    insert into jobs.step (run_id, id, op, state, wait_event, wait_if, wait_until)
    values (${run.id}, ${op.id}, ${op.op}, ${step.state}, ${step.event ?? null}, ${step.condition ?? null}, ${step.until ?? null})
    on conflict (run_id, id) do nothing returning 1`;
  return added.length > 0;
}

async function addWait(
  tx: Tx,
  run: LockedRun,
  op: Op,
  until: Date,
  wait: { event?: string; condition?: string | null },
): Promise<boolean> {
  const added = await addStep(tx, run, op, { state: 'waiting', until, ...wait });
  if (added) {
    const key = timerKey(run.id, op.id);
    await enqueue(tx, 'jobs-resume', { run: run.id, step: op.id, by: 'timer', id: null }, { key, runAt: until });
  }
  return added;
}

async function invoke(
  tx: Tx,
  state: ExecutorState,
  run: LockedRun,
  op: Op,
  opts: z.infer<typeof invokeOptsSchema>,
): Promise<'noted' | 'settled'> {
  const fn = state.registry.functions.get(opts.function_id);
  const event = {
    id: `invoked:${run.id}:${op.id}`,
    name: internalEvents.invoked,
    data: opts.payload?.data ?? {},
    ts: new Date(),
  };
  let child: string | null = null;
  if (fn !== undefined) {
    await tx`insert into jobs.event (id, name, data, ts, handled)
             values (${event.id}, ${event.name}, ${JSON.stringify(event.data)}::text::jsonb, ${event.ts}, true)`;
    child = await createRun(tx, fn, event, { run: run.id, step: op.id });
  }
  if (child !== null) return 'noted';
  const message = fn === undefined ? 'job-function-unknown' : 'job-run-skipped';
  await tx`select graphile_worker.remove_job(${timerKey(run.id, op.id)})`;
  await settleStep(tx, run, op.id, op.op, { error: { name: 'Error', message } });
  return 'settled';
}
