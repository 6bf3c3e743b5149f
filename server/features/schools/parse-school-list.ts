import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { registers } from '#db/schema/vocabulary.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { type SchoolDetails, schoolDetailsSchema } from './school-details.ts';

/** The columns of a list, in the order of the template that we offer. */
export const listColumns = [
  'name',
  'register',
  'register_number',
  'country',
  'time_zone',
  'sites',
  'contact_name',
  'contact_email',
  'contact_role',
  'contact_phone',
  'note',
] as const;
export type ListColumn = (typeof listColumns)[number];
const neededColumns = ['name', 'register', 'register_number', 'country', 'time_zone'] as const;

export const listMaxBytes = 1024 * 1024;
export const listMaxRows = 2000;

/** What is wrong with a cell: a key of messages/<locale>/schools.json `import.problems`. */
export type ListProblem =
  | 'missing'
  | 'too-long-or-control'
  | 'unknown-register'
  | 'unknown-country'
  | 'unknown-time-zone'
  | 'bad-register-number'
  | 'bad-email'
  | 'bad-site'
  | 'contact-incomplete'
  | 'double-in-list'
  | 'wrong-number-of-columns';

export interface ListRowError {
  /** Line in the file as a text editor counts, 1-based. */
  readonly line: number;
  readonly column: ListColumn | null;
  readonly problem: ListProblem;
  /** What stood there, shortened, for the page only. */
  readonly value: string;
}

export interface ListRow {
  readonly line: number;
  readonly details: SchoolDetails;
}

export interface ParsedList {
  readonly rows: readonly ListRow[];
  readonly errors: readonly ListRowError[];
  readonly unknownColumns: readonly string[];
}

const unreadable = (problem: string, details: Record<string, string | number> = {}) =>
  new CrosswalkError('list-unreadable', { details: { problem, ...details } });

/** UTF-8 text of a file, without a byte order mark. UTF-16 and other encodings are refused by name. */
function textOf(bytes: Uint8Array): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) throw unreadable('utf-16');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable('not-utf-8');
  }
}

const delimiters = [',', ';', '\t'] as const;

/** The delimiter that cuts the first line into the most columns that we know. */
function delimiterOf(firstLine: string): (typeof delimiters)[number] {
  const known = (delimiter: string) =>
    firstLine.split(delimiter).filter((cell) => columnOf(cell.replaceAll('"', '')) !== null).length;
  return delimiters.toSorted((a, b) => known(b) - known(a))[0] ?? ',';
}

function columnOf(header: string): ListColumn | null {
  const folded = header
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  return listColumns.find((column) => column === folded) ?? null;
}

/**
 * Reads a list of schools: comma, semicolon or tab, quoted as RFC 4180. Every row that can be used, and for every other
 * line, column and problem. Text is taken as text, whatever a spreadsheet would make of it. Throws `list-unreadable` with a
 * `problem` where the whole is no such list.
 */
