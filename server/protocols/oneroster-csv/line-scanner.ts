import { isAscii, isUtf8 } from 'node:buffer';
import { unreachable } from '#server/kernel/errors.ts';
import type { IdSet } from './id-set.ts';
import type { LineReason, SetAsideLine } from './problems.ts';

/**
 * Bytes of a CSV file in, bytes for PostgreSQL's `COPY … FROM STDIN (FORMAT csv)` out: `line,source_id,status,modified,<cells>`. RFC 4180
 * quoting, cell count, UTF-8, NUL and lengths are checked, columns cut and put in order, rows kept or left by a cell; the bytes
 * of a cell pass undecoded, with their quotes. Nothing is held but the line in hand.
 *
 * However the bytes are cut into chunks, the result is the same. What is wrong with a line costs that line, never the file:
 * - a line break inside quotes is read (RFC 4180 §2.6 has it, OneRoster does not) and counted;
 * - where a quote is never closed, or closes where it cannot, only the line where it opened is set aside, and reading goes on behind it;
 * - a cell of more than 64 KiB is skipped to its end, through its closing quote if it has one, and never held.
 */

export const longestCell = 65_536;
export const longestLine = 1_048_576;
const blockBytes = 262_144;
const keptSetAside = 10_000;
const longestSourceId = 255;

/** What stands in one cell behind the first four. Columns are places in the file's header. */
export type OutputCell =
  | { readonly from: 'nothing' }
  | { readonly from: 'column'; readonly column: number }
  /** The first of these that says anything. */
  | { readonly from: 'first'; readonly columns: readonly number[] }
  /** One word for another, case aside. */
  | {
      readonly from: 'word';
      readonly column: number;
      readonly words: ReadonlyMap<string, string>;
      readonly other: string;
    }
  /** The names of the columns that say `true`, each followed by U+001F. */
  | { readonly from: 'flags'; readonly flags: readonly { readonly column: number; readonly name: string }[] };

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
  /** False: nothing is written, rows are only counted and collected. */
  readonly write: boolean;
}

/** Whole lines for COPY. */
export interface CopyBlock {
  readonly copy: Buffer;
  readonly rows: number;
}

export interface ScanFacts {
  /** Rows written (or that would have been, where nothing is). */
  readonly rows: number;
  /** Rows that a filter left out. */
  readonly filtered: number;
  readonly setAside: number;
  readonly reasons: ReadonlyMap<LineReason, number>;
  /** The first 10,000. */
  readonly lines: readonly SetAsideLine[];
  /** Well-formed rows with and without a status, before any filter: bulk has none, delta has it in each. */
  readonly withStatus: number;
  readonly withoutStatus: number;
  readonly blankLines: number;
  readonly brokenValues: number;
  readonly trailingCells: number;
}

const comma = 0x2c;
const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Control characters and marks that turn the reading direction: no id has them (reference §15 allows far less). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unusableInId = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;

type Instruction =
  | { readonly kind: 'run'; readonly first: number; readonly last: number }
  | { readonly kind: 'commas'; readonly count: number }
  | { readonly kind: 'computed'; readonly compute: Computed };

type Computed =
  | { readonly kind: 'first'; readonly columns: readonly number[] }
  | {
      readonly kind: 'word';
      readonly column: number;
      readonly words: readonly { readonly theirs: readonly Buffer[]; readonly ours: Buffer }[];
      readonly other: Buffer;
    }
  | { readonly kind: 'flags'; readonly flags: readonly { readonly column: number; readonly name: Buffer }[] };

const utf8 = (text: string) => Buffer.from(text, 'utf8');

function computed(cell: OutputCell & { from: 'first' | 'word' | 'flags' }): Computed {
  switch (cell.from) {
    case 'first':
      return { kind: 'first', columns: cell.columns };
    case 'word':
      return {
        kind: 'word',
        column: cell.column,
        words: [...cell.words].map(([theirs, ours]) => ({ theirs: [utf8(theirs)], ours: utf8(ours) })),
        other: utf8(cell.other),
      };
    case 'flags':
      return {
        kind: 'flags',
        flags: cell.flags.map(({ column, name }) => ({ column, name: utf8(`${name}\u001f`) })),
      };
    default:
      return unreachable(cell);
  }
}

