import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { type AuditChain, chainIdOf, readChain, readHead } from './audit.ts';
import { type AuditRow, auditContent, toHex } from './audit-entry.ts';
import { type ChainVerdict, verifyRows } from './audit-rules.ts';
import { canonicalJson } from './canonical-json.ts';
import { CrosswalkError, type SafeDetails } from './errors.ts';
import { asChainHeads, readSignedHeads, type SignedHead, type SignedHeads } from './signed-heads.ts';

export type { ChainVerdict } from './audit-rules.ts';

/**
 * Verifies a chain against itself, the database's head and, where given, the heads signed outside it. Runs in the scope of the
 * chain's school.
 * @returns the first bad row by number, id and what is wrong with it; or how far the chain is sound.
 */
export async function verifyChain(tx: Tx, chain: AuditChain, signedHeads?: SignedHeads): Promise<ChainVerdict> {
  const chainId = chainIdOf(chain);
  return verifyRows(rowsUntilHead(tx, chain), {
    chainId,
    signedHeads: asChainHeads(signedHeads?.byChain.get(chainId)),
    ownHead: () => readHead(tx, chain),
  });
}

/** All rows, also those that are appended meanwhile: the head that is read afterwards must meet the last of them. */
async function* rowsUntilHead(tx: Tx, chain: AuditChain): AsyncGenerator<AuditRow> {
  let seq = 0;
  for (;;) {
    const before = seq;
    for await (const row of readChain(tx, chain, seq)) {
      seq = row.seq;
      yield row;
    }
    if (seq === before || ((await readHead(tx, chain))?.seq ?? 0) <= seq) return;
  }
}

const details = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]));

function storedDetails(row: AuditRow): SafeDetails {
  const parsed = details.safeParse(row.details);
  if (!parsed.success) throw new CrosswalkError('audit-broken', { details: { chain: row.chainId, seq: row.seq } });
  return parsed.data;
}

/**
 * A chain as JSON lines: what it is, every entry with its hash, the signed heads that vouch for it. `verifyExport` needs
 * nothing else but the public key.
 */
export async function* exportChain(
  tx: Tx,
  chain: AuditChain,
  options: { readonly at: Date; readonly signedHeads?: SignedHeads },
): AsyncGenerator<string> {
  const chainId = chainIdOf(chain);
  yield `${canonicalJson({ format: 'crosswalk-audit', version: 1, chain: chainId, exportedAt: options.at.toISOString() })}\n`;
  for await (const row of readChain(tx, chain)) {
    yield `${canonicalJson({ entry: { ...auditContent({ ...row, details: storedDetails(row) }), hash: toHex(row.hash) } })}\n`;
  }
  for (const signedHead of options.signedHeads?.byChain.get(chainId) ?? []) yield `${canonicalJson({ signedHead })}\n`;
}

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((hex) => new Uint8Array(Buffer.from(hex, 'hex')));

const headerLine = z.object({ format: z.literal('crosswalk-audit'), version: z.literal(1), chain: z.uuid() });
const entryLine = z.object({
  entry: z.object({
    version: z.literal(1),
    chain: z.string(),
    school: z.string().nullable(),
    seq: z.int(),
    id: z.string(),
    at: z.iso.datetime().transform((text) => new Date(text)),
    actor: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }),
    action: z.string(),
    subject: z.object({ kind: z.string(), id: z.string().nullable() }),
    details,
    previous: hash,
    hash,
  }),
});
const signedHeadLine = z.object({ signedHead: z.looseObject({ chain: z.string() }) });

export interface ExportVerdict {
  readonly chain: string;
  readonly verdict: ChainVerdict;
  /** How many signed heads vouch for it; none means that a truncated chain cannot be told. */
  readonly vouchedBy: number;
}

/**
 * Verifies an export without the database.
 * @param publicKeys of the installation, kept apart from the export.
 * @throws CrosswalkError `invalid-input` with the number of a line that is none of an export's.
 */
export async function verifyExport(text: string, publicKeys: readonly KeyObject[]): Promise<ExportVerdict> {
  const lines = text.split('\n').filter((line) => line !== '');
  const chain = parseLine(lines[0] ?? '', 1, headerLine).chain;
  const rows: AuditRow[] = [];
  const heads: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue;
    const parsed = parseLine(line, index + 1, z.union([entryLine, signedHeadLine]));
    if ('entry' in parsed) rows.push(asRow(parsed.entry));
    else heads.push(canonicalJson(z.record(z.string(), z.union([z.string(), z.number()])).parse(parsed.signedHead)));
  }
  const signed = readSignedHeads(heads.map((line) => `${line}\n`).join(''), publicKeys, false);
  const vouching: readonly SignedHead[] = signed.byChain.get(chain) ?? [];
  const verdict = await verifyRows(rows, { chainId: chain, signedHeads: asChainHeads(vouching) });
  return { chain, verdict, vouchedBy: vouching.length };
}

function asRow(entry: z.infer<typeof entryLine>['entry']): AuditRow {
  return {
    id: entry.id,
    chainId: entry.chain,
    schoolId: entry.school,
    seq: entry.seq,
    at: entry.at,
    actorKind: entry.actor.kind,
    actorId: entry.actor.id,
    actorName: entry.actor.name,
    action: entry.action,
    subjectKind: entry.subject.kind,
    subjectId: entry.subject.id,
    details: entry.details,
    previousHash: entry.previous,
    hash: entry.hash,
  };
}

function parseLine<S extends z.ZodType>(line: string, number: number, schema: S): z.infer<S> {
  const refused = () =>
    new CrosswalkError('invalid-input', { details: { problem: 'not-an-audit-export', line: number } });
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw refused();
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw refused();
  return parsed.data;
}
