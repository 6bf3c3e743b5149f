import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AuditRow, emptyHash, hashOfEntry } from './audit-entry.ts';
import { type ChainExpectation, type ChainVerdict, verifyRows } from './audit-rules.ts';
import { newId } from './ids.ts';

const chainId = newId();

function chainOf(length: number, action = 'connection.approved'): AuditRow[] {
  const rows: AuditRow[] = [];
  for (let seq = 1; seq <= length; seq += 1) {
    const content = {
      id: newId(),
      chainId,
      schoolId: chainId,
      seq,
      at: new Date(Date.UTC(2026, 10, 20, 8, 0, seq)),
      actorKind: 'user',
      actorId: newId(),
      actorName: 'Ada',
      action,
      subjectKind: 'connection',
      subjectId: newId(),
      details: { scopes: ['roster.groups'], count: seq },
      previousHash: rows.at(-1)?.hash ?? emptyHash,
    };
    rows.push({ ...content, hash: hashOfEntry(content) });
  }
  return rows;
}

const at = (rows: readonly AuditRow[], seq: number): AuditRow => {
  const row = rows[seq - 1];
  if (row === undefined) throw new Error('no such row');
  return row;
};
const headOf = (rows: readonly AuditRow[], seq = rows.length) => ({ seq, hash: at(rows, seq).hash });
const verify = (rows: readonly AuditRow[], expectation: Partial<ChainExpectation> = {}) =>
  verifyRows(rows, { chainId, ...expectation });
const firstBad = (verdict: ChainVerdict) => (verdict.ok ? null : verdict.firstBad);
const changed = (rows: readonly AuditRow[], seq: number, change: Partial<AuditRow>) =>
  rows.map((row) => (row.seq === seq ? { ...row, ...change } : row));
/** As whoever can write the database and knows the rules would: with a hash that fits. */
const rehashed = (row: AuditRow): AuditRow => ({ ...row, hash: hashOfEntry(row) });
/** In the order in which the database hands them over. */
const inOrder = (rows: readonly AuditRow[]) => [...rows].sort((a, b) => a.seq - b.seq);

