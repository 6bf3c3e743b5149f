import { isAscii, isUtf8 } from 'node:buffer';
import type { IdSet } from './id-set.ts';
import { LineCells } from './line-cells.ts';
import type { LineReason, SetAsideLine } from './problems.ts';
import { type CopyBlock, RowWriter } from './row-writer.ts';
import { type ScanPlan, utf8 } from './scan-plan.ts';

/**
 * Bytes of a CSV file in, bytes for PostgreSQL's `COPY … FROM STDIN (FORMAT csv)` out: `line,source_id,status,modified,<cells>`. RFC 4180
 * quoting, cell count, UTF-8, NUL and lengths are checked, columns cut and put in order, rows kept or left by a cell; the bytes
 * of a cell pass undecoded, with their quotes. Nothing is held but the line in hand.
 *
 * However the bytes are cut into chunks, the result is the same. What is wrong with a line costs that line, never the file:
 * - a line break inside quotes is read as a space (RFC 4180 §2.6 has it, OneRoster does not) and counted;
 * - where a quote is never closed, or closes where it cannot, only the line where it opened is set aside, and reading goes on behind it;
 * - a cell of more than 64 KiB is skipped to its end, through its closing quote if it has one, and never held.
 */

/** The longest cell and the longest line that are read, in bytes. */
export interface LineLimits {
  readonly cell: number;
  readonly line: number;
}

const defaultLimits: LineLimits = { cell: 65_536, line: 1_048_576 };
const keptSetAside = 10_000;
const longestSourceId = 255;

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
const space = 0x20;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const deletions = [utf8('tobedeleted'), utf8('inactive')];

/** Control characters and marks that turn the reading direction: no id has them (reference §15 allows far less). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unusableInId = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;

/** `lines`: the last byte is a line's end. `partial`: it is a guard behind a line that is not whole. `last`: the guard stands at the file's end. */
type Extent = 'lines' | 'partial' | 'last';

export class LineScanner {
  readonly #plan: ScanPlan;
  readonly #limits: LineLimits;
  readonly #cells: LineCells;
  readonly #writer: RowWriter;
  readonly #words: readonly { readonly column: number; readonly words: readonly Buffer[] }[];
  readonly #idFilters: readonly { readonly column: number; readonly sets: readonly IdSet[] }[];
  /** Cells that a line must have: the header's, but for trailing ones without a name. */
  readonly #needed: number;
  /** Bytes of a line that is not whole yet, with room for a guard. */
  #carry = Buffer.alloc(0);
  #carried = 0;
  #nextProbe: number;
  #line = 1;
  /** The header is not ours to read: it is skipped to its end. */
  #skip: 'nothing' | 'line' | 'quoted' = 'line';
  /** The last byte of a chunk was a quote inside a cell that is skipped: the next one tells what it was. */
  #quotePending = false;
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

  constructor(plan: ScanPlan, limits: LineLimits = defaultLimits) {
    this.#plan = plan;
    this.#limits = limits;
    this.#nextProbe = limits.cell;
    const width = plan.columns.length;
    this.#cells = new LineCells(width);
    this.#writer = new RowWriter(plan, this.#cells);
    this.#needed = plan.columns.findLastIndex((name) => name !== null) + 1;
    this.#words = plan.filters.flatMap((filter) =>
      filter.by === 'word'
        ? [{ column: filter.column, words: filter.words.map((word) => utf8(word.toLowerCase())) }]
        : [],
    );
    this.#idFilters = plan.filters.flatMap((filter) => (filter.by === 'id' ? [filter] : []));
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
    this.#nextProbe = this.#limits.cell;
    if (at < bytes.length) this.#keep(bytes.subarray(at));
  }

  /** The file has ended: what is left is its last line. */
  end(): void {
    if (this.#carried > 0) {
      this.#guard();
      this.#scan(this.#carry, 0, this.#carried + 1, 'last');
      this.#carried = 0;
    }
    this.#writer.flush();
  }

  /** The blocks that are ready since the last call. */
  take(): CopyBlock[] {
    return this.#writer.take();
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
    this.#nextProbe = this.#carried + this.#limits.cell;
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
    const { from, to } = this.#cells;
    const width = this.#plan.columns.length;
    const { cell: longestCell, line: longestLine } = this.#limits;
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
              control = true;
              i += 1;
            } else {
              if (byte === 0) nul = cell;
              if (byte < space) control = true;
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
            if (byte < space) {
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
          // At the guard nothing is known of the cell yet, not even whether it is in quotes.
          if (i > limit && !(i === begin && i === realEnd)) {
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
      const { collect, note } = this.#plan;
      if ((collect !== null || note !== null) && !(status && this.#cells.isOneOf(bytes, statusColumn, deletions))) {
        if (collect !== null) this.#cells.addTo(collect, bytes, this.#plan.sourceId);
        if (note !== null) note.in.note(this.#cells, bytes, note.columns);
      }
      this.#rows += 1;
      if (this.#plan.repeats !== null) this.#cells.addTo(this.#plan.repeats, bytes, this.#plan.sourceId);
      if (this.#plan.write) this.#writer.write(bytes, startLine, stop - start, quoted, breaks > 0);
    }
    return end;
  }

  /** Where the bytes are not UTF-8. */
  #notUtf8(bytes: Buffer, last: number): number | null {
    for (let cell = 0; cell <= last && cell < this.#plan.columns.length; cell += 1) {
      if (!isUtf8(bytes.subarray(this.#cells.from[cell] ?? 0, this.#cells.to[cell] ?? 0))) return cell;
    }
    return null;
  }

  #passes(bytes: Buffer): boolean {
    for (const filter of this.#words) {
      if (!this.#cells.isOneOf(bytes, filter.column, filter.words)) return false;
    }
    for (const filter of this.#idFilters) {
      if (!this.#cells.isInOneOf(bytes, filter.column, filter.sets)) return false;
    }
    return true;
  }

  #hasUsableIds(bytes: Buffer, line: number, isPlain: boolean): boolean {
    if (!this.#isUsableId(bytes, line, this.#plan.sourceId, isPlain)) return false;
    for (const column of this.#plan.ids) {
      if (!this.#isUsableId(bytes, line, column, isPlain)) return false;
    }
    return true;
  }

  #isUsableId(bytes: Buffer, line: number, column: number, isPlain: boolean): boolean {
    const isQuoted = this.#cells.isQuoted(bytes, column);
    const from = (this.#cells.from[column] ?? 0) + (isQuoted ? 1 : 0);
    const to = (this.#cells.to[column] ?? 0) - (isQuoted ? 1 : 0);
    if (
      to > from &&
      to - from <= longestSourceId &&
      (isPlain ? (bytes[from] ?? 0) > space : isGraphic(bytes, from, to))
    ) {
      return true;
    }
    const id = bytes.toString('utf8', from, to).replaceAll('""', isQuoted ? '"' : '""');
    if (id.trim() === '') {
      this.#setAsideLine(line, column, 'source-id-missing');
      return false;
    }
    if (id.length <= longestSourceId && !unusableInId.test(id)) return true;
    this.#setAsideLine(line, column, 'source-id-unusable');
    return false;
  }
}

/** Printable ASCII without spaces, which nearly every id is. */
function isGraphic(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte <= space || byte > 0x7e) return false;
  }
  return true;
}
