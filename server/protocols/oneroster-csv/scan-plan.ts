import { unreachable } from '#server/kernel/errors.ts';
import type { IdSet } from './id-set.ts';
import type { RepeatFinder } from './repeat-finder.ts';
import type { RoleBook, RoleColumns } from './role-book.ts';

/** What stands in one cell behind the first four. Columns are places in the file's header. */
export type OutputCell =
  | { readonly from: 'nothing' }
  | { readonly from: 'column'; readonly column: number }
  /** The first of these that says anything. */
  | { readonly from: 'first'; readonly columns: readonly number[] }
  /** One word for another, case aside. */
  | {
      readonly from: 'word';
      /** Null: there is no such column; the other word, always. */
      readonly column: number | null;
      readonly words: ReadonlyMap<string, string>;
      readonly other: string;
    }
  /** The names of the columns that say `true`, each followed by U+001F. */
  | { readonly from: 'flags'; readonly flags: readonly { readonly column: number; readonly name: string }[] }
  /** The roles that a book has of whoever's id stands in the column. */
  | { readonly from: 'book'; readonly column: number; readonly book: RoleBook };

/** A row passes if it passes every filter. */
export type RowFilter =
  /** The cell is one of these words (lower case; case and spaces around aside). */
  | { readonly by: 'word'; readonly column: number; readonly words: readonly string[] }
  /** The cell is an id in one of these sets. */
  | { readonly by: 'id'; readonly column: number; readonly sets: readonly IdSet[] };

/** What is to be done with the lines of one file, made once from its header. */
export interface ScanPlan {
  readonly file: string;
  /** Columns by place, as they are named to people; null for one that is none of the standard's. */
  readonly columns: readonly (string | null)[];
  readonly sourceId: number;
  readonly status: number | null;
  readonly modified: number | null;
  /** Further cells without which a row says nothing: they must be usable ids. */
  readonly ids: readonly number[];
  readonly cells: readonly OutputCell[];
  readonly filters: readonly RowFilter[];
  /** Ids of the rows that pass and are not marked as deleted. */
  readonly collect: IdSet | null;
  /** Where the roles that these rows tell are noted. */
  readonly note: { readonly in: RoleBook; readonly columns: RoleColumns } | null;
  /** Hears of the id of every row that is written. */
  readonly repeats: RepeatFinder | null;
  /** False: nothing is written, rows are only counted and collected. */
  readonly write: boolean;
}

/** What a row is written by, step by step. */
export type Instruction =
  | { readonly kind: 'run'; readonly first: number; readonly last: number }
  | { readonly kind: 'commas'; readonly count: number }
  | { readonly kind: 'computed'; readonly compute: Computed };

export type Computed =
  | { readonly kind: 'first'; readonly columns: readonly number[] }
  | {
      readonly kind: 'word';
      readonly column: number;
      readonly words: readonly { readonly theirs: readonly Buffer[]; readonly ours: Buffer }[];
      readonly other: Buffer;
    }
  | { readonly kind: 'flags'; readonly flags: readonly { readonly column: number; readonly name: Buffer }[] }
  | { readonly kind: 'book'; readonly column: number; readonly book: RoleBook };

export const utf8 = (text: string) => Buffer.from(text, 'utf8');

function computed(cell: OutputCell & { from: 'first' | 'word' | 'flags' | 'book' }): Computed {
  switch (cell.from) {
    case 'first':
      return { kind: 'first', columns: cell.columns };
    case 'word':
      return {
        kind: 'word',
        column: cell.column ?? 0,
        words: [...(cell.column === null ? [] : cell.words)].map(([theirs, ours]) => ({
          theirs: [utf8(theirs)],
          ours: utf8(ours),
        })),
        other: utf8(cell.other),
      };
    case 'flags':
      return {
        kind: 'flags',
        flags: cell.flags.map(({ column, name }) => ({ column, name: utf8(`${name}\u001f`) })),
      };
    case 'book':
      return { kind: 'book', column: cell.column, book: cell.book };
    default:
      return unreachable(cell);
  }
}

/** Bytes that computed cells can add to a row beyond what its line has. */
export function addedBytes({ cells }: ScanPlan): number {
  return cells.reduce((sum, cell) => {
    if (cell.from === 'flags') return sum + cell.flags.reduce((all, flag) => all + utf8(flag.name).length + 1, 0);
    if (cell.from === 'book') return sum + cell.book.longest;
    if (cell.from !== 'word') return sum;
    return sum + Math.max(...[cell.other, ...cell.words.values()].map((word) => utf8(word).length));
  }, 0);
}

/** How often the column that is copied most is copied. */
export function mostCopies({ sourceId, status, modified, cells }: ScanPlan): number {
  const copied = [
    sourceId,
    status,
    modified,
    ...cells.flatMap((cell) => (cell.from === 'column' ? [cell.column] : [])),
  ];
  const firsts = cells.flatMap((cell) => (cell.from === 'first' ? [...cell.columns] : []));
  const all = [...copied, ...firsts];
  return Math.max(...all.map((column) => all.filter((other) => other === column).length));
}

/** The columns as runs of neighbours, so that what stands together is copied together. */
export function compile(plan: ScanPlan): Instruction[] {
  const head = [plan.sourceId, plan.status, plan.modified].map(
    (column): OutputCell => (column === null ? { from: 'nothing' } : { from: 'column', column }),
  );
  const program: Instruction[] = [];
  for (const cell of [...head, ...plan.cells]) {
    const before = program.at(-1);
    if (cell.from === 'column') {
      if (before?.kind === 'run' && before.last + 1 === cell.column) {
        program[program.length - 1] = { kind: 'run', first: before.first, last: cell.column };
      } else program.push({ kind: 'run', first: cell.column, last: cell.column });
    } else if (cell.from === 'nothing') {
      if (before?.kind === 'commas') program[program.length - 1] = { kind: 'commas', count: before.count + 1 };
      else program.push({ kind: 'commas', count: 1 });
    } else program.push({ kind: 'computed', compute: computed(cell) });
  }
  return program;
}
