import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparableFields } from './fields.ts';
import { type Filter, parseFilter, printFilter } from './filter.ts';
import { readFilter } from './typed-filter.ts';

const predicate = fc.record({
  field: fc.constantFrom('familyName', 'dateLastModified', 'roles.role', 'metadata.year', 'class.sourcedId'),
  operator: fc.constantFrom('=', '!=', '>', '>=', '<', '<=', '~'),
  value: fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
});
const filters = fc
  .array(fc.array(predicate, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 })
  .map((filter): Filter => filter);

describe('the filter', () => {
  it.each([
    ["familyName='Jones'", [[{ field: 'familyName', operator: '=', value: 'Jones' }]]],
    ["  familyName = 'Jones' ", [[{ field: 'familyName', operator: '=', value: 'Jones' }]]],
    ["name='O''Brien'", [[{ field: 'name', operator: '=', value: "O'Brien" }]]],
    ["name=''", [[{ field: 'name', operator: '=', value: '' }]]],
    ["name=''''", [[{ field: 'name', operator: '=', value: "'" }]]],
    ["roles.role!='teacher'", [[{ field: 'roles.role', operator: '!=', value: 'teacher' }]]],
    [
      "a>='1' AND b<'2' OR c~' AND x='",
      [
        [
          { field: 'a', operator: '>=', value: '1' },
          { field: 'b', operator: '<', value: '2' },
        ],
        [{ field: 'c', operator: '~', value: ' AND x=' }],
      ],
    ],
  ])('%s is read', (text, filter) => {
    expect(parseFilter(text)).toEqual({ filter });
  });

  it.each([
    ['', 0, 'field'],
    ["='x'", 0, 'field'],
    ["name'x'", 4, 'operator'],
    ["name LIKE 'x'", 4, 'operator'],
    ['name=x', 5, 'quoted-value'],
    ['name="x"', 5, 'quoted-value'],
    ["name='x", 5, 'end-of-value'],
    ["name='x' ", undefined, undefined],
    ["name='x' name='y'", 8, 'and-or'],
    ["name='x'; drop table school", 8, 'and-or'],
    ["name='x' AND ", 8, 'and-or'],
    ["name='x' AND AND name='y'", 16, 'operator'],
    ["(name='x')", 0, 'field'],
    ["name='x\0'", 5, 'end-of-value'],
    [Array.from({ length: 17 }, () => "a='1'").join(' OR '), undefined, 'fewer-predicates'],
    [`a='${'x'.repeat(4_000)}'`, 4_000, 'shorter-text'],
  ])('%s is read or refused at its place', (text, at, expected) => {
    if (expected === undefined) expect(parseFilter(text)).toHaveProperty('filter');
    else expect(parseFilter(text)).toMatchObject({ problem: { expected, ...(at === undefined ? {} : { at }) } });
  });

  it('printed reads as itself, whatever stands in its values', () => {
    fc.assert(
      fc.property(filters, (filter) => {
        expect(parseFilter(printFilter(filter))).toEqual({ filter });
      }),
    );
  });

  it('of any text either is read as fields, operators and values or is refused: it never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.stringMatching(/^[a-z.]{0,6}[=!<>~ ]{0,3}'?[a-z' ]{0,9}'?( AND | OR |)[a-z='~]{0,9}$/),
        ),
        (text) => {
          const read = parseFilter(text);
          if ('filter' in read) expect(parseFilter(printFilter(read.filter))).toEqual(read);
        },
      ),
    );
  });
});

describe('a filter over an object', () => {
  it('knows the object’s fields and their types', () => {
    expect(readFilter("email='A@x.example' AND enabledUser!='true'", 'user')).toEqual({
      filter: [
        [
          { field: 'email', operator: '=', type: 'folded', value: 'A@x.example' },
          { field: 'enabledUser', operator: '!=', type: 'flag', value: true },
        ],
      ],
    });
    expect(readFilter("grades='10, 09,'", 'class')).toEqual({
      filter: [[{ field: 'grades', operator: '=', type: 'list', value: ['10', '09'] }]],
    });
  });

  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T10:20:30Z', '2026-01-31T10:20:30.000Z'],
    ['2026-01-31T10:20:30.123456Z', '2026-01-31T10:20:30.123Z'],
    ['2026-01-31T10:20:30', '2026-01-31T10:20:30.000Z'],
    ['2026-01-31T10:20+02:00', '2026-01-31T08:20:00.000Z'],
    ['2026-01-31T10:20:30+0200', '2026-01-31T08:20:30.000Z'],
  ])('reads the moment %s', (text, value) => {
    expect(readFilter(`dateLastModified>'${text}'`, 'org')).toMatchObject({ filter: [[{ type: 'moment', value }]] });
  });

  it.each([
    ["dateLastModified>'yesterday'", { reason: 'not-a-value', type: 'moment' }],
    ["dateLastModified>'2026-02-30'", { reason: 'not-a-value' }],
    ["dateLastModified>'2026-13-01T00:00:00Z'", { reason: 'not-a-value' }],
    ["dateLastModified>'+012026-01-01'", { reason: 'not-a-value' }],
    ["dateLastModified~'2026'", { reason: 'not-comparable', operator: '~' }],
    ["enabledUser='yes'", { reason: 'not-a-value', type: 'flag' }],
    ["enabledUser>'true'", { reason: 'not-comparable' }],
    ["grades>'09'", { reason: 'not-comparable' }],
    ["password='x'", { reason: 'unknown-field', field: 'password' }],
    ["constructor='x'", { reason: 'unknown-field' }],
    ["__proto__='x'", { reason: 'unreadable' }],
    ["toString='x'", { reason: 'unknown-field' }],
    ["given_name='x'", { reason: 'unknown-field' }],
  ])('refuses %s', (text, refusal) => {
    expect(readFilter(text, 'user')).toMatchObject({ refusal });
  });

  it('takes every field of every object', () => {
    for (const object of ['org', 'academicSession', 'course', 'class', 'user', 'enrollment', 'demographics'] as const) {
      for (const [field, type] of Object.entries(comparableFields[object])) {
        const value = type === 'moment' || type === 'day' ? '2026-01-01' : type === 'flag' ? 'true' : 'x';
        expect(readFilter(`${field}='${value}'`, object), field).toHaveProperty('filter');
      }
    }
  });
});
