import { z } from 'zod';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { type Keyring, openJson, sealJson } from '#server/kernel/sealed.ts';

/** A place in a list: behind the record with this sort key and id. */
export interface ListPlace {
  /** What the list is in the order of; a place in another order says nothing. */
  readonly by: string;
  readonly key: string;
  readonly id: string;
}

const placeSchema = z.object({ by: z.string(), key: z.string(), id: z.uuid() });
const placeOf = (schoolId: string, connectionId: string) => ({
  table: 'connection',
  column: 'cursor',
  schoolId,
  rowId: connectionId,
  origin: null,
});

/** A place as it may stand in an address: sealed, since a sort key can be somebody's name, and good for one connection. */
export function sealCursor(keys: Keyring, of: { schoolId: string; connectionId: string }, place: ListPlace): string {
  const { version, iv, tag, ciphertext } = sealJson(keys, place, placeOf(of.schoolId, of.connectionId));
  return Buffer.from(JSON.stringify([version, iv, tag, ciphertext])).toString('base64url');
}

const cursorSchema = z.tuple([z.number(), z.string(), z.string(), z.string()]);

/** The place that a cursor names; null for what is no cursor of this connection. */
export function openCursor(
  keys: Keyring,
  of: { schoolId: string; connectionId: string },
  cursor: string,
): ListPlace | null {
  const parsed = cursorSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  if (!parsed.success) return null;
  const [version, iv, tag, ciphertext] = parsed.data;
  try {
    const sealed = { version, iv, tag, ciphertext };
    return openJson(keys, sealed, placeOf(of.schoolId, of.connectionId), placeSchema);
  } catch (error) {
    if (isCrosswalkError(error, 'secret-unreadable')) return null;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
