import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database, Tx } from '#db/client.ts';
import { type AuditChain, readChain } from './audit.ts';
import { operatorChainId, toHex } from './audit-entry.ts';
import { type ChainHead, type FirstBadRow, verifyRows } from './audit-rules.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Clock } from './clock.ts';
import type { Environment, MasterKey } from './env.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** One line of the heads file: where a chain stood, signed (Ed25519, RFC 8032), each line naming the hash of the line before. */
const signedHeadSchema = z.strictObject({
  version: z.literal(1),
  n: z.int().positive(),
  at: z.iso.datetime(),
  chain: z.string(),
  seq: z.int().positive(),
  hash,
  key: z.string(),
  previous: hash,
  signature: z.base64url(),
});
export type SignedHead = z.infer<typeof signedHeadSchema>;

const nothingBefore = '0'.repeat(64);
const hashOfLine = (line: string) => createHash('sha256').update(line, 'utf8').digest('hex');
const signedBytes = ({ signature: _, ...content }: SignedHead) => Buffer.from(canonicalJson(content), 'utf8');

export interface HeadSigner {
  readonly keyId: string;
  readonly publicKey: KeyObject;
  sign(bytes: Uint8Array): Buffer;
}

/** PKCS #8 frame of an Ed25519 seed (RFC 8410 §7). */
const ed25519Frame = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The signing key of a master key: derived (HKDF), so that who holds the database alone cannot sign, and every process that has
 * the master key can.
 */
