import { and, eq, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { consumerClient } from '#db/schema/index.ts';
import { secretsOf } from './client-secret.ts';

/** What a consumer is known by on a connection, as pages show it: no secret, what can be recognised of each. */
export async function clientOf(tx: Tx, schoolId: string, connectionId: string, now: Date) {
  const [row] = await tx
    .select()
    .from(consumerClient)
    .where(
      and(
        eq(consumerClient.schoolId, schoolId),
        eq(consumerClient.connectionId, connectionId),
        isNull(consumerClient.revokedAt),
      ),
    );
  if (row === undefined) return null;
  const secrets = await secretsOf(tx, { schoolId, consumerClientId: row.id }, now);
  return {
    clientId: row.clientId,
    issuedAt: row.createdAt,
    lastUsedAt: row.lastUsedAt,
    signedCalls: row.signedCalls,
    keys: row.jwksUrl ?? (row.jwks === null ? null : ''),
    secrets: secrets.map(({ hint, createdAt, endsAt }) => ({ hint, issuedAt: createdAt, endsAt })),
  };
}
