import type { Tx } from '../sql.ts';

export type { Tx };

/** The kinds of work on the queue; payloads hold ids only. */
export interface Tasks {
  /** Make one call to the handler. */
  'jobs-call': { item: number };
  /** Look at the triggers, waits and cancellations of an event that a run caused. */
  'jobs-event': { event: string };
  /** End a waiting step: an event came, an invoked run ended, or the time is up. */
  'jobs-resume': { run: string; step: string; by: 'event' | 'run' | 'timer'; id: string | null };
  /** End a run from outside. */
  'jobs-cancel': { run: string; code: CancelCode };
}

export type CancelCode = 'cancelled-by-event' | 'replaced' | 'start-timed-out' | 'finish-timed-out';

/** Puts work on the queue in the caller's transaction: it exists exactly if the state does that it follows from. */
export async function enqueue<N extends keyof Tasks>(
  tx: Tx,
  task: N,
  payload: Tasks[N],
  options: { key?: string; runAt?: Date } = {},
): Promise<void> {
  await tx`select 1 from graphile_worker.add_job(
    ${task}, ${JSON.stringify(payload)}::text::json, run_at := ${options.runAt ?? null}, job_key := ${options.key ?? null})`;
}

export const enqueueCall = (tx: Tx, item: number, runAt?: Date) =>
  enqueue(tx, 'jobs-call', { item }, { key: `call:${item}`, ...(runAt === undefined ? {} : { runAt }) });

/** The one timer of a waiting step. */
export const timerKey = (runId: string, stepId: string) => `timer:${runId}:${stepId}`;
