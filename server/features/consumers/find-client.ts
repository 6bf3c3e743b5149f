import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { consumerClient, consumerNonce } from '#db/schema/index.ts';
import { hashToken } from '#server/features/people/session-token.ts';
import type { Context } from '#server/kernel/context.ts';
import { idSchema } from '#server/kernel/ids.ts';

export type ClientRow = typeof consumerClient.$inferSelect;

const rowsSchema = z.array(z.object({ id: idSchema, school_id: idSchema }));

/** A client by its public id, which says of itself whose it is; null where there is none. */
export async function findClient(ctx: Context, clientId: string): Promise<ClientRow | null> {
  const [found] = rowsSchema.parse(
    await ctx.database.withoutSchool((tx) =>
      tx.execute(sql`select id, school_id from across.consumer_client_by_id(${clientId})`),
    ),
  );
  if (found === undefined) return null;
  const [row] = await ctx.database.withSchool(found.school_id, (tx) =>
    tx
      .select()
      .from(consumerClient)
      .where(and(eq(consumerClient.schoolId, found.school_id), eq(consumerClient.id, found.id))),
  );
  return row ?? null;
}

/** Notes what may come once only. @returns false where it has come before */
export async function takeOnce(
  tx: Tx,
  client: ClientRow,
  { kind, value, now, expiresAt }: { kind: 'assertion' | 'signature'; value: string; now: Date; expiresAt: Date },
): Promise<boolean> {
  const mine = and(eq(consumerNonce.schoolId, client.schoolId), eq(consumerNonce.consumerClientId, client.id));
  await tx.delete(consumerNonce).where(and(mine, sql`expires_at < ${now.toISOString()}::timestamptz`));
  const written = await tx
    .insert(consumerNonce)
    .values({ schoolId: client.schoolId, consumerClientId: client.id, kind, hash: hashToken(value), expiresAt })
    .onConflictDoNothing()
    .returning({ hash: consumerNonce.hash });
  return written.length > 0;
}
