import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backOff, parseDuration, parseMoment, parseRetryAfter } from './time.ts';

const now = new Date('2026-11-20T10:00:00Z');

test.each([
  ['300ms', 300],
  ['10s', 10_000],
  ['2h45m', 9_900_000],
  ['1d', 86_400_000],
  ['1w', 604_800_000],
  ['1.5s', 1_500],
  ['', null],
  ['10', null],
  ['-1s', null],
  ['1s x', null],
])('the time string %s is %s ms', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test('a moment is a time string from now or an ISO date', () => {
  expect(parseMoment('1h', now)).toEqual(new Date('2026-11-20T11:00:00Z'));
  expect(parseMoment('2026-12-01T00:00:00.000Z', now)).toEqual(new Date('2026-12-01T00:00:00Z'));
  expect(parseMoment('tomorrow', now)).toBeNull();
  expect(parseMoment('2026-99-99T00:00:00Z', now)).toBeNull();
});

describe('Retry-After', () => {
  test.each([
    ['3', 3_000],
    ['0', 1_000],
    ['99999999', 86_400_000],
    ['2026-11-20T10:00:05Z', 5_000],
    ['2026-11-20T09:00:00Z', 1_000],
    ['soon', null],
    [null, null],
  ])('%s', (text, expected) => {
    expect(parseRetryAfter(text, now)).toBe(expected);
  });
});

test('back-off doubles, stays within a quarter of its middle, and has a ceiling', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const middle = Math.min(3_600_000, 5_000 * 2 ** Math.min(attempt, 40));
      const wait = backOff(attempt, { baseMs: 5_000, maxMs: 3_600_000 }, random);
      expect(wait).toBeGreaterThanOrEqual(Math.floor(middle * 0.75));
      expect(wait).toBeLessThanOrEqual(Math.ceil(middle * 1.25));
    }),
  );
});
