import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { LineScanner } from './line-scanner.ts';
import type { ScanPlan } from './scan-plan.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const plan: ScanPlan = {
  file: 'things.csv',
  columns: ['sourcedId', 'status', 'dateLastModified', 'name'],
  sourceId: 0,
  status: 1,
  modified: 2,
  ids: [],
  cells: [{ from: 'column', column: 3 }],
  filters: [],
  collect: null,
  repeats: null,
  note: null,
  write: true,
};

const piece = fc.oneof(
  fc.constantFrom(
    'a',
    'é',
    '\\',
    '\\.',
    '\n\\.\n',
    ' ',
    '""',
    '"',
    ',',
    ',',
    ',',
    '\n',
    '\r\n',
    '\r',
    '\u0000',
    '\u001f',
  ),
  fc.constantFrom('a,,,b\n', 'b,"","","x\n\\.\ny"\n', '\\.,,,\\.\n', '"\\.","","","\\."\n'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

test('PostgreSQL reads exactly the rows that the scanner says it wrote, whatever the file', async () => {
  const { admin } = database;
  await admin`create table public.scanned (line text, source_id text, status text, modified text, name text)`;
  const blocks: Buffer[] = [];
  let rows = 0;
  for (const pieces of fc.sample(fc.array(piece, { maxLength: 60 }), 3000)) {
    const scanner = new LineScanner(plan);
    scanner.write(Buffer.from(`sourcedId,status,dateLastModified,name\n${pieces.join('')}`));
    scanner.end();
    for (const block of scanner.take()) {
      blocks.push(block.copy);
      rows += block.rows;
    }
  }
  await pipeline(blocks, await admin`copy public.scanned from stdin (format csv)`.writable());

  const stored = await admin<Record<string, string | null>[]>`select * from public.scanned`;
  const written: string[][] = parse(Buffer.concat(blocks), { record_delimiter: '\n' });
  const sorted = (lines: readonly (readonly (string | null)[])[]) => lines.map((line) => line.join('\u0000')).sort();
  expect(rows).toBeGreaterThan(500);
  expect(stored).toHaveLength(rows);
  expect(sorted(stored.map((row) => Object.values(row)))).toEqual(sorted(written));
});
