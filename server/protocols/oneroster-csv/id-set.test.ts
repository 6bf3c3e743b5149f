import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIdSet } from './id-set.ts';

const has = (set: ReturnType<typeof createIdSet>, id: string) => {
  const bytes = Buffer.from(`<${id}>`);
  return set.has(bytes, 1, bytes.length - 1);
};

test('has what was added and nothing else, wherever it stands among other bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 40 })), fc.array(fc.string({ maxLength: 40 })), (added, others) => {
      const set = createIdSet();
      for (const id of added) set.addText(id);
      expect(set.size).toBe(new Set(added).size);
      for (const id of [...added, ...others]) expect(has(set, id)).toBe(added.includes(id));
    }),
  );
});

test('grows to any number of ids', () => {
  const set = createIdSet();
  for (let id = 0; id < 50_000; id += 1) set.addText(`person-${id}`);
  expect(set.size).toBe(50_000);
  let found = 0;
  for (let id = 0; id < 60_000; id += 1) found += has(set, `person-${id}`) ? 1 : 0;
  expect(found).toBe(50_000);
});
