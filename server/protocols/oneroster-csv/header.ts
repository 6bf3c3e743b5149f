import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { type FileDefinition, firstColumns, hintNames } from './files.ts';
import type { CsvDeviationKey, FileProblemCode } from './problems.ts';

/** The header of a file: which column stands where. */
export interface Header {
  /** Names of the standard and their places. */
  readonly places: ReadonlyMap<string, number>;
  /** Places of `metadata.` columns that tell a stream, the best first. */
  readonly hints: ReadonlyMap<keyof typeof hintNames, readonly number[]>;
  /** As they are shown to people: the standard's name, or `#3`. Null: the column has no name. Never what the file has there else. */
  readonly columns: readonly (string | null)[];
}

export interface HeaderProblem {
  readonly code: FileProblemCode;
  readonly column: string | null;
  readonly found: string | null;
}

export type ReadHeader = ({ readonly header: Header } | { readonly problem: HeaderProblem }) & {
  readonly deviations: readonly { readonly key: CsvDeviationKey; readonly column: string | null }[];
};

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

type FirstLine = { readonly line: string; readonly hasMark: boolean } | { readonly problem: HeaderProblem };

/**
 * The first line of a file as text. `isAll`: `head` is the whole file. What is not UTF-8 in lines that end with a line feed is said to be
 * so.
 */
export function firstLineOf(head: Buffer, isAll: boolean): FirstLine {
  const problem = (code: FileProblemCode, found: string | null = null) => ({ problem: { code, column: null, found } });
  if (looksLikeUtf16(head)) return problem('csv-not-utf8', 'utf16');
  const hasMark = head.subarray(0, 3).equals(byteOrderMark);
  const feed = head.indexOf(lineFeed);
  if (feed === -1 && !isAll) return problem(head.includes(carriageReturn) ? 'csv-line-ends' : 'csv-header-missing');
  const bytes = head.subarray(hasMark ? 3 : 0, feed === -1 ? head.length : feed);
  const line = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
  if (line.includes(carriageReturn)) return problem('csv-line-ends');
  if (line.length === 0 || line.includes(0)) return problem('csv-header-missing');
  if (!isUtf8(line)) return problem('csv-not-utf8', 'other');
  return { line: line.toString('utf8'), hasMark };
}

/** A mark at the beginning, or every other byte zero. */
function looksLikeUtf16(head: Buffer): boolean {
  const mark = head.length >= 2 ? head.readUInt16BE(0) : 0;
  if (mark === 0xfffe || mark === 0xfeff) return true;
  const sample = head.subarray(0, 64);
  return sample.length >= 4 && sample.filter((byte) => byte === 0).length * 3 >= sample.length;
}

/** The cells of a line, or null where its quotes are not in order. */
function cellsOf(line: string, delimiter: string): string[] | null {
  try {
    const [cells] = parse(line, { delimiter, relax_column_count: true, to: 1 });
    return cells === undefined ? [] : cells;
  } catch {
    return null;
  }
}

const otherDelimiters = [
  [';', 'semicolon'],
  ['\t', 'tab'],
  ['|', 'pipe'],
] as const;

/** Which other delimiter parts a line in which `known` names stand. */
export function otherDelimiterOf(line: string, known: ReadonlySet<string>): string | null {
  for (const [delimiter, name] of otherDelimiters) {
    const cells = cellsOf(line, delimiter) ?? [];
    if (cells.filter((cell) => known.has(fold(cell))).length >= 2) return name;
  }
  return null;
}

