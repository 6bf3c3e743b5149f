import { sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { outbox } from '#db/schema/index.ts';
import { CrosswalkError } from './errors.ts';
import { type EventData, type EventName, eventSchemas } from './events.ts';
import { newId } from './ids.ts';

/** The channel on which a committed event wakes the relay. */
export const outboxChannel = 'crosswalk_outbox';

/**
 * Writes an event into the outbox in the verb's own transaction: it is sent exactly if the verb commits, at least once,
 * in the order in which events were made, with the row's id as the event's, so that a repeat is recognised as one.
 *
 * @returns the event's id.
 * @throws CrosswalkError `internal` if the data does not fit the event's schema: events hold ids, never records.
 */
export async function emit<N extends EventName>(
  tx: Tx,
  name: N,
  data: EventData<N>,
  options: { schoolId: string | null },
): Promise<string> {
  const parsed = eventSchemas[name].strict().safeParse(data);
  if (!parsed.success) throw new CrosswalkError('internal', { details: { problem: 'event-data', event: name } });
  const id = newId();
  await tx.insert(outbox).values({ id, schoolId: options.schoolId, name, data: parsed.data });
  await tx.execute(sql`select pg_notify(${outboxChannel}, '')`);
  return id;
}
