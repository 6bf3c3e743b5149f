import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import type { SharingRule } from '#db/schema/index.ts';
import { isScope, type Scope } from '#db/schema/vocabulary.ts';
import type { Context } from '#server/kernel/context.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { scopesOpenedBy } from '#server/protocols/oneroster/scopes.ts';

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
const byIdSchema = z.array(liveSchema);
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
  if (row === undefined) return null;
  const live = liveOf(row);
  return { ...live, scopes: scopesOpenedBy(live.scopes, row.wire_scopes), wireScopes: row.wire_scopes };
}

/** What a client that has shown who it is may have now; null where its connection releases nothing. */
export async function liveConsumerOf(
  tx: Tx,
  consumerClientId: string,
  now: Date,
): Promise<Omit<ConsumerCall, 'wireScopes'> | null> {
  const [row] = byIdSchema.parse(
    await tx.execute(sql`select * from across.live_consumer(${consumerClientId}, ${now.toISOString()}::timestamptz)`),
  );
  return row === undefined ? null : liveOf(row);
}

function liveOf(row: z.output<typeof liveSchema>): Omit<ConsumerCall, 'wireScopes'> {
  return {
    schoolId: row.school_id,
    connectionId: row.connection_id,
    grantId: row.grant_id,
    consumerClientId: row.consumer_client_id,
    producerSystemId: row.producer_system_id,
    scopes: row.scopes.filter(isScope),
    withoutFields: row.without_fields,
    sharingRule: row.sharing_rule,
  };
}