/** Bytes that computed cells can add to a row beyond what its line has. */
function addedBytes({ cells }: ScanPlan): number {
  return cells.reduce((sum, cell) => {
    if (cell.from === 'flags') return sum + cell.flags.reduce((all, flag) => all + utf8(flag.name).length + 1, 0);
    if (cell.from !== 'word') return sum;
    return sum + Math.max(...[cell.other, ...cell.words.values()].map((word) => utf8(word).length));
  }, 0);
}

/** How often the column that is copied most is copied. */
function mostCopies({ sourceId, status, modified, cells }: ScanPlan): number {
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
function compile(plan: ScanPlan): Instruction[] {
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

/** `lines`: the last byte is a line's end. `partial`: it is a guard behind a line that is not whole. `last`: the guard stands at the file's end. */
type Extent = 'lines' | 'partial' | 'last';

export class LineScanner {
  readonly #plan: ScanPlan;
  readonly #program: readonly Instruction[];
  readonly #words: readonly { readonly column: number; readonly words: readonly Buffer[] }[];
  readonly #idFilters: readonly { readonly column: number; readonly sets: readonly IdSet[] }[];
  /** Bytes that a row can grow by: computed cells, commas, the line's number. */
  readonly #growth: number;
  readonly #copies: number;
  /** Cells that a line must have: the header's, but for trailing ones without a name. */
  readonly #needed: number;
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  /** Bytes of a line that is not whole yet, with room for a guard. */
  #carry = Buffer.alloc(0);
  #carried = 0;
  #nextProbe = longestCell;
  #line = 1;
  /** The header is not ours to read: it is skipped to its end. */
  #skip: 'nothing' | 'line' | 'quoted' = 'line';
  /** The last byte of a chunk was a quote inside a cell that is skipped: the next one tells what it was. */
  #quotePending = false;
  #out = Buffer.alloc(0);
  #filled = 0;
  #outRows = 0;
  #ready: CopyBlock[] = [];
  #rows = 0;
  #filtered = 0;
  #setAside = 0;
  readonly #reasons = new Map<LineReason, number>();
  readonly #lines: SetAsideLine[] = [];
  #withStatus = 0;
  #withoutStatus = 0;
  #blankLines = 0;
  #brokenValues = 0;
  #trailingCells = 0;

  constructor(plan: ScanPlan) {
    this.#plan = plan;
    this.#program = compile(plan);
    const width = plan.columns.length;
    this.#from = new Int32Array(width + 1);
    this.#to = new Int32Array(width + 1);
    this.#needed = plan.columns.findLastIndex((name) => name !== null) + 1;
    this.#words = plan.filters.flatMap((filter) =>
      filter.by === 'word'
        ? [{ column: filter.column, words: filter.words.map((word) => utf8(word.toLowerCase())) }]
        : [],
    );
    this.#idFilters = plan.filters.flatMap((filter) => (filter.by === 'id' ? [filter] : []));
    this.#copies = mostCopies(plan);
    // Sixteen: the line's number, its end.
    this.#growth = 16 + 4 + plan.cells.length + addedBytes(plan);
  }

  /** Takes the next bytes. They may be used again by the caller once this returns. */
  write(chunk: Buffer): void {
    let bytes = chunk;
    let at = 0;
    if (this.#carried > 0) {
      const end = chunk.indexOf(lineFeed);
      if (end === -1) {
        this.#keep(chunk);
        return;
      }
      this.#append(chunk.subarray(0, end + 1));
      const whole = this.#carried;
      const done = this.#scan(this.#carry, 0, whole, 'lines');
      at = end + 1;
      if (done < whole) {
        // A quote is open: the line goes on.
        bytes = Buffer.concat([this.#carry.subarray(done, whole), chunk.subarray(at)]);
        at = 0;
      }
      this.#carried = 0;
    }
    at = this.#skipFrom(bytes, at, bytes.length);
    const last = bytes.lastIndexOf(lineFeed);
    if (last >= at) at = this.#scan(bytes, at, last + 1, 'lines');
    at = this.#skipFrom(bytes, at, bytes.length);
    this.#nextProbe = longestCell;
    if (at < bytes.length) this.#keep(bytes.subarray(at));
  }

  /** The file has ended: what is left is its last line. */
  end(): void {
    if (this.#carried > 0) {
      this.#guard();
      this.#scan(this.#carry, 0, this.#carried + 1, 'last');
      this.#carried = 0;
    }
    this.#flush();
  }

  /** The blocks that are ready since the last call. */
  take(): CopyBlock[] {
    const ready = this.#ready;
    if (ready.length > 0) this.#ready = [];
    return ready;
  }

  facts(): ScanFacts {
    return {
      rows: this.#rows,
      filtered: this.#filtered,
      setAside: this.#setAside,
      reasons: this.#reasons,
      lines: this.#lines,
      withStatus: this.#withStatus,
      withoutStatus: this.#withoutStatus,
      blankLines: this.#blankLines,
      brokenValues: this.#brokenValues,
      trailingCells: this.#trailingCells,
    };
  }

  #append(bytes: Buffer): void {
    const needed = this.#carried + bytes.length + 1;
    if (this.#carry.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed * 2, 4096));
      this.#carry.copy(larger, 0, 0, this.#carried);
      this.#carry = larger;
    }
    bytes.copy(this.#carry, this.#carried);
    this.#carried += bytes.length;
  }

  /** A line's end, written behind what is carried: loops over cells stop there. */
  #guard(): void {
    this.#carry[this.#carried] = lineFeed;
  }

  /** Keeps the beginning of a line; once it is too long for one, it is skipped instead. */
  #keep(bytes: Buffer): void {
    this.#append(bytes);
    if (this.#carried < this.#nextProbe) return;
    this.#nextProbe = this.#carried + longestCell;
    this.#guard();
    const done = this.#scan(this.#carry, 0, this.#carried + 1, 'partial');
    if (done > 0) {
      this.#carry.copyWithin(0, done, this.#carried);
      this.#carried = Math.max(this.#carried - done, 0);
    }
  }

  /** Goes on from `at` to where the line that is skipped ends; returns `end` while it does not. Counts lines. */
  #skipFrom(bytes: Buffer, at: number, end: number): number {
    let next = at;
    while (next < end && this.#skip === 'quoted') {
      if (this.#quotePending) {
        this.#quotePending = false;
        if (bytes[next] === quote) next += 1;
        else this.#skip = 'line';
        continue;
      }
      const found = bytes.indexOf(quote, next);
      const stop = found === -1 || found >= end ? end : found;
      for (
        let feed = bytes.indexOf(lineFeed, next);
        feed !== -1 && feed < stop;
        feed = bytes.indexOf(lineFeed, feed + 1)
      ) {
        this.#line += 1;
      }
      if (stop === end) return end;
      this.#quotePending = true;
      next = stop + 1;
    }
    if (this.#skip !== 'line' || next >= end) return next;
    const feed = bytes.indexOf(lineFeed, next);
    if (feed === -1 || feed >= end) return end;
    this.#line += 1;
    this.#skip = 'nothing';
    return feed + 1;
  }

  #setAsideLine(line: number, column: number | null, reason: LineReason): void {
    this.#setAside += 1;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (this.#lines.length >= keptSetAside) return;
    const place = column === null || column >= this.#plan.columns.length ? null : column;
    const name = place === null ? null : (this.#plan.columns[place] ?? `#${place + 1}`);
    this.#lines.push({ file: this.#plan.file, line, column: name, reason });
  }

  /**
   * Reads lines from `at`; the byte before `end` is a line feed. Returns where the first line begins that is not whole, or `end`.
   * The one loop over all bytes: no object is made in it.
   */
  #scan(bytes: Buffer, at: number, end: number, extent: Extent): number {
    const region = bytes.subarray(at, end);
    const ascii = isAscii(region);
    const valid = ascii || isUtf8(region);
    const plainRegion = ascii && !region.includes(0x7f);
    const from = this.#from;
    const to = this.#to;
    const width = this.#plan.columns.length;
    const statusColumn = this.#plan.status ?? width;
    /** Where real bytes end. */
    const realEnd = extent === 'lines' ? end : end - 1;
    let i = at;
    if (this.#skip !== 'nothing') i = this.#skipFrom(bytes, i, realEnd);

    while (i < realEnd) {
      const start = i;
      const startLine = this.#line;
      const lineLimit = start + longestLine;
      let cell = 0;
      let breaks = 0;
      let bareReturn = -1;
      let nul = -1;
      let surplus = false;
      let control = false;
      let quoted = false;
      let problem: LineReason | null = null;
      let skip: 'line' | 'quoted' = 'line';

      // One turn per cell. Leaves by `break` at the record's end, with a problem of its structure, or where the bytes end.
      let isOpen = false;
      for (;;) {
        const begin = i;
        const limit = Math.min(begin + longestCell, lineLimit);
        let byte = bytes[i] ?? 0;
        if (byte === quote) {
          quoted = true;
          i += 1;
          for (;;) {
            do byte = bytes[i++] ?? 0;
            while (byte > quote);
            i -= 1;
            if (i > limit) {
              problem = limit === lineLimit ? 'line-too-long' : 'field-too-long';
              skip = 'quoted';
              break;
            }
            if (byte === quote) {
              if (bytes[i + 1] !== quote) break;
              i += 2;
            } else if (byte === lineFeed) {
              if (i + 1 >= end) {
                isOpen = true;
                break;
              }
              breaks += 1;
              i += 1;
            } else {
              if (byte === 0) nul = cell;
              if (byte < 0x20) control = true;
              i += 1;
            }
          }
          if (isOpen || problem !== null) break;
          i += 1;
          byte = bytes[i] ?? 0;
          if (byte !== comma && byte !== lineFeed && !(byte === carriageReturn && bytes[i + 1] === lineFeed)) {
            problem = 'quote-misplaced';
            break;
          }
        } else {
          for (;;) {
            while (byte > comma) byte = bytes[++i] ?? 0;
            if (byte === comma || byte === lineFeed) break;
            if (byte < 0x20) {
              if (byte === carriageReturn) {
                if (bytes[i + 1] === lineFeed) break;
                bareReturn = cell;
              } else if (byte === 0) nul = cell;
              control = true;
            } else if (byte === quote) {
              problem = 'quote-misplaced';
              break;
            }
            byte = bytes[++i] ?? 0;
          }
          if (i > limit) {
            problem = limit === lineLimit ? 'line-too-long' : 'field-too-long';
            break;
          }
          if (problem !== null) break;
        }
        if (cell < width) {
          from[cell] = begin;
          to[cell] = i;
        } else if (i > begin && !(i === begin + 2 && bytes[begin] === quote)) surplus = true;
        if (byte !== comma) break;
        cell += 1;
        i += 1;
      }

      if (problem !== null) {
        this.#setAsideLine(startLine, cell, problem);
        if (problem === 'quote-misplaced' && breaks > 0) {
          i = bytes.indexOf(lineFeed, start) + 1;
          this.#line = startLine + 1;
          continue;
        }
        this.#line = startLine + breaks;
        this.#skip = skip;
        this.#quotePending = false;
        i = this.#skipFrom(bytes, i, realEnd);
        continue;
      }
      if (isOpen) {
        if (extent !== 'last') return start;
        this.#setAsideLine(startLine, cell, 'quote-open');
        i = bytes.indexOf(lineFeed, start) + 1;
        this.#line = startLine + 1;
        continue;
      }
      const stop = i;
      i += bytes[i] === carriageReturn ? 2 : 1;
      if (i >= end && extent === 'partial') return start;
      this.#line = startLine + breaks + 1;

      if (stop === start) {
        this.#blankLines += 1;
        continue;
      }
      if (cell >= width || cell + 1 < width) {
        if (surplus || cell + 1 < this.#needed) {
          this.#setAsideLine(startLine, cell >= width ? null : cell, surplus ? 'too-many-cells' : 'too-few-cells');
          if (breaks > 0) {
            // A stray quote has most likely swallowed a line: what stands behind its first one is read by itself.
            i = bytes.indexOf(lineFeed, start) + 1;
            this.#line = startLine + 1;
          }
          continue;
        }
        if (cell >= width) this.#trailingCells += 1;
      }
      if (nul >= 0) {
        this.#setAsideLine(startLine, nul, 'nul');
        continue;
      }
      if (bareReturn >= 0) {
        this.#setAsideLine(startLine, bareReturn, 'line-break-bare');
        continue;
      }
      if (!valid && !isUtf8(bytes.subarray(start, stop))) {
        this.#setAsideLine(startLine, this.#notUtf8(bytes, cell), 'not-utf8');
        continue;
      }
      if (breaks > 0) this.#brokenValues += 1;

      let status = false;
      if (statusColumn < width) {
        const length = (to[statusColumn] ?? 0) - (from[statusColumn] ?? 0);
        status = length > 2 || (length > 0 && bytes[from[statusColumn] ?? 0] !== quote);
      }
      if (status) this.#withStatus += 1;
      else this.#withoutStatus += 1;

      if (!this.#passes(bytes)) {
        this.#filtered += 1;
        continue;
      }
      if (!this.#hasUsableIds(bytes, startLine, plainRegion && !control)) continue;
      if (this.#plan.collect !== null && !(status && this.#isDeletion(bytes))) this.#collect(bytes, this.#plan.collect);
      this.#rows += 1;
      if (this.#plan.write) this.#emit(bytes, startLine, stop - start, quoted);
    }
    return end;
  }

  /** Where the bytes are not UTF-8. */
  #notUtf8(bytes: Buffer, last: number): number | null {
    for (let cell = 0; cell <= last && cell < this.#plan.columns.length; cell += 1) {
      if (!isUtf8(bytes.subarray(this.#from[cell] ?? 0, this.#to[cell] ?? 0))) return cell;
    }
    return null;
  }

  #isQuoted(bytes: Buffer, column: number): boolean {
    return bytes[this.#from[column] ?? 0] === quote && (this.#to[column] ?? 0) > (this.#from[column] ?? 0);
  }

  #passes(bytes: Buffer): boolean {
    for (const filter of this.#words) {
      if (!this.#isOneOf(bytes, filter.column, filter.words)) return false;
    }
    for (const filter of this.#idFilters) {
      if (!this.#isInOneOf(bytes, filter.column, filter.sets)) return false;
    }
    return true;
  }

  /** The cell is one of these words (lower case), case and spaces around aside. */
  #isOneOf(bytes: Buffer, column: number, words: readonly Buffer[]): boolean {
    let from = this.#from[column] ?? 0;
    let to = this.#to[column] ?? 0;
    if (this.#isQuoted(bytes, column)) {
      from += 1;
      to -= 1;
    }
    while (from < to && bytes[from] === 0x20) from += 1;
    while (from < to && bytes[to - 1] === 0x20) to -= 1;
    const length = to - from;
    next: for (const word of words) {
      if (word.length !== length) continue;
      for (let at = 0; at < length; at += 1) {
        const byte = bytes[from + at] ?? 0;
        if ((byte > 0x40 && byte < 0x5b ? byte | 0x20 : byte) !== word[at]) continue next;
      }
      return true;
    }
    return false;
  }

  #isInOneOf(bytes: Buffer, column: number, sets: readonly IdSet[]): boolean {
    const from = this.#from[column] ?? 0;
    const to = this.#to[column] ?? 0;
    if (!this.#isQuoted(bytes, column)) return sets.some((set) => set.has(bytes, from, to));
    const plain = unquoted(bytes.subarray(from, to));
    return sets.some((set) => set.has(plain, 0, plain.length));
  }

  #isDeletion(bytes: Buffer): boolean {
    return this.#isOneOf(bytes, this.#plan.status ?? this.#plan.columns.length, deletions);
  }

  #collect(bytes: Buffer, into: IdSet): void {
    const column = this.#plan.sourceId;
    const from = this.#from[column] ?? 0;
    const to = this.#to[column] ?? 0;
    if (this.#isQuoted(bytes, column)) {
      const plain = unquoted(bytes.subarray(from, to));
      into.add(plain, 0, plain.length);
    } else into.add(bytes, from, to);
  }

  #hasUsableIds(bytes: Buffer, line: number, isPlain: boolean): boolean {
    if (!this.#isUsableId(bytes, line, this.#plan.sourceId, isPlain)) return false;
    for (const column of this.#plan.ids) {
      if (!this.#isUsableId(bytes, line, column, isPlain)) return false;
    }
    return true;
  }

  #isUsableId(bytes: Buffer, line: number, column: number, isPlain: boolean): boolean {
    const isQuoted = this.#isQuoted(bytes, column);
    const from = (this.#from[column] ?? 0) + (isQuoted ? 1 : 0);
    const to = (this.#to[column] ?? 0) - (isQuoted ? 1 : 0);
    if (isPlain && to > from && to - from <= longestSourceId && (bytes[from] ?? 0) > 0x20) return true;
    const id = bytes.toString('utf8', from, to).replaceAll('""', isQuoted ? '"' : '""');
    if (id.trim() === '') {
      this.#setAsideLine(line, column, 'source-id-missing');
      return false;
    }
    if (id.length <= longestSourceId && !unusableInId.test(id)) return true;
    this.#setAsideLine(line, column, 'source-id-unusable');
    return false;
  }

  #flush(): void {
    if (this.#filled === 0) return;
    this.#ready.push({ copy: this.#out.subarray(0, this.#filled), rows: this.#outRows });
    this.#out = Buffer.alloc(0);
    this.#filled = 0;
    this.#outRows = 0;
  }

  #emit(bytes: Buffer, line: number, length: number, quoted: boolean): void {
    const room = length * this.#copies + this.#growth;
    if (this.#filled + room > this.#out.length) {
      this.#flush();
      this.#out = Buffer.allocUnsafeSlow(Math.max(blockBytes, room));
    }
    const out = this.#out;
    let o = this.#filled;

    let power = 1;
    while (power * 10 <= line) power *= 10;
    for (let rest = line; power >= 1; power = power === 1 ? 0 : power / 10) {
      const digit = (rest / power) | 0;
      out[o++] = 48 + digit;
      rest -= digit * power;
    }

    const program = this.#program;
    for (let step = 0; step < program.length; step += 1) {
      const instruction = program[step];
      if (instruction === undefined) break;
      out[o++] = comma;
      if (instruction.kind === 'run') {
        if (quoted && instruction.first !== instruction.last) {
          for (let column = instruction.first; column <= instruction.last; column += 1) {
            if (column > instruction.first) out[o++] = comma;
            o = this.#copyCell(bytes, out, o, column);
          }
        } else if (quoted) o = this.#copyCell(bytes, out, o, instruction.first);
        else {
          const to = this.#to[instruction.last] ?? 0;
          for (let at = this.#from[instruction.first] ?? 0; at < to; at += 1) out[o++] = bytes[at] ?? 0;
        }
      } else if (instruction.kind === 'commas') {
        for (let more = 1; more < instruction.count; more += 1) out[o++] = comma;
      } else o = this.#compute(bytes, out, o, instruction.compute);
    }
    out[o++] = lineFeed;
    this.#filled = o;
    this.#outRows += 1;
  }

  /** A cell with its quotes; `""` says nothing, as no quotes do (to COPY it would be an empty text, not NULL). */
  #copyCell(bytes: Buffer, out: Buffer, at: number, column: number): number {
    const from = this.#from[column] ?? 0;
    const to = this.#to[column] ?? 0;
    let o = at;
    if (to - from === 2 && bytes[from] === quote) return o;
    for (let i = from; i < to; i += 1) out[o++] = bytes[i] ?? 0;
    return o;
  }

  #compute(bytes: Buffer, out: Buffer, at: number, compute: Computed): number {
    switch (compute.kind) {
      case 'first': {
        for (const column of compute.columns) {
          const o = this.#copyCell(bytes, out, at, column);
          if (o > at) return o;
        }
        return at;
      }
      case 'word': {
        const word = compute.words.find(({ theirs }) => this.#isOneOf(bytes, compute.column, theirs));
        return at + (word?.ours ?? compute.other).copy(out, at);
      }
      case 'flags': {
        let o = at;
        for (const { column, name } of compute.flags) {
          if (this.#isOneOf(bytes, column, trueWords)) o += name.copy(out, o);
        }
        return o;
      }
      default:
        return unreachable(compute);
    }
  }
}

const deletions = [utf8('tobedeleted'), utf8('inactive')];
const trueWords = [utf8('true')];

/** What a quoted cell says. */
function unquoted(cell: Buffer): Buffer {
  const inner = cell.subarray(1, cell.length - 1);
  if (!inner.includes(quote)) return inner;
  const plain = Buffer.allocUnsafe(inner.length);
  let length = 0;
  for (let at = 0; at < inner.length; at += 1) {
    plain[length++] = inner[at] ?? 0;
    if (inner[at] === quote) at += 1;
  }
  return plain.subarray(0, length);
}
