import { and, eq, isNull } from 'drizzle-orm';
import { accessToken, type connection, consumerClient, consumerSecret } from '#db/schema/index.ts';
import type { Work } from '#server/kernel/verb.ts';

/** Ends whatever a consumer was known by on a connection: client, secrets, tokens. What it is called by next time is new. */
export async function endClients(
  { ctx, tx, audit }: Work,
  { id: connectionId, schoolId }: typeof connection.$inferSelect,
): Promise<number> {
  const now = ctx.clock.now();
  const ended = await tx
    .update(consumerClient)
    .set({ revokedAt: now })
    .where(
      and(
        eq(consumerClient.schoolId, schoolId),
        eq(consumerClient.connectionId, connectionId),
        isNull(consumerClient.revokedAt),
      ),
    )
    .returning({ id: consumerClient.id });
  for (const { id } of ended) {
    const mine = and(eq(consumerSecret.schoolId, schoolId), eq(consumerSecret.consumerClientId, id));
    await tx.update(consumerSecret).set({ endsAt: now, sealed: null }).where(mine);
    await tx.delete(accessToken).where(and(eq(accessToken.schoolId, schoolId), eq(accessToken.consumerClientId, id)));
    audit({
      action: 'consumer.client-revoked',
      subjectKind: 'connection',
      subjectId: connectionId,
      details: { consumerClientId: id },
    });
  }
  return ended.length;
}
