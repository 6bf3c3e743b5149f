import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { type Facets, facetsSchema, nameSchema } from './stream-words.ts';

export const mostOwnStreams = 500;

export interface ListedStream extends Facets {
  readonly name: string;
}
export interface LineProblem {
  /** The header is line 1. */
  readonly line: number;
  readonly problem: 'name-missing' | 'too-long' | 'twice';
}
export type ParsedList =
  | { readonly ok: true; readonly streams: readonly ListedStream[] }
  | { readonly ok: false; readonly problem: 'unreadable' | 'no-name-column' | 'empty' | 'too-many' }
  | { readonly ok: false; readonly problem: 'lines'; readonly lines: readonly LineProblem[] };

/** Words that stand above the columns, also in the languages that the register's countries write. */
const headers: Readonly<Record<keyof ListedStream, readonly string[]>> = {
  name: ['name', 'stream', 'title', 'naam'],
  programme: ['programme', 'program', 'profile', 'opleiding', 'profiel'],
  level: ['level', 'niveau'],
  year: ['year', 'grade', 'year group', 'leerjaar', 'jaar'],
};
const fields = ['name', 'programme', 'level', 'year'] as const;

const rowsSchema = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }));

/** The delimiter of the header line: what a spreadsheet writes differs by country. */
function delimiterOf(text: string): string {
  const header = text.slice(0, text.search(/\r|\n|$/));
  return [',', ';', '\t'].toSorted((a, b) => header.split(b).length - header.split(a).length)[0] ?? ',';
}

/** A school's own list of streams out of CSV text with a header: name, and where wanted programme, level and year. Pure. */
export function parseOwnList(csv: string, foldId: (name: string) => string): ParsedList {
  const text = csv.replace(/^\uFEFF/, '').replaceAll('\0', '');
  let rows: z.output<typeof rowsSchema>;
  try {
    rows = rowsSchema.parse(
      parse(text, {
        delimiter: delimiterOf(text),
        relax_column_count: true,
        skip_empty_lines: true,
        trim: true,
        info: true,
      }),
    );
  } catch {
    return { ok: false, problem: 'unreadable' };
  }
  const [first, ...lines] = rows;
  if (first === undefined) return { ok: false, problem: 'empty' };
  const header = first.record;
  const titles = header.map((title) => title.toLowerCase());
  const at = Object.fromEntries(
    fields.map((field) => [field, titles.findIndex((title) => headers[field].includes(title))]),
  );
  const cell = (row: readonly string[], field: keyof ListedStream) => row[at[field] ?? -1] ?? '';
  if (at.name === -1) return { ok: false, problem: 'no-name-column' };
  if (lines.length === 0) return { ok: false, problem: 'empty' };
  if (lines.length > mostOwnStreams) return { ok: false, problem: 'too-many' };
  const problems: LineProblem[] = [];
  const streams: ListedStream[] = [];
  const seen = new Set<string>();
  lines.forEach(({ record: row, info: { lines: line } }) => {
    const facets = facetsSchema.safeParse({
      programme: cell(row, 'programme'),
      level: cell(row, 'level'),
      year: cell(row, 'year'),
    });
    const name = nameSchema.safeParse(cell(row, 'name'));
    if (cell(row, 'name') === '') problems.push({ line, problem: 'name-missing' });
    else if (!name.success || !facets.success) problems.push({ line, problem: 'too-long' });
    else if (seen.has(foldId(name.data))) problems.push({ line, problem: 'twice' });
    else {
      seen.add(foldId(name.data));
      streams.push({ name: name.data, ...facets.data });
    }
  });
  return problems.length > 0 ? { ok: false, problem: 'lines', lines: problems } : { ok: true, streams };
}
