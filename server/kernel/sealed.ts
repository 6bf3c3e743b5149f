import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { CrosswalkError } from './errors.ts';

/** The data keys of this installation; made by `loadKeyring` of data-keys.ts. */
export interface Keyring {
  /** The version that seals. Every other one only opens. */
  readonly activeVersion: number;
  /** The AES-256 key of a version, or undefined where this installation has none. */
  key(version: number): KeyObject | undefined;
}

/**
 * The one place where a sealed value is good. All of it is associated data, so that a value copied into another row,
 * column, school or beside another address does not open.
 */
export interface SealedPlace {
  readonly table: string;
  readonly column: string;
  /** Null for rows of no school (a person's TOTP secret). */
  readonly schoolId: string | null;
  /** The row's primary key. */
  readonly rowId: string;
  /** What the secret may be sent to: `originsAsOne(system.origins)`; null where it is never sent. */
  readonly origin: string | null;
}

const base64 = z.base64();

/** What stands in a jsonb column. Fields are base64 but for the key's version. */
export const sealedSecretSchema = z.strictObject({
  version: z.int().positive(),
  iv: base64.length(16),
  tag: base64.length(24),
  ciphertext: base64,
});
export type SealedSecret = z.infer<typeof sealedSecretSchema>;

/** One text for the set of origins that a credential may be sent to, whatever their order. */
export function originsAsOne(origins: readonly string[]): string {
  return [...new Set(origins)].sort().join(' ');
}

/** Associated data: canonical, so that no two places share a spelling. */
function associatedData(place: SealedPlace, keyVersion: number): Buffer {
  return Buffer.from(
    canonicalJson({
      format: 'crosswalk-sealed-1',
      table: place.table,
      column: place.column,
      school: place.schoolId?.toLowerCase() ?? null,
      row: place.rowId.toLowerCase(),
      keyVersion,
      origin: place.origin,
    }),
    'utf8',
  );
}

function unreadable(problem: string, place: SealedPlace): CrosswalkError {
  // No cause: OpenSSL's message adds nothing, and an oracle would be the only one to profit.
  return new CrosswalkError('secret-unreadable', { details: { problem, table: place.table, column: place.column } });
}

/**
 * Seals a secret for one place: AES-256-GCM (NIST SP 800-38D) with a random 96-bit IV under the active data key. Fresh
 * output at every call. Text must be well-formed Unicode.
 */
export function seal(keys: Keyring, plaintext: string | Uint8Array, place: SealedPlace): SealedSecret {
  const version = keys.activeVersion;
  const key = keys.key(version);
  if (key === undefined) throw unreadable('no-active-key', place);
  if (typeof plaintext === 'string' && !plaintext.isWellFormed()) {
    throw new CrosswalkError('invalid-input', { details: { problem: 'text-not-unicode' } });
  }
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
  cipher.setAAD(associatedData(place, version));
  const bytes = typeof plaintext === 'string' ? Buffer.from(plaintext, 'utf8') : plaintext;
  const ciphertext = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return {
    version,
    iv: iv.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    ciphertext: ciphertext.toString('base64'),
  };
}

/**
 * Opens what `seal` made for exactly this place.
 * @throws CrosswalkError `secret-unreadable` where anything differs: the place, the key, a bit of the value, its shape.
 */
export function open(keys: Keyring, sealed: unknown, place: SealedPlace): Uint8Array {
  const parsed = sealedSecretSchema.safeParse(sealed);
  if (!parsed.success) throw unreadable('not-sealed', place);
  const { version, iv, tag, ciphertext } = parsed.data;
  const key = keys.key(version);
  if (key === undefined) throw unreadable('key-version-unknown', place);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64'), { authTagLength: 16 });
    decipher.setAAD(associatedData(place, version));
    decipher.setAuthTag(Buffer.from(tag, 'base64'));
    return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64')), decipher.final()]);
  } catch {
    throw unreadable('does-not-open-here', place);
  }
}

/** `open` for what was sealed as text. */
export function openText(keys: Keyring, sealed: unknown, place: SealedPlace): string {
  return Buffer.from(open(keys, sealed, place)).toString('utf8');
}

/** Seals a value as JSON. */
export function sealJson(keys: Keyring, value: unknown, place: SealedPlace): SealedSecret {
  return seal(keys, JSON.stringify(value), place);
}

/** `open` for what `sealJson` sealed; the schema says what it must be, else `secret-unreadable`. */
export function openJson<S extends z.ZodType>(
  keys: Keyring,
  sealed: unknown,
  place: SealedPlace,
  schema: S,
): z.infer<S> {
  const text = openText(keys, sealed, place);
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw unreadable('sealed-value-of-another-shape', place);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // `undefined` fits no schema of a sealed value, and the parser's message would quote the secret.
    return undefined;
  }
}
