import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { SharingRule } from '#db/schema/index.ts';
import { isScope, type Scope } from '#db/schema/vocabulary.ts';
import type { Context } from '#server/kernel/context.ts';
import { idSchema } from '#server/kernel/ids.ts';

/** A consumer's call as it was let in: who asks, and what its live grant gives it at this moment. */
export interface ConsumerCall {
  readonly schoolId: string;
  readonly connectionId: string;
  readonly grantId: string;
  /** The client's row, for the request log and the rate limit. */
  readonly consumerClientId: string;
  /** The SIS whose roster is asked for. */
  readonly producerSystemId: string;
  /** Of the live grant, cut to what the token was issued for. */
  readonly scopes: readonly Scope[];
  /** The scope strings of OneRoster that the token was issued for. */
  readonly wireScopes: readonly string[];
  /** Single fields that the approver left out, `scope:field`. */
  readonly withoutFields: readonly string[];
  readonly sharingRule: SharingRule;
}

const list = z.array(z.string());
const liveSchema = z.object({
  school_id: idSchema,
  connection_id: idSchema,
  grant_id: idSchema,
  consumer_client_id: idSchema,
  producer_system_id: idSchema,
  scopes: list,
  without_fields: list,
  sharing_rule: z.object({ sites: list, streams: list, subjects: list, groups: list }),
});
const byTokenSchema = z.array(liveSchema.extend({ wire_scopes: list }));

/** What a token opens now; null where it is unknown, over, or its grant is no longer the live one. */
export async function liveConsumerByToken(ctx: Context, tokenHash: Buffer): Promise<ConsumerCall | null> {
  const [row] = byTokenSchema.parse(
    await ctx.database.withoutSchool((tx) =>
      tx.execute(
        sql`select * from across.live_consumer_by_token(${tokenHash}, ${ctx.clock.now().toISOString()}::timestamptz)`,
      ),
    ),
  );
  return row === undefined ? null : callOf(row, row.wire_scopes);
}

function callOf(row: z.output<typeof liveSchema>, wireScopes: readonly string[]): ConsumerCall {
  return {
    schoolId: row.school_id,
    connectionId: row.connection_id,
    grantId: row.grant_id,
    consumerClientId: row.consumer_client_id,
    producerSystemId: row.producer_system_id,
    scopes: row.scopes.filter(isScope),
    wireScopes,
    withoutFields: row.without_fields,
    sharingRule: row.sharing_rule,
  };
}
