import { z } from 'zod';
import type { JobsSql } from '../sql.ts';
import { endDeadWorkers } from '../worker-lease.ts';
import { enqueueCall } from './queue.ts';

const lockedBySchema = z.array(z.object({ locked_by: z.string() }));

/**
 * Gives the work of dead workers back to the queue, without waiting for the queue's own four hours. A lock in a name that
 * no living worker has is dead too: its worker was killed before it could write its names down.
 */
export async function recoverDeadWorkers(sql: JobsSql, self: string): Promise<void> {
  await endDeadWorkers(sql, self);
  const orphans = lockedBySchema.parse(
    await sql`
      select distinct j.locked_by from graphile_worker.jobs j
       where j.locked_by is not null
         and not exists (select 1 from jobs.worker w where w.ended_at is null and j.locked_by = any(w.queue_workers))
         and (j.locked_at < now() - interval '3 seconds'
              or exists (select 1 from jobs.worker w where w.ended_at is not null and j.locked_by = any(w.queue_workers)))`,
  );
  if (orphans.length > 0) {
    await sql`select graphile_worker.force_unlock_workers(${orphans.map((row) => row.locked_by)})`;
  }
}

/**
 * The last net: a call that is due, or was being made by a worker that is gone, and that nothing on the queue stands for,
 * is put on the queue again. State and queue change in one transaction, so this finds something only after an accident
 * (a queue emptied by hand, a job that used up the queue's own attempts).
 *
 * @returns how many there were.
 */
export async function requeueForgottenCalls(sql: JobsSql): Promise<number> {
  return sql.begin(async (tx) => {
    const rows = z.array(z.object({ id: z.coerce.number() })).parse(
      await tx`
        select i.id from jobs.item i
         where (i.state = 'queued' or (i.state = 'running' and not exists (
                  select 1 from jobs.worker w where w.id = i.worker_id and w.ended_at is null)))
           and i.due_at < now() - interval '30 seconds'
           and not exists (select 1 from graphile_worker.jobs j where j.key = 'call:' || i.id and j.attempts < j.max_attempts)
         limit 500`,
    );
    for (const { id } of rows) await enqueueCall(tx, id);
    return rows.length;
  });
}
