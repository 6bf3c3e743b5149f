import type { ErrorCode } from '#server/kernel/errors.ts';

/** Why a line was set aside; each has its sentence in messages/<locale>/oneroster-csv.json `reason`. */
export const lineReasons = [
  'field-too-long',
  'line-break-bare',
  'line-too-long',
  'not-utf8',
  'nul',
  'quote-misplaced',
  'quote-open',
  'source-id-missing',
  'source-id-unusable',
  'too-few-cells',
  'too-many-cells',
] as const;
export type LineReason = (typeof lineReasons)[number];

/** What stands against a whole file; the texts are in messages/<locale>/errors.json, as these are thrown too when the file is read. */
export const fileProblems = [
  'csv-column-missing',
  'csv-column-twice',
  'csv-delimiter',
  'csv-file-missing',
  'csv-file-undeclared',
  'csv-header-missing',
  'csv-line-ends',
  'csv-manifest-missing',
  'csv-not-utf8',
  'csv-without-rows',
] as const satisfies readonly ErrorCode[];
export type FileProblemCode = (typeof fileProblems)[number];

/** A problem of a package. It names places, never a cell's content. */
export interface FileProblem {
  readonly code: FileProblemCode;
  readonly file: string;
  /** The file's own count; the header is line 1. */
  readonly line: number | null;
  /** A column of the standard, or `#3`, its place, where its name is none of the standard's. */
  readonly column: string | null;
  /** For texts: the delimiter found, the encoding found. */
  readonly found: string | null;
}

/** A line that was set aside. */
export interface SetAsideLine {
  readonly file: string;
  readonly line: number;
  readonly column: string | null;
  readonly reason: LineReason;
}

/** What is not as the standard says and was read nevertheless; each has its sentence in messages/<locale>/oneroster-csv.json `deviation`. */
export const csvDeviations = [
  'blank-lines',
  'byte-order-mark',
  'column-case',
  'column-missing',
  'column-misspelt',
  'column-unknown',
  'columns-out-of-order',
  'columns-trailing-empty',
  'file-in-folder',
  'file-name-case',
  'file-not-in-manifest',
  'file-unknown',
  'line-break-in-value',
  'manifest-incomplete',
  'manifest-value-unknown',
  'manifest-version-unknown',
  'mode-mixed',
  'mode-not-as-declared',
  'roles-of-another-version',
  'trailing-cells',
] as const;
export type CsvDeviationKey = (typeof csvDeviations)[number];

export interface CsvDeviation {
  readonly key: CsvDeviationKey;
  readonly file: string;
  readonly column: string | null;
}

/** Deviations, each once per file and column, and no more than a page can show. */
export class CsvDeviationList {
  readonly #seen = new Map<string, CsvDeviation>();

  note(key: CsvDeviationKey, file: string, column: string | null = null): void {
    if (this.#seen.size < 500) this.#seen.set(`${key} ${file} ${column ?? ''}`, { key, file, column });
  }

  list(): readonly CsvDeviation[] {
    return [...this.#seen.values()];
  }
}
