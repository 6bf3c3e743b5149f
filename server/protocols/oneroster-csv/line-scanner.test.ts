import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createIdSet } from './id-set.ts';
import { type LineLimits, LineScanner } from './line-scanner.ts';
import type { OutputCell, ScanPlan } from './scan-plan.ts';

const header = 'sourcedId,status,dateLastModified,name,role,flag\n';

function plan(changes: Partial<ScanPlan> = {}): ScanPlan {
  return {
    file: 'things.csv',
    columns: ['sourcedId', 'status', 'dateLastModified', 'name', 'role', '#6'],
    sourceId: 0,
    status: 1,
    modified: 2,
    ids: [],
    cells: [
      { from: 'column', column: 3 },
      { from: 'column', column: 4 },
    ],
    filters: [],
    collect: null,
    repeats: null,
    note: null,
    write: true,
    ...changes,
  };
}

function scanBytes(chunks: readonly Buffer[], changes: Partial<ScanPlan> = {}, limits?: LineLimits) {
  const scanner = new LineScanner(plan(changes), limits);
  const out: Buffer[] = [];
  let rows = 0;
  const take = () => {
    for (const block of scanner.take()) {
      out.push(block.copy);
      rows += block.rows;
    }
  };
  for (const chunk of chunks) {
    scanner.write(chunk);
    take();
  }
  scanner.end();
  take();
  const { reasons, ...facts } = scanner.facts();
  return { text: Buffer.concat(out).toString('utf8'), rows, facts: { ...facts, reasons: [...reasons].sort() } };
}

const scan = (body: string, changes: Partial<ScanPlan> = {}) => scanBytes([Buffer.from(header + body)], changes);
const aside = (body: string, changes: Partial<ScanPlan> = {}) =>
  scan(body, changes).facts.lines.map(({ line, column, reason }) => ({ line, column, reason }));

describe('rows for COPY', () => {
  test('columns are cut and put in order, with the line of the file before them', () => {
    const { text, rows, facts } = scan('a,,,Ada,student,x\r\nb,active,2026-01-01T00:00:00Z,Bo,teacher,y\r\n', {
      cells: [{ from: 'column', column: 4 }, { from: 'nothing' }, { from: 'column', column: 3 }],
    });
    expect(text).toBe('2,a,,,student,,Ada\n3,b,active,2026-01-01T00:00:00Z,teacher,,Bo\n');
    expect(rows).toBe(2);
    expect(facts).toMatchObject({ rows: 2, setAside: 0, withStatus: 1, withoutStatus: 1 });
  });

  test('quoted cells keep their quotes, and an empty one is as empty as one without', () => {
    const { text } = scan('"a","","","Lovelace, ""Ada""","student",""\n');
    expect(text).toBe('2,"a",,,"Lovelace, ""Ada""","student"\n');
  });

  test('a last line without an end is a line', () => {
    expect(scan('a,,,Ada,student,').text).toBe('2,a,,,Ada,student\n');
    expect(scan('a,,,Ada,student,\r').text).toBe('2,a,,,Ada,student\n');
  });

  test('blank lines and empty values beyond the last column are passed over and counted', () => {
    const { text, facts } = scan('\na,,,Ada,student,x,,""\n\r\n');
    expect(text).toBe('3,a,,,Ada,student\n');
    expect(facts).toMatchObject({ blankLines: 2, trailingCells: 1, setAside: 0 });
  });

  test('a column without a name at the end may be left out', () => {
    const columns = ['sourcedId', 'status', 'dateLastModified', 'name', 'role', null];
    expect(scan('a,,,Ada,student\n', { columns }).text).toBe('2,a,,,Ada,student\n');
  });

  test('a line break inside quotes is read as a space, and the next line has the number that it has in the file', () => {
    const { text, facts } = scan('a,,,"Ada\nLovelace",student,\nb,,,Bo,teacher,\n');
    expect(text).toBe('2,a,,,"Ada Lovelace",student\n4,b,,,Bo,teacher\n');
    expect(facts.brokenValues).toBe(1);
  });

  test('a row inside a quoted value is a value', () => {
    expect(scan('a,,,"x\nz,,,Eve,student,\n\\.\n",student,\n').text).toBe('2,a,,,"x z,,,Eve,student, \\. ",student\n');
  });

  test('computed cells: one word for another, the first that says anything, names of flags', () => {
    const cells: OutputCell[] = [
      { from: 'word', column: 4, words: new Map([['homeroom', 'class']]), other: 'group' },
      { from: 'first', columns: [5, 3] },
      {
        from: 'flags',
        flags: [
          { column: 3, name: 'asian' },
          { column: 5, name: 'white' },
        ],
      },
    ];
    const { text } = scan('a,,,TRUE,"Homeroom",true\nb,,,true,scheduled,\nc,,,,,""\n', { cells });
    expect(text).toBe('2,a,,,class,true,asian\u001fwhite\u001f\n3,b,,,group,true,asian\u001f\n4,c,,,group,,\n');
  });

  test('text from right to left, emoji and words of JavaScript are text', () => {
    const { text } = scan('__proto__,,,\u202eשלום 🎓,constructor,\n');
    expect(text).toBe('2,__proto__,,,\u202eשלום 🎓,constructor\n');
  });

  test('the same id twice passes twice', () => {
    expect(scan('a,,,A,student,\na,,,A,teacher,\n').rows).toBe(2);
  });
});

