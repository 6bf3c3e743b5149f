import { unreachable } from '#server/kernel/errors.ts';
import type { LineCells } from './line-cells.ts';
import { addedBytes, type Computed, compile, type Instruction, mostCopies, type ScanPlan, utf8 } from './scan-plan.ts';

const blockBytes = 131_072;
const comma = 0x2c;
const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const trueWords = [utf8('true')];

/** Whole lines for COPY. */
export interface CopyBlock {
  readonly copy: Buffer;
  readonly rows: number;
}

/** Writes lines as rows for COPY: runs of neighbouring cells are copied as they stand. */
export class RowWriter {
  readonly #cells: LineCells;
  readonly #program: readonly Instruction[];
  /** A row takes at most its line's bytes so many times, and so many more: computed cells, commas, the line's number. */
  readonly #copies: number;
  readonly #growth: number;
  #out = Buffer.alloc(0);
  #filled = 0;
  #rows = 0;
  #ready: CopyBlock[] = [];

  constructor(plan: ScanPlan, cells: LineCells) {
    this.#cells = cells;
    this.#program = compile(plan);
    this.#copies = mostCopies(plan);
    this.#growth = 20 + plan.cells.length + addedBytes(plan);
  }

  /**
   * Writes the line in hand. `length` in bytes; `quoted`: at least one of its cells is. `broken`: with line breaks in its values, which become
   * spaces: before version 18, PostgreSQL takes a line `\.` for the end of all data even inside quotes.
   */
  write(bytes: Buffer, line: number, length: number, quoted: boolean, broken: boolean): void {
    const room = length * this.#copies + this.#growth;
    if (this.#filled + room > this.#out.length) {
      this.flush();
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
          const to = this.#cells.to[instruction.last] ?? 0;
          for (let at = this.#cells.from[instruction.first] ?? 0; at < to; at += 1) out[o++] = bytes[at] ?? 0;
        }
      } else if (instruction.kind === 'commas') {
        for (let more = 1; more < instruction.count; more += 1) out[o++] = comma;
      } else o = this.#compute(bytes, out, o, instruction.compute);
    }
    if (broken) {
      for (let at = this.#filled; at < o; at += 1) {
        if (out[at] === lineFeed || out[at] === carriageReturn) out[at] = space;
      }
    }
    out[o++] = lineFeed;
    this.#filled = o;
    this.#rows += 1;
  }

  /** A cell with its quotes; `""` says nothing, as no quotes do (to COPY it would be an empty text, not NULL). */
  #copyCell(bytes: Buffer, out: Buffer, at: number, column: number): number {
    const from = this.#cells.from[column] ?? 0;
    const to = this.#cells.to[column] ?? 0;
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
        const word = compute.words.find(({ theirs }) => this.#cells.isOneOf(bytes, compute.column, theirs));
        return at + (word?.ours ?? compute.other).copy(out, at);
      }
      case 'flags': {
        let o = at;
        for (const { column, name } of compute.flags) {
          if (this.#cells.isOneOf(bytes, column, trueWords)) o += name.copy(out, o);
        }
        return o;
      }
      case 'book':
        return at + (compute.book.csvOf(this.#cells, bytes, compute.column)?.copy(out, at) ?? 0);
      default:
        return unreachable(compute);
    }
  }

  /** Makes a block of what is left. */
  flush(): void {
    if (this.#filled === 0) return;
    this.#ready.push({ copy: this.#out.subarray(0, this.#filled), rows: this.#rows });
    this.#out = Buffer.alloc(0);
    this.#filled = 0;
    this.#rows = 0;
  }

  /** The blocks that are ready since the last call. */
  take(): CopyBlock[] {
    const ready = this.#ready;
    if (ready.length > 0) this.#ready = [];
    return ready;
  }
}
