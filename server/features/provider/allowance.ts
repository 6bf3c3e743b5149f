import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Context } from '#server/kernel/context.ts';

/** Calls of one client in one window: a list a class would take a large district's LMS a quarter of an hour. */
export const callsPerWindow = 1_200;
const windowMs = 60_000;

export interface Allowance {
  readonly limit: number;
  /** Null: there is none left. */
  readonly remaining: number | null;
  /** When the window ends. */
  readonly resetsAt: Date;
}

const takenRows = z.array(z.object({ calls: z.number(), window_start: z.coerce.date() }));

/** Takes one call from what a client may make in this window, for all processes together. */
export async function takeFromAllowance(
  ctx: Context,
  { schoolId, consumerClientId }: { readonly schoolId: string; readonly consumerClientId: string },
): Promise<Allowance> {
  const now = ctx.clock.now();
  const start = new Date(Math.floor(now.getTime() / windowMs) * windowMs);
  const [taken] = takenRows.parse(
    await ctx.database.withSchool(schoolId, (tx) =>
      tx.execute(sql`
        insert into provider_allowance as a (consumer_client_id, school_id, window_start, calls)
        values (${consumerClientId}::uuid, ${schoolId}::uuid, ${start.toISOString()}::timestamptz, 1)
        on conflict (consumer_client_id) do update
          set calls = case when a.window_start = excluded.window_start then a.calls + 1 else 1 end, window_start = excluded.window_start
        returning calls, window_start`),
    ),
  );
  const left = callsPerWindow - (taken?.calls ?? 0);
  return {
    limit: callsPerWindow,
    remaining: left < 0 ? null : left,
    resetsAt: new Date((taken?.window_start ?? start).getTime() + windowMs),
  };
}

/** The allowance as headers of every answer. */
export function allowanceHeaders({ limit, remaining, resetsAt }: Allowance): Readonly<Record<string, string>> {
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining ?? 0),
    'x-ratelimit-reset': String(Math.ceil(resetsAt.getTime() / 1_000)),
  };
}
