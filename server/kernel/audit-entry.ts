import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type CanonicalValue, canonicalJson } from './canonical-json.ts';
import { CrosswalkError, type SafeDetails } from './errors.ts';

/** The operator's chain: the nil UUID (RFC 9562 §5.9), which no school can have. */
export const operatorChainId = '00000000-0000-0000-0000-000000000000';

/** What stands before the first entry of a chain. */
export const emptyHash: Uint8Array = new Uint8Array(32);

/** A link of the chain as it is hashed, stored and exported. */
export interface AuditRow {
  readonly id: string;
  readonly chainId: string;
  readonly schoolId: string | null;
  readonly seq: number;
  readonly at: Date;
  readonly actorKind: string;
  readonly actorId: string | null;
  readonly actorName: string | null;
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly previousHash: Uint8Array;
  readonly hash: Uint8Array;
}

const safeValue = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);
const safeDetails = z.record(z.string(), safeValue);

/** Hexadecimal, lower case: how hashes stand in exports and in what is hashed. */
export const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The entry without its hash, in the words of the export. */
export function auditContent(row: Omit<AuditRow, 'hash' | 'details'> & { readonly details: SafeDetails }) {
  return {
    version: 1,
    chain: row.chainId,
    school: row.schoolId,
    seq: row.seq,
    id: row.id,
    at: row.at.toISOString(),
    actor: { kind: row.actorKind, id: row.actorId, name: row.actorName },
    action: row.action,
    subject: { kind: row.subjectKind, id: row.subjectId },
    details: row.details,
    previous: toHex(row.previousHash),
  } satisfies CanonicalValue;
}

/** SHA-256 over the canonical JSON (RFC 8785) of all fields, the hash of the entry before among them. */
export function hashOfEntry(row: Omit<AuditRow, 'hash'>): Buffer {
  const content = auditContent({ ...row, details: safeDetails.parse(row.details) });
  return createHash('sha256').update(canonicalJson(content), 'utf8').digest();
}

/** Whether the stored hash is the hash of the stored fields, for a row that anybody may have written. */
export function isSound(row: AuditRow): boolean {
  if (!safeDetails.safeParse(row.details).success) return false;
  return hashOfEntry(row).equals(row.hash);
}

/** PostgreSQL holds neither NUL nor lone surrogates; an entry must come back as it was hashed. */
export function assertStorable(texts: readonly (string | null)[], details: SafeDetails): void {
  const storable = (text: string) => text.isWellFormed() && !text.includes('\0');
  const values = Object.entries(details).flat(2);
  const sound = [...texts, ...values].every((value) =>
    typeof value === 'string' ? storable(value) : typeof value !== 'number' || Number.isFinite(value),
  );
  if (!sound) throw new CrosswalkError('internal', { details: { problem: 'audit-entry-not-storable' } });
}
