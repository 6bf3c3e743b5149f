import { setTimeout as pause } from 'node:timers/promises';
import { and, eq, isNull, or, sql } from 'drizzle-orm';
import { credential } from '#db/schema/index.ts';
import { type Tokens, tokensSchema } from '#server/connectors/contract.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { openJson, sealJson } from '#server/kernel/sealed.ts';
import { placeOfTokens } from './credential-places.ts';

/** Time that one renewal may take before another process takes over: longer than a token call's own time limit. */
const leaseSeconds = 45;
/** Tokens that end within this time are renewed before they are used. */
const renewBeforeMilliseconds = 60_000;
const waitMilliseconds = 150;

interface Owner {
  readonly schoolId: string;
  readonly credentialId: string;
  readonly origins: readonly string[];
}

interface Held {
  readonly tokens: Tokens | null;
  readonly generation: number;
}

/**
 * The tokens of a credential, renewed by one process at a time (contract.ts `Session.tokens`). The lock is a lease in
 * the row, taken and given up in short transactions, so that none stays open across the call and PgBouncer in
 * transaction mode is no obstacle; what comes back is written only if the generation is still the one it was bought for.
 */
export async function tokensByLease(
  ctx: Context,
  owner: Owner,
  renew: (current: Tokens | null) => Promise<Tokens>,
  rejected?: string,
  signal?: AbortSignal,
): Promise<Tokens> {
  const holder = newId();
  for (;;) {
    const held = await readTokens(ctx, owner);
    if (held.tokens !== null && isGood(ctx, held.tokens, rejected)) return held.tokens;
    if (!(await takeLease(ctx, owner, holder, held.generation))) {
      await pause(waitMilliseconds, undefined, { signal });
      continue;
    }
    try {
      const bought = await renew(held.tokens);
      // RFC 6749 §6: an answer without a new refresh token leaves the old one in force.
      const refreshToken = bought.refreshToken ?? held.tokens?.refreshToken ?? null;
      const actsAs = bought.actsAs ?? held.tokens?.actsAs ?? null;
      const tokens = { ...bought, refreshToken, actsAs };
      await keepTokens(ctx, owner, tokens, { generation: held.generation, holder });
      return tokens;
    } finally {
      await giveUpLease(ctx, owner, holder);
    }
  }
}

function isGood(ctx: Context, tokens: Tokens, rejected: string | undefined): boolean {
  if (tokens.accessToken === rejected) return false;
  return tokens.expiresAt === null || tokens.expiresAt.getTime() > ctx.clock.now().getTime() + renewBeforeMilliseconds;
}

const rowOf = ({ schoolId, credentialId }: Owner) =>
  and(eq(credential.schoolId, schoolId), eq(credential.id, credentialId), isNull(credential.destroyedAt));

async function readTokens(ctx: Context, owner: Owner): Promise<Held> {
  const [row] = await ctx.database.withSchool(owner.schoolId, (tx) =>
    tx
      .select({ sealed: credential.sealedTokens, generation: credential.tokenGeneration })
      .from(credential)
      .where(rowOf(owner)),
  );
  if (row === undefined) throw new CrosswalkError('credential-not-proved', { details: { problem: 'destroyed' } });
  const tokens = row.sealed === null ? null : openJson(ctx.keyring, row.sealed, placeOfTokens(owner), tokensSchema);
  return { tokens, generation: row.generation };
}

/** The lease runs by the database's clock, since processes may disagree about the time. */
async function takeLease(ctx: Context, owner: Owner, holder: string, generation: number): Promise<boolean> {
  const taken = await ctx.database.withSchool(owner.schoolId, (tx) =>
    tx
      .update(credential)
      .set({ refreshLeaseHolder: holder, refreshLeaseUntil: sql`now() + make_interval(secs => ${leaseSeconds})` })
      .where(
        and(
          rowOf(owner),
          eq(credential.tokenGeneration, generation),
          or(isNull(credential.refreshLeaseUntil), sql`${credential.refreshLeaseUntil} < now()`),
        ),
      )
      .returning({ id: credential.id }),
  );
  return taken.length === 1;
}

/** Seals and writes tokens, raising the generation; nothing where somebody else wrote or the credential was destroyed. */
async function keepTokens(
  ctx: Context,
  owner: Owner,
  tokens: Tokens,
  { generation, holder }: { generation: number; holder: string },
): Promise<void> {
  const kept = await ctx.database.withSchool(owner.schoolId, (tx) =>
    tx
      .update(credential)
      .set({
        sealedTokens: sealJson(ctx.keyring, tokens, placeOfTokens(owner)),
        tokensExpireAt: tokens.expiresAt,
        tokenGeneration: generation + 1,
      })
      .where(and(rowOf(owner), eq(credential.tokenGeneration, generation), eq(credential.refreshLeaseHolder, holder)))
      .returning({ id: credential.id }),
  );
  if (kept.length === 0) {
    throw new CrosswalkError('credential-not-proved', { details: { problem: 'destroyed-or-renewed-by-another' } });
  }
}

async function giveUpLease(ctx: Context, owner: Owner, holder: string): Promise<void> {
  await ctx.database.withSchool(owner.schoolId, (tx) =>
    tx
      .update(credential)
      .set({ refreshLeaseHolder: null, refreshLeaseUntil: null })
      .where(and(rowOf(owner), eq(credential.refreshLeaseHolder, holder))),
  );
}
