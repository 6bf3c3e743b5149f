import { request } from 'undici';
import { z } from 'zod';
import type { Logger } from '#server/kernel/log.ts';
import { outboxChannel } from '#server/kernel/outbox.ts';
import { pause } from './embedded/executor.ts';
import { type JobsSql, listenTo } from './sql.ts';

/** An event on its way from the outbox; its id is the row's, so that a repeat is recognised. */
export interface OutgoingEvent {
  readonly id: string;
  readonly name: string;
  readonly data: Record<string, unknown>;
  readonly ts: Date;
}

/** Takes events in, in order; taking one twice must equal taking it once. `refused`: it will never be taken. */
export type EventSink = (events: readonly OutgoingEvent[]) => Promise<'taken' | 'refused'>;

/** Events are sent in lots of so many, all or none. */
const lot = 100;
/** A row that the receiver refuses so often is left alone; `/api/health` counts it as unsent. */
const mostRefusals = 10;
const pollMs = 5_000;
const keepSentDays = 7;

const rowSchema = z.object({
  id: z.string(),
  name: z.string(),
  data: z.record(z.string(), z.unknown()),
  created_at: z.date(),
});

/** Sends to an Inngest server's event API (SDK protocol §8), which deduplicates by id for 24 hours. */
export function inngestServerSink(baseUrl: string, eventKey: string): EventSink {
  const url = new URL(`/e/${encodeURIComponent(eventKey)}`, baseUrl);
  return async (events) => {
    const response = await request(url, {
      method: 'POST',
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events.map(({ id, name, data, ts }) => ({ id, name, data, ts: ts.getTime() }))),
    });
    await response.body.dump();
    if (response.statusCode === 200) return 'taken';
    if (response.statusCode === 400 || response.statusCode === 413) return 'refused';
    throw Object.assign(new Error('event API'), { code: `status-${response.statusCode}` });
  };
}

/** Hands events to the embedded executor, one transaction each. */
export function embeddedSink(receive: (event: OutgoingEvent) => Promise<boolean>): EventSink {
  return async (events) => {
    for (const event of events) await receive(event);
    return 'taken';
  };
}

/**
 * Sends what is unsent, oldest first, and marks it. One relay at a time holds the transaction's advisory lock. A kill
 * between sending and marking sends again, with the same ids.
 *
 * @returns how many rows were sent; a full lot means that there is more.
 */
export async function relayOnce(sql: JobsSql, sink: EventSink): Promise<number> {
  return sql.begin(async (tx) => {
    const locked = z
      .array(z.object({ mine: z.boolean() }))
      .parse(await tx`select pg_try_advisory_xact_lock(hashtext('crosswalk relay')) as mine`);
    if (locked[0]?.mine !== true) return 0;
    const rows = z
      .array(rowSchema)
      .parse(
        await tx`select id, name, data, created_at from outbox where sent_at is null and attempts < ${mostRefusals} order by id limit ${lot}`,
      );
    if (rows.length === 0) return 0;
    const events = rows.map((row) => ({ id: row.id, name: row.name, data: row.data, ts: row.created_at }));
    if ((await sink(events)) === 'taken') {
      await tx`update outbox set sent_at = now() where id = any(${rows.map((row) => row.id)}::uuid[])`;
      return rows.length;
    }
    // One of them is refused: find it, so that it does not hold up the others.
    for (const event of events) {
      if ((await sink([event])) === 'taken') await tx`update outbox set sent_at = now() where id = ${event.id}`;
      else await tx`update outbox set attempts = attempts + 1 where id = ${event.id}`;
    }
    return rows.length;
  });
}

/** Removes rows that were sent a week ago. */
export async function pruneOutbox(sql: JobsSql): Promise<void> {
  await sql`delete from outbox where sent_at < now() - make_interval(days => ${keepSentDays}::int)`;
}

export interface Relay {
  stop(): Promise<void>;
}

/** Relays from now on: at once when a verb commits (LISTEN), and by polling should a notification be lost. */
export function startRelay(options: {
  sql: JobsSql;
  /** The same login, for a connection that listens. */
  databaseUrl: string;
  sink: EventSink;
  logger: Logger;
}): Relay {
  const { sql, sink, logger } = options;
  const stopping = new AbortController();
  let wake: (() => void) | null = null;
  let woken = true;
  const nudge = () => {
    woken = true;
    wake?.();
  };
  const listening = listenTo(options.databaseUrl, outboxChannel, nudge, logger);

  const loop = async () => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      woken = false;
      try {
        const sent = await relayOnce(sql, sink);
        if (failures > 0) logger.info('the relay sends again');
        failures = 0;
        if (sent === lot) continue;
      } catch (error) {
        failures += 1;
        if (failures === 1) logger.error('the relay cannot send', { error });
      }
      if (failures > 0) await pause(Math.min(10_000, 250 * 2 ** failures), stopping.signal);
      else if (!woken) await untilWoken();
    }
  };

  const untilWoken = async () => {
    const waiting = new AbortController();
    if (stopping.signal.aborted) return;
    const done = () => waiting.abort();
    wake = done;
    stopping.signal.addEventListener('abort', done);
    await pause(pollMs, waiting.signal);
    stopping.signal.removeEventListener('abort', done);
    wake = null;
  };

  const running = loop();
  return {
    stop: async () => {
      stopping.abort();
      await running;
      await listening.stop();
    },
  };
}