export function parseSchoolList(bytes: Uint8Array): ParsedList {
  if (bytes.length === 0) throw unreadable('empty');
  if (bytes.length > listMaxBytes) throw unreadable('too-large');
  const text = textOf(bytes);
  if (text.includes('\0')) throw unreadable('not-text');
  const delimiter = delimiterOf(/^[^\r\n]*/.exec(text)?.[0] ?? '');
  let records: { line: number; cells: string[] }[];
  try {
    records = csvRecords
      .parse(
        parse(text, {
          delimiter,
          bom: true,
          skip_empty_lines: true,
          relax_column_count: true,
          info: true,
          max_record_size: 100_000,
        }),
      )
      .map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    if (error instanceof CsvError) throw unreadable('quotes', { line: lineOf(error) });
    throw error;
  }
  const header = records.shift();
  if (header === undefined) throw unreadable('empty');
  const columns = header.cells.map(columnOf);
  const missing = neededColumns.filter((column) => !columns.includes(column));
  if (missing.length > 0) throw unreadable('columns-missing', { columns: missing.join(', ') });
  const doubled = columns.find((column, at) => column !== null && columns.indexOf(column) !== at);
  if (doubled !== undefined && doubled !== null) throw unreadable('column-twice', { columns: doubled });
  if (records.length === 0) throw unreadable('no-rows');
  if (records.length > listMaxRows) throw unreadable('too-many-rows', { most: listMaxRows });
  const rows: ListRow[] = [];
  const errors: ListRowError[] = [];
  const lineOfNumber = new Map<string, number>();
  for (const { cells, line: lastLine } of records) {
    // csv-parse counts the line on which a record ends; people look for the one on which it begins.
    const line = lastLine - cells.reduce((breaks, cell) => breaks + (cell.match(/\n/g)?.length ?? 0), 0);
    if (cells.length !== columns.length) {
      errors.push({
        line,
        column: null,
        problem: 'wrong-number-of-columns',
        value: `${cells.length}/${columns.length}`,
      });
      continue;
    }
    const cell = (column: ListColumn) => (cells[columns.indexOf(column)] ?? '').trim();
    const { details, errors: wrong } = readRow(cell);
    for (const error of wrong) errors.push({ ...error, line, value: shorten(cell(error.column)) });
    if (details === null) continue;
    const number = `${details.register} ${details.registerNumber}`;
    if (lineOfNumber.has(number)) {
      errors.push({
        line,
        column: 'register_number',
        problem: 'double-in-list',
        value: shorten(cell('register_number')),
      });
      continue;
    }
    lineOfNumber.set(number, line);
    rows.push({ line, details });
  }
  return {
    rows,
    errors,
    unknownColumns: header.cells.filter((name, at) => columns[at] === null && name.trim() !== '').map(shorten),
  };
}

/** What csv-parse gives with `info`. */
const csvRecords = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }));

const lineOf = (error: CsvError): number => {
  const lines: unknown = Reflect.get(error, 'lines');
  return typeof lines === 'number' ? lines : 0;
};

const shorten = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

function readRow(cell: (column: ListColumn) => string): {
  details: SchoolDetails | null;
  errors: { column: ListColumn; problem: ListProblem }[];
} {
  const errors: { column: ListColumn; problem: ListProblem }[] = [];
  for (const column of neededColumns) if (cell(column) === '') errors.push({ column, problem: 'missing' });
  const [name, email] = [cell('contact_name'), cell('contact_email')];
  if ((name === '') !== (email === '')) {
    errors.push({ column: name === '' ? 'contact_name' : 'contact_email', problem: 'contact-incomplete' });
  }
  const wanted = cell('register').toLowerCase();
  const parsed = schoolDetailsSchema.safeParse({
    name: cell('name'),
    register: registers.find((register) => register.toLowerCase() === wanted),
    registerNumber: cell('register_number'),
    country: cell('country'),
    timeZone: cell('time_zone'),
    sites: cell('sites')
      .split(/[;|\n]/)
      .map((site) => site.trim())
      .filter((site) => site !== '')
      .map((site) => ({ name: site })),
    contacts:
      name !== '' && email !== ''
        ? [{ name, email, role: cell('contact_role'), phone: cell('contact_phone') || null }]
        : [],
    note: cell('note') || null,
  });
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const [column, problem] = problemAt(issue.path.map(String));
      const known = errors.some((error) => error.column === column);
      if (!known) errors.push({ column, problem });
    }
  }
  return { details: parsed.success && errors.length === 0 ? parsed.data : null, errors };
}

function problemAt(path: readonly string[]): [ListColumn, ListProblem] {
  const [field, , part] = path;
  switch (field) {
    case 'register':
      return ['register', 'unknown-register'];
    case 'registerNumber':
      return ['register_number', 'bad-register-number'];
    case 'country':
      return ['country', 'unknown-country'];
    case 'timeZone':
      return ['time_zone', 'unknown-time-zone'];
    case 'sites':
      return ['sites', 'bad-site'];
    case 'note':
      return ['note', 'too-long-or-control'];
    case 'contacts':
      if (part === 'email') return ['contact_email', 'bad-email'];
      if (part === 'role') return ['contact_role', 'too-long-or-control'];
      if (part === 'phone') return ['contact_phone', 'too-long-or-control'];
      return ['contact_name', 'too-long-or-control'];
    default:
      return ['name', 'too-long-or-control'];
  }
}