describe('rows that are kept or left', () => {
  test('by a word, case, spaces and quotes aside', () => {
    const { text, facts } = scan(
      'a,,,A,student,\nb,,,B,"Student",\nc,,,C, STUDENT ,\nd,,,D,teacher,\ne,,,E,students,\n',
      {
        filters: [{ by: 'word', column: 4, words: ['student'] }],
      },
    );
    expect(text.match(/^\d+,\w/gm)).toEqual(['2,a', '3,b', '4,c']);
    expect(facts).toMatchObject({ rows: 3, filtered: 2 });
  });

  test('by an id that another file gave, however it is quoted', () => {
    const ids = createIdSet();
    scan('"a""1",,,A,student,\nb,,,B,teacher,\nc,tobedeleted,,C,student,\n', {
      filters: [{ by: 'word', column: 4, words: ['student'] }],
      collect: ids,
      repeats: null,
      write: false,
    });
    expect(ids.size).toBe(1);
    const { text } = scan('"a""1",,,A,,\nb,,,B,,\nc,,,C,,\n', { filters: [{ by: 'id', column: 0, sets: [ids] }] });
    expect(text).toBe('2,"a""1",,,A,\n');
  });

  test('what was filtered is not said to have a bad id', () => {
    expect(aside(',,,A,teacher,\n', { filters: [{ by: 'word', column: 4, words: ['student'] }] })).toEqual([]);
  });
});