export function headSigner(master: MasterKey): HeadSigner {
  const seed = hkdfSync('sha256', Buffer.from(master.base64, 'base64'), '', 'crosswalk audit head signing 1', 32);
  const privateKey = createPrivateKey({
    key: Buffer.concat([ed25519Frame, Buffer.from(seed)]),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = createPublicKey(privateKey);
  return { keyId: keyIdOf(publicKey), publicKey, sign: (bytes) => sign(null, bytes, privateKey) };
}

/** Sixteen hexadecimal digits that tell public keys apart. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('hex')
    .slice(0, 16);
}

/** What is wrong with a line of the heads file. */
export interface BadLine {
  readonly line: number;
  /** `broken-off`: lines before it are gone or changed. `backwards`: a chain that had come farther. */
  readonly what: 'unreadable' | 'unknown-key' | 'bad-signature' | 'broken-off' | 'backwards';
}

export interface SignedHeads {
  /** Trusted heads of each chain id, oldest first. */
  readonly byChain: ReadonlyMap<string, readonly SignedHead[]>;
  readonly badLines: readonly BadLine[];
  /** The last readable line, which the next one names. */
  readonly last: { readonly n: number; readonly hash: string };
}

/** Heads as the rules of the chain take them. */
export function asChainHeads(heads: readonly SignedHead[] | undefined): ChainHead[] {
  return (heads ?? []).map((head) => ({ seq: head.seq, hash: Buffer.from(head.hash, 'hex') }));
}

/**
 * Reads and checks the lines of a heads file (or those of one chain in an export, with `contiguous` false). Only what a known key
 * signed is trusted.
 */
export function readSignedHeads(text: string, publicKeys: readonly KeyObject[], contiguous = true): SignedHeads {
  const keys = new Map(publicKeys.map((key) => [keyIdOf(key), key]));
  const byChain = new Map<string, SignedHead[]>();
  const badLines: BadLine[] = [];
  let last = { n: 0, hash: nothingBefore };
  const lines = text.split('\n');
  // What stands after the last line feed was never finished: a write that a crash cut short.
  lines.pop();
  for (const [index, line] of lines.entries()) {
    const bad = (what: BadLine['what']) => badLines.push({ line: index + 1, what });
    const head = parseLine(line);
    if (head === null) {
      bad('unreadable');
      continue;
    }
    const before = last;
    last = { n: head.n, hash: hashOfLine(line) };
    if (contiguous && (head.n !== before.n + 1 || head.previous !== before.hash)) bad('broken-off');
    const key = keys.get(head.key);
    if (key === undefined) bad('unknown-key');
    else if (!verify(null, signedBytes(head), key, Buffer.from(head.signature, 'base64url'))) bad('bad-signature');
    else {
      const known = byChain.get(head.chain) ?? [];
      if ((known.at(-1)?.seq ?? 0) >= head.seq) bad('backwards');
      byChain.set(head.chain, [...known, head]);
    }
  }
  return { byChain, badLines, last };
}

function parseLine(line: string): SignedHead | null {
  try {
    return signedHeadSchema.parse(JSON.parse(line));
  } catch {
    // Reported as `unreadable` with its number; what it holds is nobody's word.
    return null;
  }
}

/** The file's text; empty where there is none yet. */
async function readHeadsFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** The heads that this installation has signed, for `verifyChain` and `exportChain`. */
export async function loadSignedHeads(env: Pick<Environment, 'masterKeys' | 'auditHeadsFile'>): Promise<SignedHeads> {
  const publicKeys = env.masterKeys.map((master) => headSigner(master).publicKey);
  return readSignedHeads(await readHeadsFile(env.auditHeadsFile), publicKeys);
}

export interface WrittenHeads {
  readonly written: number;
  /** Chains that do not continue what was signed: not signed again, so that the evidence stays. */
  readonly broken: readonly { readonly chain: string; readonly firstBad: FirstBadRow }[];
  readonly badLines: readonly BadLine[];
}

const headRows = z.array(z.object({ chain_id: z.string(), seq: z.coerce.number(), hash: z.instanceof(Uint8Array) }));

/**
 * Signs where every chain stands that has grown since the last time, after proving that it grew out of what was signed, and appends
 * the lines to the heads file (one writer at a time, flushed to disk). Keep the file, or a copy of it, where who can
 * write the database cannot: then truncation and an old head put back both show.
 */
export async function writeSignedHeads(options: {
  readonly database: Database;
  readonly env: Pick<Environment, 'masterKeys' | 'auditHeadsFile'>;
  readonly clock: Clock;
}): Promise<WrittenHeads> {
  const { database, env, clock } = options;
  const signers = env.masterKeys.map(headSigner);
  const [signer] = signers;
  if (signer === undefined) return { written: 0, broken: [], badLines: [] };
  return database.withoutSchool(async (lock) => {
    await lock.execute(sql`select pg_advisory_xact_lock(hashtext('crosswalk audit heads'))`);
    const text = await readHeadsFile(env.auditHeadsFile);
    const known = readSignedHeads(
      text,
      signers.map((one) => one.publicKey),
    );
    const heads = headRows.parse(
      await lock.execute(sql`select chain_id, seq, hash from across.audit_heads() order by chain_id`),
    );
    const standing = new Map(heads.map((head) => [head.chain_id, head]));
    const broken: { chain: string; firstBad: FirstBadRow }[] = [];
    const lines: string[] = [];
    let last = known.last;
    for (const chainId of new Set([...known.byChain.keys(), ...standing.keys()])) {
      const before = known.byChain.get(chainId) ?? [];
      const newest = before.at(-1);
      const now = standing.get(chainId);
      if (newest !== undefined && now?.seq === newest.seq && toHex(now.hash) === newest.hash) continue;
      if (newest === undefined && (now === undefined || now.seq === 0)) continue;
      const verdict = await verifyFrom(database, chainId, before, now ?? null);
      if (!verdict.ok) {
        broken.push({ chain: chainId, firstBad: verdict.firstBad });
        continue;
      }
      const unsigned = {
        version: 1 as const,
        n: last.n + 1,
        at: clock.now().toISOString(),
        chain: chainId,
        seq: verdict.seq,
        hash: toHex(verdict.hash),
        key: signer.keyId,
        previous: last.hash,
        signature: '',
      };
      const line = canonicalJson({ ...unsigned, signature: signer.sign(signedBytes(unsigned)).toString('base64url') });
      last = { n: unsigned.n, hash: hashOfLine(line) };
      lines.push(`${line}\n`);
    }
    if (lines.length > 0) await appendLines(env.auditHeadsFile, lines.join(''), text);
    return { written: lines.length, broken, badLines: known.badLines };
  });
}

/** From the row that was signed last (which must still be what it was) to the head read before. */
async function verifyFrom(database: Database, chainId: string, before: readonly SignedHead[], now: ChainHead | null) {
  const chain = chainId === operatorChainId ? 'operator' : chainId;
  const scope = { schoolId: chain === 'operator' ? null : chain };
  const signedHeads = asChainHeads(before);
  const signed = signedHeads.at(-1);
  return database.inScope(scope, async (tx) => {
    if (signed !== undefined && !(await stands(tx, chain, signed))) {
      // The signed row is gone or another: the whole chain is walked to name the first bad one.
      return verifyRows(readChain(tx, chain), { chainId, signedHeads, ownHead: async () => now });
    }
    const until = now?.seq ?? 0;
    return verifyRows(upTo(readChain(tx, chain, signed?.seq ?? 0), until), {
      chainId,
      from: signed,
      ownHead: async () => now,
    });
  });
}

async function stands(tx: Tx, chain: AuditChain, head: ChainHead): Promise<boolean> {
  for await (const row of readChain(tx, chain, head.seq - 1))
    return row.seq === head.seq && toHex(row.hash) === toHex(head.hash);
  return false;
}

/** Rows that were appended after the head was read belong to the next time. */
async function* upTo<R extends { readonly seq: number }>(rows: AsyncIterable<R>, seq: number): AsyncGenerator<R> {
  for await (const row of rows) {
    if (row.seq > seq) return;
    yield row;
  }
}

async function appendLines(file: string, lines: string, before: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a', 0o600);
  try {
    // A line that a crash cut short goes; it was never part of the record.
    if (before !== '' && !before.endsWith('\n'))
      await handle.truncate(Buffer.byteLength(before.slice(0, before.lastIndexOf('\n') + 1)));
    await handle.appendFile(lines, 'utf8');
    await handle.sync();
  } finally {
    await handle.close();
  }
}