export const fold = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** Reads the first line of a data file: finds the standard's columns, however they are ordered and written. */
export function readHeader(definition: FileDefinition, head: Buffer, isAll: boolean): ReadHeader {
  const deviations: { key: CsvDeviationKey; column: string | null }[] = [];
  const problem = (code: FileProblemCode, column: string | null = null, found: string | null = null) => ({
    problem: { code, column, found },
    deviations,
  });
  const first = firstLineOf(head, isAll);
  if ('problem' in first) return { problem: first.problem, deviations };
  if (first.hasMark) deviations.push({ key: 'byte-order-mark', column: null });

  const standard = [...firstColumns, ...definition.columns];
  const known = [...standard, ...definition.only11];
  const folded = new Map(known.map((name) => [fold(name), name] as const));
  const aliases = new Map(Object.entries(definition.aliases).map(([alias, name]) => [fold(alias), name] as const));

  const cells = cellsOf(first.line, ',');
  const names = new Set([...folded.keys(), ...aliases.keys()]);
  if (cells === null || !cells.some((cell) => names.has(fold(cell)))) {
    const delimiter = otherDelimiterOf(first.line, names);
    return delimiter === null ? problem('csv-header-missing') : problem('csv-delimiter', null, delimiter);
  }

  const places = new Map<string, number>();
  const columns: (string | null)[] = cells.map(() => null);
  const metadata: [folded: string, place: number][] = [];
  const strangers: number[] = [];
  for (const [place, cell] of cells.entries()) {
    const text = cell.trim();
    if (text === '') continue;
    columns[place] = `#${place + 1}`;
    const name = known.includes(text) ? text : folded.get(fold(text));
    if (name !== undefined) {
      if (places.has(name)) return problem('csv-column-twice', name);
      places.set(name, place);
      columns[place] = name;
      if (name !== cell) deviations.push({ key: 'column-case', column: name });
    } else if (/^metadata\./i.test(text)) metadata.push([fold(text.slice('metadata.'.length, 120)), place]);
    else strangers.push(place);
  }
  for (const place of strangers) {
    const text = fold((cells[place] ?? '').slice(0, 80));
    const free = known.filter((candidate) => !places.has(candidate));
    const name = free.find((candidate) => candidate === aliases.get(text)) ?? misspelt(text, free);
    if (name === null) deviations.push({ key: 'column-unknown', column: `#${place + 1}` });
    else {
      places.set(name, place);
      columns[place] = name;
      deviations.push({ key: 'column-misspelt', column: name });
    }
  }
  const unnamed = columns.indexOf(null);
  if (unnamed !== -1) {
    const isTrailing = columns.slice(unnamed).every((name) => name === null);
    if (isTrailing) deviations.push({ key: 'columns-trailing-empty', column: null });
    else deviations.push({ key: 'column-unknown', column: `#${unnamed + 1}` });
  }

  const missing = definition.required.find((name) => !places.has(name));
  if (missing !== undefined) return problem('csv-column-missing', missing);
  const order = standard.map((name) => places.get(name)).filter((place) => place !== undefined);
  if (order.some((place, index) => place < (order[index - 1] ?? -1))) {
    deviations.push({ key: 'columns-out-of-order', column: null });
  }
  return { header: { places, hints: hintsOf(metadata), columns }, deviations };
}

/** Columns of the standard that a header lacks, of those that this version has. */
export function missingColumns(definition: FileDefinition, header: Header, expected: readonly string[]): string[] {
  return [...firstColumns, ...expected].filter(
    (name) => !header.places.has(name) && !definition.required.includes(name),
  );
}

function hintsOf(metadata: readonly (readonly [string, number])[]): Header['hints'] {
  const found = new Map<keyof typeof hintNames, readonly number[]>();
  const hints: (keyof typeof hintNames)[] = ['code', 'name', 'programme', 'level', 'year'];
  for (const hint of hints) {
    const places = hintNames[hint].flatMap((name) =>
      metadata.filter(([own]) => own === name).map(([, place]) => place),
    );
    if (places.length > 0) found.set(hint, places);
  }
  return found;
}

/** The one name that `text` is at most two slips away from; short names differ too little for that. */
function misspelt(text: string, names: readonly string[]): string | null {
  const near = names.filter((name) => name.length >= 8 && distance(text, fold(name)) <= 2);
  return near.length === 1 ? (near[0] ?? null) : null;
}

/** Levenshtein's distance. */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 2) return 3;
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(same, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 3;
}
