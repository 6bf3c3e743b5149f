import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shownPath } from './ask.ts';
import { createDeviations } from './deviations.ts';
import { dayOf, momentOf, sourceIdOf, textOf, textsOf } from './foreign-text.ts';
import { nextLink } from './link-header.ts';
import { follow, startTrail } from './repeat-detection.ts';
import { retryAfterSeconds } from './retry-after.ts';
import { webAddressSchema } from './web-address.ts';

const now = new Date('2026-11-20T12:00:00Z');

describe('Retry-After', () => {
  it.each([
    ['120', 120],
    ['0', 0],
    ['1.5', 2],
    [' 7 ', 7],
    ['Fri, 20 Nov 2026 12:01:30 GMT', 90],
    ['2026-11-20T12:01:30Z', 90],
    ['999999999', 86_400],
    ['Fri, 20 Nov 2026 11:00:00 GMT', null],
    ['-5', null],
    ['soon', null],
    ['', null],
    [undefined, null],
  ])('%j gives %j seconds', (header, seconds) => {
    expect(retryAfterSeconds(header, now)).toBe(seconds);
  });

  it('never makes anybody wait longer than a day or less than nothing', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const seconds = retryAfterSeconds(header, now);
        return seconds === null || (seconds >= 0 && seconds <= 86_400);
      }),
    );
  });
});

describe('Link', () => {
  it.each([
    ['<https://a.example/x?offset=100&limit=100>; rel="next"', 'https://a.example/x?offset=100&limit=100'],
    ['<https://a.example/p>; rel="prev", <https://a.example/n?a=1,2;b>; rel="next"', 'https://a.example/n?a=1,2;b'],
    ['</n?offset=1>; title="a, b; rel=x"; rel=next', '/n?offset=1'],
    ['<https://a.example/n>; rel="last next"', 'https://a.example/n'],
    ['<https://a.example/n>; REL="Next",', 'https://a.example/n'],
    ['<https://a.example/p>; rel="first"', null],
    ['rubbish', null],
    ['', undefined],
    [undefined, undefined],
  ])('%j leads to %j', (header, next) => {
    expect(nextLink(header)).toBe(next);
  });

  it('reads any text without falling over', () => {
    fc.assert(fc.property(fc.string({ maxLength: 2_000 }), (header) => nextLink(header) !== ''));
  });
});

describe('a chain of links', () => {
  it('that goes round is noticed within three rounds, whatever leads into it; a straight one is not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 40 }), (lead, round) => {
        let trail = startTrail('page-0');
        for (let step = 1; step < lead + 4 * (lead + round) + 4; step++) {
          const page = step < lead ? step : lead + ((step - lead) % round);
          const next = follow(trail, `page-${page}`);
          if (next === null) return true;
          trail = next;
        }
        return false;
      }),
    );
    let trail = startTrail('page-0');
    for (let step = 1; step < 5_000; step++) {
      const next = follow(trail, `page-${step}`);
      if (next === null) throw new Error(`page ${step} was taken for a repetition`);
      trail = next;
    }
    expect(JSON.stringify(trail).length).toBeLessThan(100);
  });
});

describe('foreign values', () => {
  it.each([
    ['  Biology ', 'Biology', []],
    ['', null, []],
    [null, null, []],
    [7, '7', ['number-for-text']],
    [{}, null, ['another-type-for-text']],
    ['a\u0000b\u202ec', 'a b c', ['control-characters']],
    ['\ud800x', '\ufffdx', ['text-not-unicode']],
    ['x'.repeat(600), 'x'.repeat(500), ['text-too-long']],
  ])('text %j', (value, text, noted) => {
    const deviations = createDeviations();
    expect(textOf(value, deviations)).toBe(text);
    expect(deviations.list()).toEqual(noted);
  });

  it.each([
    [['01', '02', '01', null], ['01', '02'], []],
    ['01, 02', ['01', '02'], ['text-for-list']],
    [undefined, [], []],
    [{}, [], ['another-type-for-list']],
    [[7], ['7'], ['number-for-text']],
  ])('list %j', (value, texts, noted) => {
    const deviations = createDeviations();
    expect(textsOf(value, deviations)).toEqual(texts);
    expect(deviations.list()).toEqual(noted);
  });

  it.each([
    ['__proto__', { id: '__proto__' }],
    [' a b ', { id: ' a b ' }],
    [42, { id: '42' }],
    ['', { problem: 'source-id-missing' }],
    [undefined, { problem: 'source-id-missing' }],
    ['x'.repeat(256), { problem: 'source-id-unusable' }],
    ['a\u0000', { problem: 'source-id-unusable' }],
    [1.5, { problem: 'source-id-missing' }],
  ])('id %j', (value, id) => {
    expect(sourceIdOf(value, createDeviations())).toEqual(id);
  });

  it.each([
    ['2026-08-01', '2026-08-01', []],
    ['2026-08-01T00:00:00.000Z', '2026-08-01', ['time-behind-date']],
    ['2026-02-30', null, []],
    ['01/08/2026', null, []],
    [20260801, null, []],
  ])('day %j', (value, day, noted) => {
    const deviations = createDeviations();
    expect(dayOf(value, deviations)).toBe(day);
    expect(deviations.list()).toEqual(noted);
  });

  it.each([
    ['2026-08-01T10:00:00.123Z', '2026-08-01T10:00:00.123Z', []],
    ['2026-08-01T10:00:00+02:00', '2026-08-01T08:00:00.000Z', []],
    ['2026-08-01 10:00:00', '2026-08-01T10:00:00.000Z', ['moment-without-zone']],
    ['yesterday', undefined, ['moment-unreadable']],
    ['', undefined, []],
  ])('moment %j', (value, moment, noted) => {
    const deviations = createDeviations();
    expect(momentOf(value, deviations)?.toISOString()).toBe(moment);
    expect(deviations.list()).toEqual(noted);
  });
});

it('the log of calls shows harmless parameters and hides the values of all others', () => {
  expect(shownPath("https://sis.example/ims/classes?limit=5&offset=10&filter=email%3D'x%40y'&page=bookmark")).toBe(
    '/ims/classes?limit=5&offset=10&filter=…&page=bookmark',
  );
});

it.each([
  ["roles.role='guardian' AND dateLastModified>='2026-11-20T10:00:00.000Z'", true],
  ["role='student'", true],
  ["dateLastModified>='2026-11-20T10:00:00.000Z'", true],
  ["role='student' OR familyName='Visser'", false],
  ["familyName='Visser'", false],
  ["role='Visser'", false],
  ["dateLastModified>='Visser'", false],
  [" AND dateLastModified>='2026-11-20T10:00:00.000Z'", false],
])('the log shows the filter %s: %s', (filter, isShown) => {
  const shown = isShown ? filter : '…';
  expect(shownPath(`https://sis.example/users?filter=${encodeURIComponent(filter)}`)).toBe(`/users?filter=${shown}`);
});

describe('an address as typed', () => {
  it.each([
    [' https://sis.example.org/ims/oneroster/rostering/v1p2/ ', 'https://sis.example.org/ims/oneroster/rostering/v1p2'],
    ['https://SIS.example.org', 'https://sis.example.org'],
    ['http://localhost:4310/x', 'http://localhost:4310/x'],
  ])('%j', (typed, address) => {
    expect(webAddressSchema.parse(typed)).toBe(address);
  });
  it.each([
    'sis.example.org',
    'ftp://sis.example.org',
    'https://u:p@sis.example.org',
    'https://sis.example.org/?a=1',
    '',
  ])('%j is refused', (typed) => {
    expect(webAddressSchema.safeParse(typed).success).toBe(false);
  });
});
