import { z } from 'zod';
import { type CancelCode, type Tasks, type Tx, timerKey } from './queue.ts';
import type { Registry } from './registry.ts';
import { endRun, lockRun, lookForSteps, type Memo, settleStep, storedEventSchema } from './runs.ts';
import { eventForSdk, readError } from './wire.ts';

const outputSchema = z.object({
  state: z.enum(['completed', 'failed', 'cancelled']),
  output: z.record(z.string(), z.unknown()).nullable(),
});

/** What a waiting step ends with; null where there is nothing (any more) that would end it. */
async function memoOf(tx: Tx, op: string, task: Tasks['jobs-resume']): Promise<Memo | null> {
  if (task.by === 'timer') {
    return op === 'InvokeFunction' ? { error: { name: 'Error', message: 'job-invoke-timed-out' } } : { data: null };
  }
  if (task.by === 'event') {
    const events = z
      .array(storedEventSchema)
      .parse(await tx`select id, name, data, ts from jobs.event where id = ${task.id}`);
    return events[0] === undefined ? null : { data: eventForSdk(events[0]) };
  }
  const children = z
    .array(outputSchema)
    .parse(await tx`select state, output from jobs.run where id = ${task.id} and ended_at is not null`);
  const child = children[0];
  if (child === undefined) return null;
  return child.state === 'completed' ? { data: child.output?.data ?? null } : { error: readError(child.output?.error) };
}

/** The task `jobs-resume`. Whichever of event and timer comes first ends the step; the other finds it ended. */
export async function resumeStep(tx: Tx, registry: Registry, task: Tasks['jobs-resume']): Promise<void> {
  const run = await lockRun(tx, registry, task.run);
  if (run === null || run.ended) return;
  const steps = z
    .array(z.object({ op: z.string() }))
    .parse(await tx`select op from jobs.step where run_id = ${run.id} and id = ${task.step} and state = 'waiting'`);
  const step = steps[0];
  if (step === undefined) return;
  const memo = await memoOf(tx, step.op, task);
  if (memo === null) return;
  if (await settleStep(tx, run, task.step, step.op, memo)) {
    if (task.by !== 'timer') await tx`select graphile_worker.remove_job(${timerKey(run.id, task.step)})`;
    await lookForSteps(tx, run);
  }
}

/** The task `jobs-cancel`. */
export async function cancelRun(tx: Tx, registry: Registry, runId: string, code: CancelCode): Promise<void> {
  const run = await lockRun(tx, registry, runId);
  if (run === null || run.ended) return;
  if (code === 'start-timed-out' && run.startedAt !== null) return;
  await endRun(tx, registry, run, 'cancelled', { error: { name: 'Cancelled', message: code } }, code);
}
