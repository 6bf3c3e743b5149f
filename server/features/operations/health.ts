import type { Database } from '#db/client.ts';
import { jobsHealth } from '#server/jobs/health.ts';

export interface HealthReport {
  readonly status: 'ok' | 'down';
  readonly database: 'ok' | 'down';
  readonly jobs: 'ok' | 'down';
}

/** Whether the installation can serve: the database answers, and a worker has shown a sign of life lately. */
export async function health(open: () => Promise<{ database: Database }>): Promise<HealthReport> {
  let jobs: 'ok' | 'down';
  try {
    const { database } = await open();
    jobs = (await jobsHealth(database)).status;
  } catch {
    // Whatever it was, the answer is that the database cannot be used; why is for the log and `npm run doctor`.
    return { status: 'down', database: 'down', jobs: 'down' };
  }
  return { status: jobs === 'ok' ? 'ok' : 'down', database: 'ok', jobs };
}
