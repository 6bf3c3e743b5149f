/**
 * Diffing mode: what of an upload is imported when it is compared with the one before it. Source: `SisBatch#generate_diff`,
 * `lib/sis/csv/diff_generator.rb` and the gem `csv_diff` of instructure/canvas-lms.
 */

import type { Cells, CsvFile, Importer, Problem, Row } from './csv-files.ts';

/** What makes a row the same row. */
const identity: Readonly<Record<Importer, readonly string[]>> = {
  account: ['account_id'],
  term: ['term_id'],
  course: ['course_id'],
  section: ['section_id'],
  user: ['user_id'],
  enrollment: ['course_id', 'section_id', 'user_id', 'user_integration_id', 'role', 'associated_user_id'],
  group_category: ['group_category_id'],
  group: ['group_id'],
  group_membership: ['group_id', 'user_id'],
};

export type DropStatus = { enrollment: string | null; user: string | null };

const keyOf = (fields: readonly string[], cells: Cells): string =>
  JSON.stringify(fields.map((field) => cells[field] ?? null));

/** A file keyed by its rows' identity; of two rows with one identity the later counts. */
function keyed(file: CsvFile, headers: readonly string[]): Map<string, { data: string; cells: Cells }> {
  const rows = new Map<string, { data: string; cells: Cells }>();
  for (const { cells } of file.rows) {
    const key = keyOf(identity[file.importer], cells);
    rows.delete(key);
    rows.set(key, { data: JSON.stringify(headers.map((header) => cells[header] ?? null)), cells });
  }
  return rows;
}

function diffOf(before: CsvFile, now: CsvFile, status: string): CsvFile {
  const previous = keyed(before, now.headers);
  const current = keyed(now, now.headers);
  const changed: Cells[] = [];
  for (const [key, { data, cells }] of current) if (previous.get(key)?.data !== data) changed.push(cells);
  for (const [key, { cells }] of previous) if (!current.has(key)) changed.push({ ...cells, status });
  // The lines that errors tell are those of the generated file, not of the upload.
  const rows: Row[] = changed.map((cells, index) => ({ line: index + 2, cells }));
  return { ...now, rows };
}

/**
 * The files that are imported instead of the uploaded ones. A kind of file that is missing now, or was missing before, is not compared:
 * rows of a file that is left out altogether are not deleted.
 */
export function diffFiles(
  previous: readonly CsvFile[],
  current: readonly CsvFile[],
  drop: DropStatus,
): { files: CsvFile[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const files: CsvFile[] = [];
  const warn = (file: string, message: string): void => {
    problems.push({ file, message, row: null, rowInfo: null, failure: false });
  };
  for (const importer of new Set(current.map((file) => file.importer))) {
    const now = current.filter((file) => file.importer === importer);
    const before = previous.filter((file) => file.importer === importer);
    const [first] = now;
    if (first === undefined || before.length === 0) {
      files.push(...now);
      continue;
    }
    const pairs = now.map((file) => ({
      file,
      match: now.length === 1 && before.length === 1 ? before[0] : before.find(({ name }) => name === file.name),
    }));
    if (before.length !== now.length || pairs.some(({ match }) => match === undefined)) {
      warn(first.name, `Unable to perform diffing against mismatched previous and current ${importer} imports`);
      files.push(...now);
      continue;
    }
    const status = (importer === 'enrollment' ? drop.enrollment : importer === 'user' ? drop.user : null) ?? 'deleted';
    for (const { file, match } of pairs) {
      if (match === undefined) continue;
      if ([...match.headers].sort().join() !== [...file.headers].sort().join()) {
        warn(file.name, "Couldn't generate diff: CSV headers do not match, cannot diff");
        files.push(file);
      } else files.push(diffOf(match, file, status));
    }
  }
  return { files, problems };
}
