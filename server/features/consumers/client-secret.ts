import { timingSafeEqual } from 'node:crypto';
import { and, desc, eq, gt, isNull, or } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { consumerSecret } from '#db/schema/index.ts';
import { hashToken, newToken } from '#server/features/people/session-token.ts';
import { newId } from '#server/kernel/ids.ts';
import { type SealedPlace, seal } from '#server/kernel/sealed.ts';
import type { Work } from '#server/kernel/verb.ts';

export type SecretRow = typeof consumerSecret.$inferSelect;

/** Where a client's secret rests, where the school allows signed calls. It is never sent anywhere. */
export function placeOfClientSecret(schoolId: string, secretId: string): SealedPlace {
  return { table: 'consumer_secret', column: 'sealed', schoolId, rowId: secretId, origin: null };
}

/**
 * Makes a client a new secret. It is shown once, to whoever asked for it; what stays is its hash, and the secret itself, sealed,
 * only where signed calls are allowed.
 */
export async function writeSecret(
  { ctx, tx }: Pick<Work, 'ctx' | 'tx'>,
  client: { readonly id: string; readonly schoolId: string; readonly signedCalls: boolean },
): Promise<{ secretId: string; secret: string }> {
  const { token: secret, hash } = newToken();
  const secretId = newId();
  await tx.insert(consumerSecret).values({
    id: secretId,
    schoolId: client.schoolId,
    consumerClientId: client.id,
    hash,
    sealed: client.signedCalls ? seal(ctx.keyring, secret, placeOfClientSecret(client.schoolId, secretId)) : null,
    hint: secret.slice(-4),
    createdAt: ctx.clock.now(),
  });
  return { secretId, secret };
}

/** Secrets of a client that are good at this moment, the newest first. */
export async function secretsOf(
  tx: Tx,
  { schoolId, consumerClientId }: { readonly schoolId: string; readonly consumerClientId: string },
  now: Date,
): Promise<SecretRow[]> {
  return tx
    .select()
    .from(consumerSecret)
    .where(
      and(
        eq(consumerSecret.schoolId, schoolId),
        eq(consumerSecret.consumerClientId, consumerClientId),
        or(isNull(consumerSecret.endsAt), gt(consumerSecret.endsAt, now)),
      ),
    )
    .orderBy(desc(consumerSecret.createdAt), desc(consumerSecret.id));
}

/** Which of the secrets it is; compared in constant time, all of them. */
export function matchingSecret(secrets: readonly SecretRow[], given: string): SecretRow | null {
  const hash = hashToken(given);
  return secrets.filter((row) => timingSafeEqual(row.hash, hash))[0] ?? null;
}
