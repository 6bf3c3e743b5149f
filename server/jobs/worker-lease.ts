import { z } from 'zod';
import { newId } from '#server/kernel/ids.ts';
import { type JobsSql, openJobsSql } from './sql.ts';

/**
 * A worker's sign of life: a row with a heartbeat and a session-level advisory lock. The database frees the lock in the
 * moment in which a killed worker's connection ends, so that another one takes over within seconds and not after a lease.
 * Needs a connection of its own in session mode (not PgBouncer's transaction mode).
 */
export interface WorkerLease {
  readonly workerId: string;
  beat(): Promise<void>;
  /** Which queue pool locks rows in this worker's name. */
  nameQueueWorkers(names: readonly string[]): Promise<void>;
  end(): Promise<void>;
}

/** First part of the advisory lock's key; the second is the worker's number. */
export const workerLockSpace = 0x6a6f6273;

const keyRow = z.array(z.object({ lock_key: z.coerce.number() }));

export async function takeWorkerLease(url: string, executor: 'embedded' | 'inngest'): Promise<WorkerLease> {
  const workerId = newId();
  // One connection that lives as long as the worker; the driver makes it anew if it is cut off.
  const sql = openJobsSql(url, { max: 1, keep: true, name: 'crosswalk worker lease' });
  // The row is seen by others only with its lock held: a row without one is a dead worker's.
  const lockKey = await sql.begin(async (tx) => {
    const rows = keyRow.parse(
      await tx`insert into jobs.worker (id, executor) values (${workerId}, ${executor}) returning lock_key`,
    );
    const key = rows[0]?.lock_key ?? 0;
    await tx`select pg_advisory_lock(${workerLockSpace}, ${key}::int)`;
    return key;
  });
  return {
    workerId,
    beat: async () => {
      // Who was cut off has lost the lock, and was perhaps ended by another.
      await sql`
        select pg_try_advisory_lock(${workerLockSpace}, ${lockKey}::int)
         where not exists (select 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
                              and classid = ${workerLockSpace} and objid = ${lockKey} and objsubid = 2)`;
      await sql`update jobs.worker set heartbeat_at = now(), ended_at = null where id = ${workerId}`;
    },
    nameQueueWorkers: async (names) => {
      await sql`update jobs.worker set queue_workers = ${[...names]} where id = ${workerId}`;
    },
    end: async () => {
      await sql`update jobs.worker set ended_at = now() where id = ${workerId}`;
      await sql.end();
    },
  };
}

/** Ends the rows of workers that died without saying so. Returns how many. */
export async function endDeadWorkers(sql: JobsSql, self: string): Promise<number> {
  const rows = await sql`
    update jobs.worker w set ended_at = now()
     where ended_at is null and id <> ${self}
       and not exists (select 1 from pg_locks l where l.locktype = 'advisory' and l.classid = ${workerLockSpace}
                          and l.objid = w.lock_key and l.objsubid = 2
                          and l.database = (select oid from pg_database where datname = current_database()))
    returning 1`;
  return rows.length;
}
