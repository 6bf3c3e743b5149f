import { z } from 'zod';
import type { JobsSql } from '../sql.ts';
import { nextCronTime } from './function-config.ts';
import type { Registry } from './registry.ts';
import { createRun } from './runs.ts';
import { internalEvents } from './wire.ts';

/** Brings the table of crons to what is registered. A new one is due at its next time, a known one keeps its own. */
export async function registerCrons(sql: JobsSql, registry: Registry, now: Date): Promise<void> {
  await sql.begin(async (tx) => {
    const wanted: { functionId: string; expression: string }[] = [];
    for (const fn of registry.functions.values()) {
      for (const expression of fn.crons) {
        wanted.push({ functionId: fn.id, expression });
        await tx`insert into jobs.cron (function_id, expression, next_at) values (${fn.id}, ${expression}, ${nextCronTime(expression, now)})
                 on conflict do nothing`;
      }
    }
    await tx`delete from jobs.cron where (function_id || ' ' || expression) <> all(${wanted.map((one) => `${one.functionId} ${one.expression}`)})`;
  });
}

/**
 * Starts the runs of crons that are due, each time once whatever number of workers looks. Times that passed while no
 * worker lived are made up for by one run, not by one each.
 *
 * @returns when to look next.
 */
export async function runDueCrons(sql: JobsSql, registry: Registry, now: Date): Promise<Date> {
  return sql.begin(async (tx) => {
    const due = z
      .array(z.object({ function_id: z.string(), expression: z.string(), next_at: z.date() }))
      .parse(
        await tx`select function_id, expression, next_at from jobs.cron where next_at <= ${now} for update skip locked`,
      );
    for (const { function_id: functionId, expression, next_at: dueAt } of due) {
      const fn = registry.functions.get(functionId);
      const next = nextCronTime(expression, now);
      if (fn === undefined || next === null) continue;
      const event = {
        id: `cron:${functionId}:${expression}:${dueAt.toISOString()}`,
        name: internalEvents.timer,
        data: { cron: expression },
        ts: dueAt,
      };
      const added = await tx`
        insert into jobs.event (id, name, data, ts, handled)
        values (${event.id}, ${event.name}, ${JSON.stringify(event.data)}::text::jsonb, ${event.ts}, true)
        on conflict do nothing returning 1`;
      if (added.length > 0) await createRun(tx, fn, event);
      await tx`update jobs.cron set next_at = ${next} where function_id = ${functionId} and expression = ${expression}`;
    }
    const rows = z
      .array(z.object({ next_at: z.date().nullable() }))
      .parse(await tx`select min(next_at) as next_at from jobs.cron where next_at > ${now}`);
    return rows[0]?.next_at ?? new Date(now.getTime() + 60_000);
  });
}
