import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { and, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { Secret, TOTP } from 'otpauth';
import type { Tx } from '#db/client.ts';
import { recoveryCode, totp } from '#db/schema/people.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { openText, type SealedPlace } from '#server/kernel/sealed.ts';

/** RFC 6238 with what every authenticator app assumes: SHA-1, six digits, thirty seconds. */
const settings = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
const drift = 1;

export const sealedTotpPlace = (userId: string): SealedPlace => ({
  table: 'totp',
  column: 'sealed_secret',
  schoolId: null,
  rowId: userId,
  origin: null,
});

/** A new secret (160 bits, RFC 4226 §4), in base32 as people type it. */
export const newTotpSecret = () => new Secret({ size: 20 }).base32;

/** The address that the QR code holds (Key URI format). */
export function totpUri(secret: string, account: string): string {
  return new TOTP({ ...settings, issuer: 'Crosswalk', label: account, secret: Secret.fromBase32(secret) }).toString();
}

export const currentTotpStep = (now: Date) => Math.floor(now.getTime() / 1000 / settings.period);

/** The step that a code is of, within one step of now; null where it is of none. Takes as long for every code. */
export function totpStep(secret: string, code: string, now: Date): number | null {
  const generator = new TOTP({ ...settings, secret: Secret.fromBase32(secret) });
  const given = Buffer.from(code.padEnd(settings.digits).slice(0, 32));
  const current = currentTotpStep(now);
  let found: number | null = null;
  for (let step = current - drift; step <= current + drift; step += 1) {
    const expected = Buffer.from(generator.generate({ timestamp: step * settings.period * 1000 }));
    if (expected.length === given.length && timingSafeEqual(expected, given)) found = step;
  }
  return found;
}

/** How a second factor was given. */
export type FactorUsed = 'totp' | 'recovery-code';

/** Whether the account has a second factor that counts. */
export async function hasSecondFactor(tx: Tx, userId: string): Promise<boolean> {
  const row = await tx.query.totp.findFirst({ where: eq(totp.userId, userId) });
  return row !== undefined && row.confirmedAt !== null;
}

/** Those of the accounts that have a second factor that counts. */
export async function withSecondFactor(tx: Tx, userIds: readonly string[]): Promise<string[]> {
  const rows = await tx
    .select({ userId: totp.userId })
    .from(totp)
    .where(and(inArray(totp.userId, [...userIds]), isNotNull(totp.confirmedAt)));
  return rows.map(({ userId }) => userId);
}

/**
 * Tries a code of the authenticator app or a recovery code, and uses it up: of two at once with the same code one wins.
 * Null where it is neither. `confirming` tries a secret that was not confirmed yet, and no recovery code.
 */
export async function spendSecondFactor(
  ctx: Pick<Context, 'keyring' | 'clock'>,
  tx: Tx,
  userId: string,
  typed: string,
  { confirming = false }: { confirming?: boolean } = {},
): Promise<FactorUsed | null> {
  const code = typed.replace(/[\s-]/g, '');
  const row = await tx.query.totp.findFirst({ where: eq(totp.userId, userId) });
  if (row === undefined || (row.confirmedAt !== null) === confirming) return null;
  if (/^\d{6}$/.test(code)) {
    const secret = openText(ctx.keyring, row.sealedSecret, sealedTotpPlace(userId));
    const step = totpStep(secret, code, ctx.clock.now());
    if (step === null) return null;
    const used = await tx
      .update(totp)
      .set({ lastStep: step })
      .where(and(eq(totp.userId, userId), sql`coalesce(${totp.lastStep}, -1) < ${step}`))
      .returning({ userId: totp.userId });
    return used.length === 1 ? 'totp' : null;
  }
  if (confirming) return null;
  const used = await tx
    .update(recoveryCode)
    .set({ usedAt: ctx.clock.now() })
    .where(
      and(
        eq(recoveryCode.userId, userId),
        eq(recoveryCode.codeHash, hashRecoveryCode(userId, code)),
        isNull(recoveryCode.usedAt),
      ),
    )
    .returning({ id: recoveryCode.id });
  return used.length > 0 ? 'recovery-code' : null;
}

const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Ten codes of 79 bits, so that a plain hash suffices; written in groups of four. */
function newRecoveryCodes(): string[] {
  return Array.from({ length: 10 }, () => {
    let text = '';
    while (text.length < 16) {
      for (const byte of randomBytes(16)) {
        // 248 = 8 × 31: bytes above would favour the first letters.
        if (byte < 248 && text.length < 16) text += alphabet[byte % alphabet.length];
      }
    }
    return text.replace(/(.{4})(?=.)/g, '$1-');
  });
}

const hashRecoveryCode = (userId: string, code: string) =>
  createHash('sha256')
    .update(`${userId}\0${code.toLowerCase().replace(/[^a-z0-9]/g, '')}`)
    .digest();

/** New recovery codes in place of the old ones. They are returned to be shown once; only hashes are kept. */
export async function renewRecoveryCodesOf(ctx: Context, tx: Tx, userId: string): Promise<string[]> {
  const codes = newRecoveryCodes();
  await tx.delete(recoveryCode).where(eq(recoveryCode.userId, userId));
  await tx.insert(recoveryCode).values(
    codes.map((code) => ({
      id: newId(),
      userId,
      codeHash: hashRecoveryCode(userId, code),
      createdAt: ctx.clock.now(),
    })),
  );
  return codes;
}
