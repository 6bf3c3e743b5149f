import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RepeatFinder } from './repeat-finder.ts';

function find(ids: readonly string[], bytes: number) {
  const finder = new RepeatFinder(bytes);
  for (const id of ids) {
    const cell = Buffer.from(`<${id}>`);
    finder.add(cell, 1, cell.length - 1);
  }
  return finder.named();
}

test('names every id that came twice, however few bits there are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 20 }), { maxLength: 300 }),
      fc.integer({ min: 0, max: 10_000 }),
      (ids, bytes) => {
        const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
        expect(new Set(find(ids, bytes))).toEqual(new Set([...twice, ...(find(ids, bytes) ?? [])]));
      },
    ),
  );
});

test('names hardly any that came once', () => {
  const ids = Array.from({ length: 20_000 }, (_, at) => `enrolment-${at}`);
  expect(find(ids, 20_000 * 150)?.length).toBeLessThan(100);
});

test('says so where there are too many to name', () => {
  const ids = Array.from({ length: 50_001 }, (_, at) => `enrolment-${at}`);
  expect(find([...ids, ...ids], 1_000_000)).toBeNull();
});