describe('lines that are set aside', () => {
  const good = 'z,,,Zoe,student,\n';
  const cases: [what: string, body: string, expected: { line: number; column: string | null; reason: string }][] = [
    ['too few cells', `a,,,Ada\n${good}`, { line: 2, column: 'name', reason: 'too-few-cells' }],
    ['too many cells', `a,,,Ada,student,x,y\n${good}`, { line: 2, column: null, reason: 'too-many-cells' }],
    ['a quote inside a cell', `a,,,A"da,student,\n${good}`, { line: 2, column: 'name', reason: 'quote-misplaced' }],
    ['text behind a quote', `a,,,"A"da",student,\n${good}`, { line: 2, column: 'name', reason: 'quote-misplaced' }],
    ['a quote that is never closed', `a,,,"Ada,student,\n${good}`, { line: 2, column: 'name', reason: 'quote-open' }],
    ['NUL', `a,,,A\u0000da,student,\n${good}`, { line: 2, column: 'name', reason: 'nul' }],
    ['NUL in quotes', `a,,,"A\u0000da",student,\n${good}`, { line: 2, column: 'name', reason: 'nul' }],
    ['a bare carriage return', `a,,,A\rda,student,\n${good}`, { line: 2, column: 'name', reason: 'line-break-bare' }],
    ['no id', `,,,Ada,student,\n${good}`, { line: 2, column: 'sourcedId', reason: 'source-id-missing' }],
    [
      'an id of quotes alone',
      `"",,,Ada,student,\n${good}`,
      { line: 2, column: 'sourcedId', reason: 'source-id-missing' },
    ],
    ['an id of spaces', `  ,,,Ada,student,\n${good}`, { line: 2, column: 'sourcedId', reason: 'source-id-missing' }],
    [
      'an id with a tab',
      `a\tb,,,Ada,student,\n${good}`,
      { line: 2, column: 'sourcedId', reason: 'source-id-unusable' },
    ],
    [
      'an id with a line break',
      `"a\nb",,,Ada,student,\n${good}`,
      { line: 2, column: 'sourcedId', reason: 'source-id-unusable' },
    ],
    [
      'an id that turns the reading direction',
      `a\u202eb,,,Ada,student,\n${good}`,
      { line: 2, column: 'sourcedId', reason: 'source-id-unusable' },
    ],
    [
      'an id of 256 characters',
      `${'a'.repeat(256)},,,Ada,student,\n${good}`,
      { line: 2, column: 'sourcedId', reason: 'source-id-unusable' },
    ],
    [
      'a value of 64 KiB and one',
      `a,,,${'x'.repeat(65_537)},student,\n${good}`,
      { line: 2, column: 'name', reason: 'field-too-long' },
    ],
    [
      'the same in quotes, with rows in it',
      `a,,,"${`${good}""`.repeat(5000)}",student,\n${good}`,
      { line: 2, column: 'name', reason: 'field-too-long' },
    ],
    [
      'a line of more than 1 MiB',
      `a,,,Ada,student,,${`${'x'.repeat(60_000)},`.repeat(20)}\n${good}`,
      { line: 2, column: null, reason: 'line-too-long' },
    ],
  ];
  test.each(cases)('%s: with its line, column and reason, and the next line is read', (_, body, expected) => {
    const { text, facts } = scan(body);
    expect(facts.lines).toEqual([{ file: 'things.csv', ...expected }]);
    expect(facts.setAside).toBe(1);
    expect(text).toMatch(/^\d+,z,,,Zoe,student\n$/);
  });

  test('ids of 255 characters of any script are ids', () => {
    expect(scan(`${'é'.repeat(255)},,,Ada,student,\n`).rows).toBe(1);
  });

  test('bytes that are not UTF-8 cost their line alone', () => {
    const bytes = Buffer.concat([
      Buffer.from(`${header}a,,,Zoë,student,\nb,,,Zo`),
      Buffer.from([0xeb]),
      Buffer.from(`,student,\nc,,,Zoë,student,\n`),
    ]);
    const { text, facts } = scanBytes([bytes]);
    expect(facts.lines).toEqual([{ file: 'things.csv', line: 3, column: 'name', reason: 'not-utf8' }]);
    expect(text).toBe('2,a,,,Zoë,student\n4,c,,,Zoë,student\n');
  });

  test('a stray quote that swallows the next line gives it back', () => {
    const { text, facts } = scan('a,,,"Ada,student,\nb,,,Bo,student,\nc,,,"Cy",student,\n');
    expect(facts.lines).toMatchObject([{ line: 2, reason: 'quote-misplaced' }]);
    expect(text).toBe('3,b,,,Bo,student\n4,c,,,"Cy",student\n');
  });

  test('a further id that a row needs must be usable too', () => {
    expect(aside('a,,,,student,\n', { ids: [3] })).toEqual([{ line: 2, column: 'name', reason: 'source-id-missing' }]);
  });

  test.each([
    ['without quotes', 'a,,,', ',student,\n'],
    ['in quotes', 'a,,,"', '",student,\n'],
  ])('a value of 100 MB %s is not held', (_, before, after) => {
    const scanner = new LineScanner(plan());
    scanner.write(Buffer.from(header + before));
    const chunk = Buffer.alloc(1_000_000, 'x');
    const held = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 100; count += 1) scanner.write(chunk);
    expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(8_000_000);
    scanner.write(Buffer.from(after + good));
    scanner.end();
    expect(scanner.facts().lines).toEqual([{ file: 'things.csv', line: 2, column: 'name', reason: 'field-too-long' }]);
    expect(scanner.facts().rows).toBe(1);
  });

  test('ten thousand are kept, all are counted', () => {
    const { facts } = scan('a\n'.repeat(10_500));
    expect(facts.setAside).toBe(10_500);
    expect(facts.lines).toHaveLength(10_000);
    expect(facts.reasons).toEqual([['too-few-cells', 10_500]]);
  });
});

