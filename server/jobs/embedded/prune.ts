import type { JobsSql } from '../sql.ts';

export interface Retention {
  readonly completedDays: number;
  readonly failedDays: number;
}

/** Completed runs are of no use after a week; failed ones are what somebody looks for a month later. */
export const defaultRetention: Retention = { completedDays: 7, failedDays: 30 };

/** Removes ended runs, and events that no run needs any more. Events stay at least as long as ids are deduplicated. */
export async function pruneRuns(sql: JobsSql, retention: Retention): Promise<void> {
  await sql`
    delete from jobs.run where id in (
      select id from jobs.run
       where ended_at < now() - make_interval(days => case when state = 'completed' then ${retention.completedDays}::int else ${retention.failedDays}::int end)
       limit 5000)`;
  await sql`
    delete from jobs.event e where e.id in (
      select id from jobs.event o
       where o.received_at < now() - make_interval(days => ${Math.max(2, retention.completedDays)}::int)
         and not exists (select 1 from jobs.run r where r.event_id = o.id)
       limit 5000)`;
  await sql`delete from jobs.idempotency where expires_at < now()`;
}
