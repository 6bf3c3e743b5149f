import { z } from 'zod';
import type { Database } from '#db/client.ts';

export interface JobsHealth {
  /** `down` when no worker has shown a sign of life for 15 seconds. */
  readonly status: 'ok' | 'down';
  readonly heartbeatAgeMs: number | null;
  /** Since the heartbeat function last ran: the chain from cron to handler. */
  readonly pulseAgeMs: number | null;
  /** Events that no executor has taken yet, and how long the oldest has waited. */
  readonly unsentEvents: number;
  readonly oldestUnsentMs: number | null;
  /** Calls that are due or being made (embedded executor only). */
  readonly openCalls: number;
}

const downAfterMs = 15_000;

const healthRow = z.array(
  z.object({
    heartbeat_age_ms: z.number().nullable(),
    pulse_age_ms: z.number().nullable(),
    unsent: z.coerce.number(),
    oldest_unsent_ms: z.number().nullable(),
    open_calls: z.coerce.number(),
  }),
);

/** For `/api/health`, as any role. Throws what the driver throws where the database does not answer. */
export async function jobsHealth(database: Database): Promise<JobsHealth> {
  const [row] = healthRow.parse(await database.sql`select * from jobs.health()`);
  const age = row?.heartbeat_age_ms ?? null;
  return {
    status: age !== null && age < downAfterMs ? 'ok' : 'down',
    heartbeatAgeMs: age,
    pulseAgeMs: row?.pulse_age_ms ?? null,
    unsentEvents: row?.unsent ?? 0,
    oldestUnsentMs: row?.oldest_unsent_ms ?? null,
    openCalls: row?.open_calls ?? 0,
  };
}

export const runStates = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;

/** Drizzle leaves moments of its driver as text. */
const moment = z.coerce.date();

const runRow = z.object({
  id: z.string(),
  function_id: z.string(),
  event_name: z.string(),
  state: z.enum(runStates),
  error_code: z.string().nullable(),
  created_at: moment,
  started_at: moment.nullable(),
  ended_at: moment.nullable(),
  steps_done: z.coerce.number(),
  steps_open: z.coerce.number(),
  attempt: z.number(),
});

export interface ListedRun {
  readonly id: string;
  readonly functionId: string;
  readonly eventName: string;
  readonly state: (typeof runStates)[number];
  /** A code of the house, or `internal`. */
  readonly errorCode: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly stepsDone: number;
  readonly stepsOpen: number;
  /** 0-based. */
  readonly attempt: number;
}

/**
 * Runs of the embedded executor, newest first, for the operator: ids, counts, times and error codes, no payload. At most
 * 200; the next page is `before` the last one's `createdAt`.
 */
export async function listRuns(
  database: Database,
  filter: { functionId?: string; state?: (typeof runStates)[number]; before?: Date; limit?: number } = {},
): Promise<ListedRun[]> {
  const rows = z.array(runRow).parse(
    await database.sql`select * from jobs.list_runs(
      ${filter.functionId ?? null}, ${filter.state ?? null}, ${filter.before?.toISOString() ?? null}, ${filter.limit ?? 50})`,
  );
  return rows.map((row) => ({
    id: row.id,
    functionId: row.function_id,
    eventName: row.event_name,
    state: row.state,
    errorCode: row.error_code,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    stepsDone: row.steps_done,
    stepsOpen: row.steps_open,
    attempt: row.attempt,
  }));
}
