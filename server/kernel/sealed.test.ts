import { createSecretKey, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isCrosswalkError } from './errors.ts';
import { newId } from './ids.ts';
import { type Keyring, open, openJson, openText, originsAsOne, type SealedPlace, seal, sealJson } from './sealed.ts';

function keyring(...versions: number[]): Keyring & { activate(version: number): void } {
  const keys = new Map(versions.map((version) => [version, createSecretKey(randomBytes(32))]));
  let activeVersion = versions.at(-1) ?? 0;
  return {
    get activeVersion() {
      return activeVersion;
    },
    key: (version) => keys.get(version),
    activate: (version) => {
      activeVersion = version;
    },
  };
}

const place: SealedPlace = {
  table: 'credential',
  column: 'sealed',
  schoolId: newId(),
  rowId: newId(),
  origin: 'https://sis.example.org',
};

function problemOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (isCrosswalkError(error, 'secret-unreadable')) return error.details.problem;
    throw error;
  }
  return null;
}

describe('a sealed secret', () => {
  test('opens where it was sealed, whatever it is', () => {
    const keys = keyring(1);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array(), (text, bytes) => {
        expect(openText(keys, seal(keys, text, place), place)).toBe(text);
        expect(Uint8Array.from(open(keys, seal(keys, bytes, place), place))).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  test('survives jsonb and is different every time', () => {
    const keys = keyring(1);
    const sealed = sealJson(keys, { clientId: 'a', clientSecret: 'b' }, place);
    const stored: unknown = JSON.parse(JSON.stringify(sealed));
    expect(openJson(keys, stored, place, z.object({ clientId: z.string(), clientSecret: z.string() }))).toEqual({
      clientId: 'a',
      clientSecret: 'b',
    });
    expect(seal(keys, 'same', place)).not.toEqual(seal(keys, 'same', place));
    expect(JSON.stringify(sealed)).not.toContain('clientSecret');
  });

  test.each<[string, Partial<SealedPlace>]>([
    ['another table', { table: 'oauth_attempt' }],
    ['another column', { column: 'sealed_tokens' }],
    ['another school', { schoolId: newId() }],
    ['no school', { schoolId: null }],
    ['another row', { rowId: newId() }],
    ['another origin', { origin: 'https://sis.example.com' }],
    ['no origin', { origin: null }],
  ])('does not open in %s', (_name, change) => {
    const keys = keyring(1);
    const sealed = seal(keys, 'secret', place);
    expect(problemOf(() => open(keys, sealed, { ...place, ...change }))).toBe('does-not-open-here');
  });

  test('does not open where one place could be read as another', () => {
    const keys = keyring(1);
    const sealed = seal(keys, 'secret', { ...place, table: 'a', column: 'b","c' });
    expect(problemOf(() => open(keys, sealed, { ...place, table: 'a","b', column: 'c' }))).toBe('does-not-open-here');
  });

  test('does not open when any bit of it is changed', () => {
    const keys = keyring(1, 2);
    const sealed = seal(keys, 'a secret of some length', place);
    const flip = (text: string, bit: number) => {
      const bytes = Buffer.from(text, 'base64');
      bytes[Math.floor(bit / 8) % bytes.length] = (bytes[Math.floor(bit / 8) % bytes.length] ?? 0) ^ (1 << (bit % 8));
      return bytes.toString('base64');
    };
    fc.assert(
      fc.property(fc.constantFrom('iv' as const, 'tag' as const, 'ciphertext' as const), fc.nat(1000), (field, bit) => {
        expect(problemOf(() => open(keys, { ...sealed, [field]: flip(sealed[field], bit) }, place))).toBe(
          'does-not-open-here',
        );
      }),
    );
    expect(problemOf(() => open(keys, { ...sealed, version: 1 }, place))).toBe('does-not-open-here');
    expect(problemOf(() => open(keys, { ...sealed, version: 3 }, place))).toBe('key-version-unknown');
    expect(problemOf(() => open(keys, { ...sealed, tag: sealed.tag.slice(0, 8) }, place))).toBe('not-sealed');
    expect(problemOf(() => open(keys, 'text', place))).toBe('not-sealed');
    expect(problemOf(() => open(keys, null, place))).toBe('not-sealed');
  });

  test('stays open under an older key version after rotation', () => {
    const keys = keyring(1, 2);
    keys.activate(1);
    const old = seal(keys, 'old', place);
    keys.activate(2);
    expect(seal(keys, 'new', place).version).toBe(2);
    expect(openText(keys, old, place)).toBe('old');
  });

  test('does not open with the key of another installation', () => {
    expect(problemOf(() => open(keyring(1), seal(keyring(1), 'secret', place), place))).toBe('does-not-open-here');
  });

  test('is nowhere in the error when it turns out to be something else', () => {
    const keys = keyring(1);
    const sealed = seal(keys, 'hunter2 is no JSON', place);
    try {
      openJson(keys, sealed, place, z.object({ password: z.string() }));
      expect.unreachable();
    } catch (error) {
      expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
    }
  });

  test('is good for a set of origins in any order', () => {
    expect(originsAsOne(['https://b.example', 'https://a.example', 'https://b.example'])).toBe(
      originsAsOne(['https://a.example', 'https://b.example']),
    );
  });

  test('refuses text that would come back as other text', () => {
    expect(() => seal(keyring(1), 'broken \ud800', place)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});
