import { type AuditRow, emptyHash, hashOfEntry, isSound } from './audit-entry.ts';

/**
 * What is wrong with the first bad row. `altered`: its fields are not what was hashed. `missing`: it is not there.
 * `reordered`: it stands in another's place. `truncated`: the chain ends before a head that is known. `replaced`: sound in
 * itself, but not what a signed head vouches for. `head-wrong`: the database's own head does not fit the rows.
 */
export type AuditFault = 'altered' | 'missing' | 'reordered' | 'truncated' | 'replaced' | 'head-wrong';

export interface FirstBadRow {
  readonly seq: number;
  /** Null where there is no row. */
  readonly id: string | null;
  readonly what: AuditFault;
}

export type ChainVerdict =
  | { readonly ok: true; readonly entries: number; readonly seq: number; readonly hash: Uint8Array }
  | { readonly ok: false; readonly firstBad: FirstBadRow };

export interface ChainHead {
  readonly seq: number;
  readonly hash: Uint8Array;
}

export interface ChainExpectation {
  readonly chainId: string;
  /** Verified before: begin after it. */
  readonly from?: ChainHead;
  /** Heads that a signature vouches for. */
  readonly signedHeads?: readonly ChainHead[];
  /** The database's own head, asked for once the rows are read; absent where there is none to ask (an export). */
  readonly ownHead?: () => Promise<ChainHead | null>;
}

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b);

/**
 * Walks a chain in the order in which it is handed over and names the first bad row. Memory is bounded; a fault costs one walk
 * through the rest, to tell a missing row from a moved one.
 */
export async function verifyRows(
  rows: AsyncIterable<AuditRow> | Iterable<AuditRow>,
  expectation: ChainExpectation,
): Promise<ChainVerdict> {
  const start = expectation.from ?? { seq: 0, hash: emptyHash };
  const vouched = new Map((expectation.signedHeads ?? []).map((head) => [head.seq, head.hash]));
  const farthest = Math.max(0, ...vouched.keys());
  let head: ChainHead = start;
  let lastId: string | null = null;
  /** The first row that no signed head vouches for yet. */
  let unvouched: { seq: number; id: string | null } = { seq: start.seq + 1, id: null };
  const iterator = Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]();
  for (;;) {
    const step = await iterator.next();
    if (step.done === true) break;
    const row = step.value;
    const fits =
      row.chainId === expectation.chainId &&
      row.seq === head.seq + 1 &&
      equal(row.previousHash, head.hash) &&
      isSound(row);
    if (!fits) {
      return { ok: false, firstBad: await classify(row, head, lastId, expectation.chainId, iterator) };
    }
    if (row.seq === unvouched.seq) unvouched = { seq: row.seq, id: row.id };
    const signed = vouched.get(row.seq);
    if (signed !== undefined && !equal(signed, row.hash))
      return { ok: false, firstBad: { ...unvouched, what: 'replaced' } };
    if (signed !== undefined) unvouched = { seq: row.seq + 1, id: null };
    head = { seq: row.seq, hash: row.hash };
    lastId = row.id;
  }
  if (farthest > head.seq) return { ok: false, firstBad: { seq: head.seq + 1, id: null, what: 'truncated' } };
  if (expectation.ownHead !== undefined) {
    const own = await expectation.ownHead();
    if (own !== null && own.seq > head.seq)
      return { ok: false, firstBad: { seq: head.seq + 1, id: null, what: 'truncated' } };
    if (own === null ? head.seq > 0 : own.seq < head.seq || !equal(own.hash, head.hash)) {
      return { ok: false, firstBad: { seq: head.seq, id: lastId, what: 'head-wrong' } };
    }
  }
  return { ok: true, entries: head.seq - start.seq, seq: head.seq, hash: head.hash };
}

/** Whether the row is the one that was hashed under this number, whatever number it bears now. */
const wasHashedAs = (row: AuditRow, seq: number) => isSound({ ...row, seq });

async function classify(
  row: AuditRow,
  head: ChainHead,
  lastId: string | null,
  chainId: string,
  rest: AsyncIterator<AuditRow> | Iterator<AuditRow>,
): Promise<FirstBadRow> {
  const seq = head.seq + 1;
  const isGenuine = (one: AuditRow) => equal(one.previousHash, head.hash) && wasHashedAs(one, seq);
  if (row.chainId !== chainId) return { seq, id: row.id, what: 'altered' };
  if (row.seq < seq) return { seq: row.seq, id: row.id, what: 'reordered' };
  // In its place and following the right entry: what differs can only be its own content.
  if (row.seq === seq && equal(row.previousHash, head.hash)) return { seq, id: row.id, what: 'altered' };
  // It vouches for another predecessor than the one that stands there, which was therefore written anew.
  if (row.seq === seq && isSound(row)) {
    return lastId === null ? { seq, id: row.id, what: 'altered' } : { seq: head.seq, id: lastId, what: 'altered' };
  }
  let last = row.seq;
  let genuine: AuditRow | null = isGenuine(row) ? row : null;
  while (genuine === null) {
    const step = await rest.next();
    if (step.done === true) break;
    last = Math.max(last, step.value.seq);
    if (isGenuine(step.value)) genuine = step.value;
  }
  if (genuine !== null) return { seq, id: row.seq === seq ? row.id : genuine.id, what: 'reordered' };
  if (row.seq > seq) return { seq, id: null, what: 'missing' };
  // Its number is right, its predecessor is not, nobody else belongs here: a row that moved up into a gap, or an altered one.
  return movedUp(row, last) ? { seq, id: null, what: 'missing' } : { seq, id: row.id, what: 'altered' };
}

/** How far numbers may have been shifted for a removed row to be told from an altered one. */
const farthestShift = 10_000;

function movedUp(row: AuditRow, last: number): boolean {
  const digest = Buffer.from(row.hash);
  for (let seq = row.seq + 1; seq <= last + farthestShift && seq <= row.seq + farthestShift; seq += 1) {
    if (hashOfEntry({ ...row, seq }).equals(digest)) return true;
  }
  return false;
}