const someBytes = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('a', 'student', 'é', '🎓', ' ') },
      { weight: 6, arbitrary: fc.constant(',') },
      { weight: 3, arbitrary: fc.constantFrom('"', '""') },
      { weight: 3, arbitrary: fc.constantFrom('\n', '\r\n', '\r') },
      { weight: 2, arbitrary: fc.constantFrom('a,,,b,student,\n', 'a,,,"b\nc",student,\n') },
      { weight: 1, arbitrary: fc.constantFrom('\u0000', '\t', '\u202e') },
    ),
    { maxLength: 80 },
  )
  .chain((parts) => fc.tuple(fc.constant(parts), fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 2 })))
  .map(([parts, changes]) => {
    const bytes = Buffer.from(header + parts.join(''));
    for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
    return bytes;
  });

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).sort((one, other) => one - other),
    bytes.length,
  ];
  return sorted.slice(1).map((end, index) => Buffer.from(bytes.subarray(sorted[index], end)));
}

describe('whatever the bytes', () => {
  test('any split into chunks gives what one chunk gives, also where values and lines are too long', () => {
    const limits = fc.constantFrom({ cell: 65_536, line: 1_048_576 }, { cell: 5, line: 12 }, { cell: 9, line: 9 });
    fc.assert(
      fc.property(someBytes, fc.array(fc.nat(1000), { maxLength: 12 }), limits, (bytes, places, limit) => {
        expect(scanBytes(cut(bytes, places), {}, limit)).toEqual(scanBytes([bytes], {}, limit));
      }),
      { numRuns: 1500 },
    );
  });

  test('byte by byte as well', () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        const single = Array.from(bytes, (_, index) => Buffer.from(bytes.subarray(index, index + 1)));
        expect(scanBytes(single, {}, { cell: 7, line: 20 })).toEqual(scanBytes([bytes], {}, { cell: 7, line: 20 }));
      }),
      { numRuns: 300 },
    );
  });

  test('what comes out is CSV of the right number of cells and rows, and every line is accounted for', () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        const { text, rows, facts } = scanBytes([bytes]);
        const parsed = parse(text, { relax_column_count: true, record_delimiter: '\n' });
        expect(parsed).toHaveLength(rows);
        for (const row of parsed) expect(row).toHaveLength(6);
        expect(facts.rows).toBe(rows);
        expect([...facts.lines].map(({ line }) => line)).toEqual(
          facts.lines.map(({ line }) => line).sort((a, b) => a - b),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('random bytes never make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(() => scanBytes([Buffer.from(bytes)])).not.toThrow();
      }),
    );
  });
});

test('agrees with csv-parse on every valid file', () => {
  const cell = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\u0000'));
  const id = fc.stringMatching(/^[0-9a-zA-Z.\-_/@]{1,20}$/);
  const row = fc.tuple(id, cell, cell, cell, cell, cell);
  const shape = fc.record({
    quoted: fc.boolean(),
    record_delimiter: fc.constantFrom<('\n' | '\r\n')[]>('\n', '\r\n'),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), shape, (rows, options) => {
      const file = header + stringify(rows, { ...options, quoted_match: /[\r\n]/ });
      const expected = parse(file, { from: 2, record_delimiter: ['\r\n', '\n'] }).map((cells) => {
        const isBroken = cells.some((text) => text.includes('\n'));
        return cells.slice(0, 5).map((text) => (isBroken ? text.replaceAll(/[\r\n]/g, ' ') : text));
      });
      const { text, facts } = scanBytes([Buffer.from(file)]);
      expect(facts.setAside).toBe(0);
      expect(parse(text, { record_delimiter: '\n' }).map((cells) => cells.slice(1))).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});
