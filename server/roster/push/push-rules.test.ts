import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInvalidHost, isUsernamePattern } from './account-rules.ts';
import { summed } from './decide.ts';
import { weighPush } from './guard.ts';

const part = fc.constantFrom('{given}', '{family}', '{number}');
const literal = fc.stringMatching(/^[a-z0-9._-]{1,8}$/);

describe('the rules by which accounts are made', () => {
  it('take a pattern of at least one part of a person and of what an LMS takes in a login', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(part, literal), { maxLength: 6 }), (pieces) => {
        expect(isUsernamePattern(pieces.join(''))).toBe(pieces.some((piece) => piece.startsWith('{')));
      }),
    );
    for (const pattern of [
      '{given} {family}',
      '{Given}',
      '{email}',
      '{given}@school',
      "{given}'",
      '',
      '{given',
      'ü{family}',
    ])
      expect(isUsernamePattern(pattern), pattern).toBe(false);
  });

  it('take a host that can be nobody’s, and none at which somebody may read', () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 5 }), (labels) => {
        expect(isInvalidHost([...labels, 'invalid'].join('.'))).toBe(true);
        expect(isInvalidHost(labels.join('.'))).toBe(false);
        expect(isInvalidHost(['invalid', ...labels, 'example'].join('.'))).toBe(false);
      }),
    );
    for (const host of [
      'invalid',
      '.invalid',
      'a..invalid',
      '-a.invalid',
      'a.invalid.',
      'a b.invalid',
      `${'a'.repeat(100)}.invalid`,
    ])
      expect(isInvalidHost(host), host).toBe(false);
  });
});

describe('the guard of a push', () => {
  const counts = fc.record({
    entity: fc.constantFrom('user', 'course', 'enrolment'),
    known: fc.nat(10_000),
    leaving: fc.nat(10_000),
    changed: fc.nat(10_000),
  });
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  it('holds exactly what is beyond a share of what is ours, and nothing where nothing is', () => {
    fc.assert(
      fc.property(counts, share, share, (of, leaving, changed) => {
        const kinds = weighPush([of], { leaving, changed }).map(({ kind }) => kind);
        const isBeyond = (n: number, limit: number) => of.known > 0 && n > of.known * limit && n / of.known > limit;
        expect(kinds.includes('leaving')).toBe(isBeyond(of.leaving, leaving));
        expect(kinds.includes('changed')).toBe(isBeyond(of.changed, changed));
      }),
    );
  });

  it('lets more through where a threshold is higher, never less', () => {
    fc.assert(
      fc.property(fc.array(counts, { maxLength: 5 }), share, share, share, (weighed, low, more, changed) => {
        const high = Math.min(1, low + more);
        expect(weighPush(weighed, { leaving: high, changed }).length).toBeLessThanOrEqual(
          weighPush(weighed, { leaving: low, changed }).length,
        );
      }),
    );
  });
});

it('the counts of a push add up: every row once by what is done to it, and once by what became of it', () => {
  const states = ['planned', 'sent', 'done', 'failed', 'unknown'] as const;
  const row = fc.record({
    entity: fc.constantFrom('user' as const, 'course' as const),
    action: fc.constantFrom('create' as const, 'update' as const, 'set-aside' as const),
    reason: fc.constant(null),
    state: fc.constantFrom(...states),
    n: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      const sums = summed(rows);
      for (const entity of ['user', 'course'] as const) {
        const of = rows.filter((one) => one.entity === entity);
        const total = (which: (one: (typeof of)[number]) => boolean) =>
          of.filter(which).reduce((sum, { n }) => sum + n, 0);
        for (const action of ['create', 'update', 'set-aside'] as const)
          expect(sums[entity]?.[action] ?? 0).toBe(total((one) => one.action === action));
        for (const state of ['done', 'failed', 'unknown'] as const)
          expect(sums[entity]?.[state] ?? 0).toBe(total((one) => one.state === state));
        expect(sums[entity]?.planned).toBeUndefined();
      }
    }),
  );
});
