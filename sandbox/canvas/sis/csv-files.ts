/** The CSV files of an SIS import, read as `lib/sis/csv/csv_base_importer.rb` of instructure/canvas-lms reads them. */

import { basename } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { unzipSync } from 'fflate';

/** The kinds of files that this Canvas imports, in the order in which it does: what is referred to comes first. */
export const importers = [
  'account',
  'term',
  'course',
  'section',
  'user',
  'enrollment',
  'group_category',
  'group',
  'group_membership',
] as const;
export type Importer = (typeof importers)[number];

export type Cells = Readonly<Record<string, string | null>>;
/** A line is the number that an error tells: one-based, the header's is 1. Blank lines are not counted. */
export type Row = { line: number; cells: Cells };
export type CsvFile = { name: string; importer: Importer; headers: readonly string[]; rows: readonly Row[] };
export type Problem = {
  file: string | null;
  message: string;
  row: number | null;
  rowInfo: string | null;
  failure: boolean;
};

/** What tells a kind of file: by its header alone, whatever its name is. */
const recognises: Readonly<Record<Importer, (has: (name: string) => boolean) => boolean>> = {
  account: (has) => has('account_id') && has('parent_account_id'),
  term: (has) => has('term_id') && has('name'),
  course: (has) => has('course_id') && has('short_name'),
  section: (has) => has('section_id') && has('name'),
  user: (has) => has('user_id') && has('login_id') && !has('existing_user_id'),
  enrollment: (has) => (has('section_id') || has('course_id')) && (has('user_id') || has('user_integration_id')),
  group_category: (has) => has('group_category_id') && has('category_name'),
  group: (has) => has('group_id') && has('name'),
  group_membership: (has) => has('group_id') && has('user_id'),
};

const IGNORED = /__macosx|desktop d[bf]|^\..*/i;
/** Uncompressed files may not be so many times larger than their zip. */
const LARGEST_RATIO = 100;

export const failureOf = (file: string | null, message: string): Problem => ({
  file,
  message,
  row: null,
  rowInfo: null,
  failure: true,
});
const warningOf = (file: string | null, message: string): Problem => ({ ...failureOf(file, message), failure: false });

/** One file, or what is wrong with it. */
function readCsv(name: string, bytes: Uint8Array): CsvFile | Problem {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return failureOf(name, 'Invalid UTF-8');
    throw error;
  }
  let table: string[][];
  try {
    table = parse(text, { bom: true, skip_empty_lines: true, relax_column_count: true });
  } catch (error) {
    if (error instanceof CsvError) return failureOf(name, 'Malformed CSV');
    throw error;
  }
  const [first, ...body] = table;
  const headers = (first ?? []).map((cell) => cell.toLowerCase());
  const importer = importers.find((kind) => recognises[kind]((header) => headers.includes(header)));
  if (importer === undefined) return failureOf(name, "Couldn't find Canvas CSV import headers");
  const rows = body.map((cells, index) => ({
    line: index + 2,
    cells: Object.fromEntries(
      headers.map((header, column) => {
        const cell = (cells[column] ?? '').trim();
        return [header, cell === '' ? null : cell];
      }),
    ),
  }));
  // A row of empty cells is passed over, but counted.
  return {
    name,
    importer,
    headers,
    rows: rows.filter(({ cells }) => Object.values(cells).some((cell) => cell !== null)),
  };
}

/** The files of an upload: a zip, wherever in it they lie, or one CSV. */
export function readUpload(
  bytes: Uint8Array,
  extension: 'zip' | 'csv',
): { files: CsvFile[]; problems: Problem[]; size: number } {
  if (extension === 'csv') {
    const read = readCsv('sis_upload.csv', bytes);
    return 'rows' in read
      ? { files: [read], problems: [], size: bytes.length }
      : { files: [], problems: [read], size: bytes.length };
  }
  let size = 0;
  const files: CsvFile[] = [];
  const problems: Problem[] = [];
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(bytes, {
      filter: ({ originalSize }) => {
        size += originalSize;
        if (size > bytes.length * LARGEST_RATIO) throw new RangeError('the archive is too large');
        return true;
      },
    });
  } catch (error) {
    const tooLarge = error instanceof RangeError;
    return {
      files: [],
      problems: [
        failureOf(
          null,
          tooLarge ? 'Archive file exceeds size limits' : 'Error while importing CSV. Please contact support.',
        ),
      ],
      size,
    };
  }
  for (const [path, member] of Object.entries(members)) {
    if (path.endsWith('/') || IGNORED.test(basename(path)) || IGNORED.test(path)) continue;
    if (!path.toLowerCase().endsWith('.csv')) {
      problems.push(warningOf(path, 'Skipping unknown file type'));
      continue;
    }
    const read = readCsv(path, member);
    if ('rows' in read) files.push(read);
    else problems.push(read);
  }
  return { files, problems, size };
}

const quoted = (text: string | null): string =>
  text === null ? '' : /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
const inspected = (name: string, text: string | null | undefined): string =>
  `:${name}=>${text === null || text === undefined ? 'nil' : JSON.stringify(text)}`;
const toldOfEnrollment = [
  'course_id',
  'section_id',
  'user_id',
  'user_integration_id',
  'role',
  'status',
  'associated_user_id',
  'root_account',
  'role_id',
  'limit_section_privileges',
  'start_date',
  'end_date',
];

/** A row as an error tells it: as CSV with its number behind it, but that of an enrolment as Ruby prints a hash. */
export const rowInfo = (importer: Importer, { cells, line }: Row): string =>
  importer === 'enrollment'
    ? `[{${toldOfEnrollment.map((name) => inspected(name, cells[name])).join(', ')}}]`
    : `${[...Object.values(cells).map(quoted), line].join(',')}\n`;
