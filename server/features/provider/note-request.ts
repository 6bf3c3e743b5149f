import { sql } from 'drizzle-orm';
import type { ConsumerCall } from '#server/features/consumers/consumer-call.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';

/** What is kept of a call: never a value that it was asked with, never what it was told. */
export interface RequestNote {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly string[];
  readonly status: number;
  readonly records: number;
  readonly bytes: number;
  readonly ms: number;
}

/** Data was received at most so long ago: a connection is not written at every page that is pulled. */
const receivedEveryMs = 60_000;

/** Keeps a call in the log that the school and the consumer see, and on the connection when it last received data. */
export async function noteRequest(ctx: Context, call: ConsumerCall, note: RequestNote): Promise<void> {
  const now = ctx.clock.now();
  const at = sql`${now.toISOString()}::timestamptz`;
  const parameters = sql`array(select jsonb_array_elements_text(${JSON.stringify(note.parameters)}::jsonb))`;
  await ctx.database.withSchool(call.schoolId, async (tx) => {
    await tx.execute(sql`
      insert into provider_request (id, school_id, connection_id, grant_id, consumer_client_id, at, method, path, parameters, status, records, bytes, ms)
      values (${newId()}::uuid, ${call.schoolId}::uuid, ${call.connectionId}::uuid, ${call.grantId}::uuid, ${call.consumerClientId}::uuid, ${at},
              ${note.method}, ${note.path}, ${parameters}, ${note.status}::int, ${note.records}::int, ${note.bytes}::int, ${Math.round(note.ms)}::int)`);
    if (note.status !== 200) return;
    // Whoever steers the connection meanwhile is not waited for: the next call will do.
    const before = sql`${new Date(now.getTime() - receivedEveryMs).toISOString()}::timestamptz`;
    await tx.execute(sql`
      update connection set last_received_at = ${at}
       where id in (select id from connection where id = ${call.connectionId}::uuid and school_id = ${call.schoolId}::uuid
                       and (last_received_at is null or last_received_at < ${before}) for no key update skip locked)`);
  });
}
