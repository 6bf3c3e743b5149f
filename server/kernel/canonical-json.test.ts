import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';

/** JSON values without the strings that have no spelling. */
const wellFormed = fc.jsonValue({ stringUnit: 'grapheme' });

describe('canonical JSON', () => {
  test('sorts keys by UTF-16 code unit at every depth, as RFC 8785 §3.2.3 shows', () => {
    const value = {
      '\u20ac': 1,
      '\r': 2,
      '\ufb33': 3,
      '1': 4,
      '\ud83d\ude00': 5,
      '\u0080': 6,
      '\u00f6': { b: 1, a: 2 },
    };
    expect(canonicalJson(value)).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":{"a":2,"b":1},"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    );
  });

  test('spells numbers as ECMAScript does', () => {
    expect(canonicalJson([Number('333333333.33333329'), 1e30, 4.5, 2e-3, -0, 1e-27])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,0,1e-27]',
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800', ['\udc00']])(
    'refuses %s, which has no spelling',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    },
  );

  test('means the same value as JSON does', () => {
    fc.assert(
      fc.property(wellFormed, (value) => {
        const text = canonicalJson(z.json().parse(value));
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('spells the same members the same, whatever their order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), fc.integer()), { selector: ([key]) => key }),
        (members) => {
          expect(canonicalJson(Object.fromEntries(members))).toBe(
            canonicalJson(Object.fromEntries([...members].reverse())),
          );
        },
      ),
    );
  });
});
