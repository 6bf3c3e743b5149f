import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FilterError, matches, parseFilter } from './filter.ts';

const any = (): boolean => true;
const field = fc
  .stringMatching(/^[a-z][A-Za-z]{0,8}(\.[a-z][A-Za-z]{0,8})?$/)
  .filter((name) => name !== 'dateLastModified');
const operator = fc.constantFrom('=', '!=', '>', '>=', '<', '<=', '~');
const condition = fc.record({ field, operator, value: fc.string() });
const written = (one: { field: string; operator: string; value: string }): string =>
  `${one.field}${one.operator}'${one.value.replaceAll("'", "''")}'`;

test('what is written by the grammar is read back as it was meant', () => {
  fc.assert(
    fc.property(
      condition,
      fc.option(fc.record({ join: fc.constantFrom('AND', 'OR'), other: condition })),
      (first, more) => {
        const text = more === null ? written(first) : `${written(first)} ${more.join} ${written(more.other)}`;
        const read = parseFilter(text, any);
        expect(read.conditions).toEqual(more === null ? [first] : [first, more.other]);
        if (more !== null) expect(read.join).toBe(more.join);
      },
    ),
  );
});

test('any other text is refused by a FilterError, never by another error', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseFilter(text, any);
      } catch (error) {
        expect(error).toBeInstanceOf(FilterError);
      }
    }),
  );
});

test('= and != are opposites, and so are < and >= where a value is', () => {
  const holds = (text: string, value: string): boolean =>
    matches({ status: 'active', title: value }, parseFilter(text, any));
  fc.assert(
    fc.property(fc.string(), fc.string(), (value, wanted) => {
      const quoted = wanted.replaceAll("'", "''");
      expect(holds(`title='${quoted}'`, value)).toBe(!holds(`title!='${quoted}'`, value));
      expect(holds(`title<'${quoted}'`, value)).toBe(!holds(`title>='${quoted}'`, value));
    }),
  );
});
