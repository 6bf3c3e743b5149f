import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { newId } from '#server/kernel/ids.ts';
import { incomingEventSchema, type StoredEvent } from './wire.ts';

/** SDK protocol §8. */
const mostEvents = 5_000;
const mostBytes = 3 * 1024 * 1024;

const answer = (status: number, ids: string[], error?: string) =>
  Response.json({ ids, status, ...(error === undefined ? {} : { error }) }, { status });

function sameKey(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** A client that repeats a request sends the same seed: its events get the same ids again. */
function seededId(seed: string | null, index: number): string {
  return seed === null ? newId() : createHash('sha256').update(`${seed} ${index}`).digest('hex');
}

/** The event API (`POST /e/<key>`) over the embedded executor: for `step.sendEvent` and the relay's sake like a server's. */
export function createEventApi(eventKey: string, receive: (event: StoredEvent) => Promise<boolean>) {
  return async (request: Request, givenKey: string): Promise<Response> => {
    if (!sameKey(givenKey, eventKey)) return answer(401, [], 'event-key-unknown');
    const text = await request.text();
    if (text.length > mostBytes) return answer(413, [], 'body-too-large');
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return answer(400, [], 'body-unreadable');
    }
    const events = z
      .array(incomingEventSchema)
      .max(mostEvents)
      .safeParse(Array.isArray(body) ? body : [body]);
    if (!events.success) return answer(400, [], 'event-unreadable');
    if (events.data.some((event) => event.name.startsWith('inngest/'))) return answer(400, [], 'event-name-reserved');
    const seed = request.headers.get('x-inngest-event-id-seed');
    const ids: string[] = [];
    for (const [index, event] of events.data.entries()) {
      const id = event.id ?? seededId(seed, index);
      await receive({ id, name: event.name, data: event.data, ts: new Date(event.ts ?? Date.now()) });
      ids.push(id);
    }
    return answer(200, ids);
  };
}
