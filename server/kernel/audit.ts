import { and, asc, eq, gt, inArray } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { auditEntry, auditHead } from '#db/schema/ledger.ts';
import { type AuditRow, assertStorable, emptyHash, hashOfEntry, operatorChainId } from './audit-entry.ts';
import type { Actor } from './context.ts';
import { CrosswalkError, type SafeDetails, unreachable } from './errors.ts';
import { newId } from './ids.ts';

/** A chain: a school's (its id) or the operator's. */
export type AuditChain = 'operator' | (string & {});

export interface AuditEntry {
  readonly chain: AuditChain;
  /** `feature.what-happened`. */
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string | null;
  readonly actor: Actor;
  /** Ids, counts, hosts, states: what may be shown to everybody who may read the chain. */
  readonly details: SafeDetails;
  readonly at: Date;
}

export const chainIdOf = (chain: AuditChain) => (chain === 'operator' ? operatorChainId : chain);
const schoolIdOf = (chain: AuditChain) => (chain === 'operator' ? null : chain);

function actorColumns(actor: Actor): Pick<AuditRow, 'actorKind' | 'actorId' | 'actorName'> {
  switch (actor.kind) {
    case 'anonymous':
      return { actorKind: actor.kind, actorId: null, actorName: null };
    case 'user':
      return { actorKind: actor.kind, actorId: actor.userId, actorName: actor.name };
    case 'link':
      return { actorKind: actor.kind, actorId: actor.linkId, actorName: actor.name };
    case 'job':
      return { actorKind: actor.kind, actorId: actor.runId, actorName: actor.job };
    case 'system':
      return { actorKind: actor.kind, actorId: null, actorName: actor.reason };
    default:
      return unreachable(actor);
  }
}

/**
 * Appends entries to their chains, in the order given. The LAST thing of a transaction: the heads stay locked until its
 * end (several in the order of their ids, so that two transactions cannot wait for each other), and never in the
 * transaction that applies a roster. A school's chain needs that school's scope.
 * @returns the ids of the rows written.
 */
export async function appendAudit(tx: Tx, entries: readonly AuditEntry[]): Promise<string[]> {
  if (entries.length === 0) return [];
  const schoolOfChain = new Map(entries.map((entry) => [chainIdOf(entry.chain), schoolIdOf(entry.chain)]));
  const chainIds = [...schoolOfChain.keys()].sort();
  await tx
    .insert(auditHead)
    .values(
      chainIds.map((chainId) => ({
        chainId,
        schoolId: schoolOfChain.get(chainId),
        seq: 0,
        hash: Buffer.from(emptyHash),
      })),
    )
    .onConflictDoNothing();
  const heads = new Map(
    (
      await tx
        .select()
        .from(auditHead)
        .where(inArray(auditHead.chainId, chainIds))
        .orderBy(asc(auditHead.chainId))
        .for('update')
    ).map((head) => [head.chainId, head]),
  );
  const rows = entries.map((entry) => {
    const chainId = chainIdOf(entry.chain);
    const head = heads.get(chainId);
    if (head === undefined) throw new CrosswalkError('internal', { details: { problem: 'audit-chain-out-of-scope' } });
    const content: Omit<AuditRow, 'hash'> = {
      id: newId(),
      chainId,
      schoolId: schoolIdOf(entry.chain),
      seq: head.seq + 1,
      at: entry.at,
      ...actorColumns(entry.actor),
      action: entry.action,
      subjectKind: entry.subjectKind,
      subjectId: entry.subjectId,
      details: entry.details,
      previousHash: head.hash,
    };
    assertStorable(
      [content.actorId, content.actorName, content.action, content.subjectKind, content.subjectId],
      entry.details,
    );
    const hash = hashOfEntry(content);
    heads.set(chainId, { ...head, seq: content.seq, hash });
    return { ...content, details: { ...entry.details }, previousHash: head.hash, hash };
  });
  await tx.insert(auditEntry).values(rows);
  for (const { chainId, seq, hash } of heads.values()) {
    await tx.update(auditHead).set({ seq, hash }).where(eq(auditHead.chainId, chainId));
  }
  return rows.map((row) => row.id);
}

const pageSize = 1000;

/** A chain's rows in the order of their numbers, after `afterSeq`; a page at a time, so that memory stays bounded. */
export async function* readChain(tx: Tx, chain: AuditChain, afterSeq = 0): AsyncGenerator<AuditRow> {
  let after = afterSeq;
  for (;;) {
    const page = await tx
      .select()
      .from(auditEntry)
      .where(and(eq(auditEntry.chainId, chainIdOf(chain)), gt(auditEntry.seq, after)))
      .orderBy(asc(auditEntry.seq))
      .limit(pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.seq;
  }
}

/** Where a chain stands by the database's own word; null before its first entry. */
export async function readHead(tx: Tx, chain: AuditChain): Promise<{ seq: number; hash: Uint8Array } | null> {
  const [head] = await tx
    .select({ seq: auditHead.seq, hash: auditHead.hash })
    .from(auditHead)
    .where(eq(auditHead.chainId, chainIdOf(chain)));
  return head ?? null;
}
