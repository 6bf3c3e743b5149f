import { randomBytes } from 'node:crypto';
import { v7, validate } from 'uuid';
import { z } from 'zod';

/** A new identifier: UUIDv7 (RFC 9562 §5.7), so that rows sort by the time of their making. */
export function newId(): string {
  return v7();
}

/**
 * The halves, as 64-bit integers, of the first of very many ids that one statement makes: the second half plus n gives the others, up to 2^32 (`across.nth_id`).
 * UUIDv7 with a counter (RFC 9562 §6.2, method 1) behind 42 random bits: a random number for each of millions of rows costs more than
 * the rest of the row.
 */
export function idsInOrder(now: Date): { readonly high: bigint; readonly low: bigint } {
  const random = randomBytes(6).readUIntBE(0, 6);
  const high = (BigInt(now.getTime()) << 16n) | 0x7000n | BigInt(random % 0x1000);
  const low = (0b10n << 62n) | (BigInt(Math.floor(random / 0x1000) % 0x4000_0000) << 32n);
  return { high: BigInt.asIntN(64, high), low: BigInt.asIntN(64, low) };
}

/** Border schema of every id that comes from outside. */
export const idSchema = z.uuid();

export function isId(value: unknown): value is string {
  return typeof value === 'string' && validate(value);
}