describe('a chain', () => {
  test('is sound as it was written, also empty, also from the middle', async () => {
    const rows = chainOf(9);
    expect(await verify([])).toMatchObject({ ok: true, seq: 0 });
    expect(
      await verify(rows, { signedHeads: [headOf(rows, 4), headOf(rows)], ownHead: async () => headOf(rows) }),
    ).toMatchObject({ ok: true, entries: 9, seq: 9 });
    expect(await verify(rows.slice(5), { from: headOf(rows, 5) })).toMatchObject({ ok: true, entries: 4, seq: 9 });
  });

  test.each<[string, Partial<AuditRow>]>([
    ['id', { id: newId() }],
    ['school', { schoolId: newId() }],
    ['time', { at: new Date('2026-11-20T08:00:04.001Z') }],
    ['actor', { actorId: newId() }],
    ['name of the actor', { actorName: 'Bob' }],
    ['action', { action: 'connection.revoked' }],
    ['subject', { subjectId: null }],
    ['details', { details: { scopes: ['roster.students'], count: 4 } }],
    ['details beyond what an entry can hold', { details: { scopes: { nested: true } } }],
    ['hash', { hash: new Uint8Array(32) }],
    ['chain', { chainId: newId() }],
  ])('names the row whose %s was altered', async (_what, change) => {
    const rows = chainOf(9);
    expect(firstBad(await verify(changed(rows, 4, change)))).toEqual({
      seq: 4,
      id: change.id ?? at(rows, 4).id,
      what: 'altered',
    });
  });

  test('names the row that was altered and hashed anew, since the next one vouches for what it was', async () => {
    const rows = chainOf(9);
    const forged = rehashed({ ...at(rows, 4), action: 'nothing.happened' });
    expect(firstBad(await verify(changed(rows, 4, forged)))).toEqual({ seq: 4, id: forged.id, what: 'altered' });
  });

  test('names a removed row, also where the rest was renumbered', async () => {
    const rows = chainOf(9);
    const without = rows.filter((row) => row.seq !== 4);
    expect(firstBad(await verify(without))).toEqual({ seq: 4, id: null, what: 'missing' });
    const renumbered = without.map((row) => (row.seq > 4 ? { ...row, seq: row.seq - 1 } : row));
    expect(firstBad(await verify(renumbered))).toEqual({ seq: 4, id: null, what: 'missing' });
    expect(firstBad(await verify(rows.slice(1)))).toEqual({ seq: 1, id: null, what: 'missing' });
  });

  test('names the first of two rows that changed places', async () => {
    const rows = chainOf(9);
    const swapped = inOrder(rows.map((row) => ({ ...row, seq: row.seq === 3 ? 6 : row.seq === 6 ? 3 : row.seq })));
    expect(firstBad(await verify(swapped))).toEqual({ seq: 3, id: at(rows, 6).id, what: 'reordered' });
    const lines = [...rows.slice(0, 4), at(rows, 6), at(rows, 5), ...rows.slice(6)];
    expect(firstBad(await verify(lines))).toEqual({ seq: 5, id: at(rows, 5).id, what: 'reordered' });
    expect(firstBad(await verify([...rows, at(rows, 2)]))).toEqual({ seq: 2, id: at(rows, 2).id, what: 'reordered' });
  });

  test('that was cut short is sound in itself, and found out by a signed or the own head', async () => {
    const rows = chainOf(9);
    const short = rows.slice(0, 6);
    expect(await verify(short)).toMatchObject({ ok: true });
    const gone = { seq: 7, id: null, what: 'truncated' };
    expect(firstBad(await verify(short, { ownHead: async () => headOf(rows) }))).toEqual(gone);
    expect(firstBad(await verify(short, { ownHead: async () => headOf(short), signedHeads: [headOf(rows)] }))).toEqual(
      gone,
    );
    expect(firstBad(await verify([], { ownHead: async () => null, signedHeads: [headOf(rows)] }))).toEqual({
      ...gone,
      seq: 1,
    });
  });

  test('that was cut short and grown again differs from what was signed', async () => {
    const rows = chainOf(9);
    let regrown = rows.slice(0, 5);
    for (const row of chainOf(12, 'nothing.happened').slice(5)) {
      regrown = [...regrown, rehashed({ ...row, previousHash: at(regrown, row.seq - 1).hash })];
    }
    expect(await verify(regrown, { ownHead: async () => headOf(regrown) })).toMatchObject({ ok: true, seq: 12 });
    const verdict = await verify(regrown, {
      ownHead: async () => headOf(regrown),
      signedHeads: [headOf(rows, 3), headOf(rows, 9)],
    });
    expect(firstBad(verdict)).toEqual({ seq: 4, id: at(rows, 4).id, what: 'replaced' });
  });

  test('does not fit an old head that was put back', async () => {
    const rows = chainOf(9);
    expect(firstBad(await verify(rows, { ownHead: async () => headOf(rows, 5) }))).toMatchObject({
      what: 'head-wrong',
    });
    expect(firstBad(await verify(rows, { ownHead: async () => ({ seq: 9, hash: at(rows, 8).hash }) }))).toMatchObject({
      what: 'head-wrong',
    });
    expect(firstBad(await verify(rows, { ownHead: async () => null }))).toMatchObject({ what: 'head-wrong' });
  });

  test('shows the first bad row, whatever is done to any row', async () => {
    const damage = fc.constantFrom('alter' as const, 'remove' as const, 'swap' as const);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 20 }),
        damage,
        fc.nat(),
        fc.nat(),
        async (length, kind, one, other) => {
          const rows = chainOf(length);
          const seq = 1 + (one % (length - 1));
          const second = seq + 1 + (other % (length - seq));
          const damaged =
            kind === 'alter'
              ? changed(rows, seq, { action: 'other' })
              : kind === 'remove'
                ? rows.filter((row) => row.seq !== seq)
                : inOrder(
                    rows.map((row) => ({ ...row, seq: row.seq === seq ? second : row.seq === second ? seq : row.seq })),
                  );
          const what = { alter: 'altered', remove: 'missing', swap: 'reordered' }[kind];
          expect(firstBad(await verify(damaged))).toMatchObject({ seq, what });
        },
      ),
    );
  });
});
