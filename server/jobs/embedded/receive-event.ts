import { z } from 'zod';
import { holds, parseCondition } from './expression.ts';
import { enqueue, type Tx } from './queue.ts';
import type { Registry } from './registry.ts';
import { createRun, storedEventSchema } from './runs.ts';
import { eventForSdk, type StoredEvent } from './wire.ts';

/**
 * Takes an event in: stores it and starts what it triggers, in the caller's transaction. A second event with the same id
 * changes nothing, for as long as events are kept (at least 24 hours).
 *
 * @returns false if the id was known.
 */
export async function receiveEvent(tx: Tx, registry: Registry, event: StoredEvent): Promise<boolean> {
  const added = await tx`
    insert into jobs.event (id, name, data, ts, handled)
    values (${event.id}, ${event.name}, ${JSON.stringify(event.data)}::text::jsonb, ${event.ts}, true)
    on conflict (id) do nothing returning 1`;
  if (added.length === 0) return false;
  await follow(tx, registry, event);
  return true;
}

/** The task `jobs-event`: the same for an event that a run caused. */
export async function handleCausedEvent(tx: Tx, registry: Registry, eventId: string): Promise<void> {
  const events = z
    .array(storedEventSchema)
    .parse(
      await tx`update jobs.event set handled = true where id = ${eventId} and not handled returning id, name, data, ts`,
    );
  for (const event of events) await follow(tx, registry, event);
}

async function follow(tx: Tx, registry: Registry, event: StoredEvent): Promise<void> {
  const incoming = eventForSdk(event);

  for (const fn of registry.functions.values()) {
    const triggered = fn.events.some(
      ({ event: name, condition }) =>
        name === event.name && (condition === null || holds(condition, { event: incoming })),
    );
    if (triggered) await createRun(tx, fn, event);
  }

  const waits = z
    .array(storedEventSchema.extend({ run_id: z.string(), step_id: z.string(), wait_if: z.string().nullable() }))
    .parse(
      await tx`select s.run_id, s.id as step_id, s.wait_if, e.id, e.name, e.data, e.ts
                 from jobs.step s join jobs.run r on r.id = s.run_id join jobs.event e on e.id = r.event_id
                where s.state = 'waiting' and s.wait_event = ${event.name}`,
    );
  for (const wait of waits) {
    const condition = wait.wait_if === null ? [] : parseCondition(wait.wait_if);
    if (condition !== null && holds(condition, { event: eventForSdk(wait), async: incoming })) {
      await enqueue(tx, 'jobs-resume', { run: wait.run_id, step: wait.step_id, by: 'event', id: event.id });
    }
  }

  for (const fn of registry.functions.values()) {
    for (const cancel of fn.cancelOn.filter((one) => one.event === event.name)) {
      const living = z.array(storedEventSchema.extend({ run_id: z.string(), created_at: z.date() })).parse(
        await tx`select r.id as run_id, r.created_at, e.id, e.name, e.data, e.ts
                   from jobs.run r join jobs.event e on e.id = r.event_id
                  where r.function_id = ${fn.id} and r.ended_at is null and e.id <> ${event.id}`,
      );
      for (const run of living) {
        const inTime = cancel.withinMs === null || Date.now() - run.created_at.getTime() <= cancel.withinMs;
        const meant =
          cancel.condition === null || holds(cancel.condition, { event: eventForSdk(run), async: incoming });
        if (inTime && meant) await enqueue(tx, 'jobs-cancel', { run: run.run_id, code: 'cancelled-by-event' });
      }
    }
  }
}
