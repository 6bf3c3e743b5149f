import { expect, it } from 'vitest';
import { changedSince, ignoresMoment } from './delta.ts';

const since = new Date('2026-11-20T10:00:00.000Z');
const modified = (...moments: unknown[]) => moments.map((dateLastModified) => ({ dateLastModified }));

it('a delta is asked for by one condition, beside a role by two', () => {
  expect(changedSince(null, null)).toBeNull();
  expect(changedSince(null, since)).toBe("dateLastModified>='2026-11-20T10:00:00.000Z'");
  expect(changedSince(null, since, true)).toBe("dateLastModified>='2026-11-20'");
  expect(changedSince("role='parent'", since)).toBe("role='parent' AND dateLastModified>='2026-11-20T10:00:00.000Z'");
});

it.each([
  [modified('2026-11-20T11:00:00Z'), null],
  // A server that reckons in days or in its own zone.
  [modified('2026-11-20T00:00:00Z', '2026-11-19T23:00:00Z'), null],
  [modified('2026-11-21T00:00:00Z', '2026-10-01T00:00:00Z'), 'delta-filter-ignored'],
  [modified(undefined, 7, 'soon'), 'delta-filter-ignored'],
  [modified(undefined, '2031-01-01T00:00:00Z'), null],
  [[null, 7], 'delta-filter-ignored'],
  [[], null],
])('what is older than asked for proves that nobody looked: %#', (rows, key) => {
  expect(ignoresMoment(rows, since)).toBe(key);
});
