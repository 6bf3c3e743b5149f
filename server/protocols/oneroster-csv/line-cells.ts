import type { IdMap, IdSet } from './id-set.ts';
import type { RepeatFinder } from './repeat-finder.ts';

const quote = 0x22;

/** Where the cells of the line in hand stand among its bytes, with their quotes, and what may be asked of one without decoding it. */
export class LineCells {
  readonly from: Int32Array;
  readonly to: Int32Array;

  constructor(width: number) {
    this.from = new Int32Array(width);
    this.to = new Int32Array(width);
  }

  isQuoted(bytes: Buffer, column: number): boolean {
    return bytes[this.from[column] ?? 0] === quote && (this.to[column] ?? 0) > (this.from[column] ?? 0);
  }

  /** The cell is one of these words (lower case), case and spaces around aside. */
  isOneOf(bytes: Buffer, column: number, words: readonly Buffer[]): boolean {
    let from = this.from[column] ?? 0;
    let to = this.to[column] ?? 0;
    if (this.isQuoted(bytes, column)) {
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

  /** The cell is an id in one of these sets. */
  isInOneOf(bytes: Buffer, column: number, sets: readonly IdSet[]): boolean {
    const from = this.from[column] ?? 0;
    const to = this.to[column] ?? 0;
    if (!this.isQuoted(bytes, column)) return sets.some((set) => set.has(bytes, from, to));
    const plain = unquoted(bytes.subarray(from, to));
    return sets.some((set) => set.has(plain, 0, plain.length));
  }

  /** What the cell says. */
  text(bytes: Buffer, column: number): string {
    const from = this.from[column] ?? 0;
    const to = this.to[column] ?? 0;
    if (to === from) return '';
    if (!this.isQuoted(bytes, column)) return bytes.toString('utf8', from, to);
    return unquoted(bytes.subarray(from, to)).toString('utf8');
  }

  /** The number of the id in the cell; -1: it is not there. */
  valueIn(map: IdMap, bytes: Buffer, column: number): number {
    const from = this.from[column] ?? 0;
    const to = this.to[column] ?? 0;
    if (!this.isQuoted(bytes, column)) return map.get(bytes, from, to);
    const plain = unquoted(bytes.subarray(from, to));
    return map.get(plain, 0, plain.length);
  }

  setIn(map: IdMap, bytes: Buffer, column: number, value: number): void {
    const from = this.from[column] ?? 0;
    const to = this.to[column] ?? 0;
    if (this.isQuoted(bytes, column)) {
      const plain = unquoted(bytes.subarray(from, to));
      map.set(plain, 0, plain.length, value);
    } else map.set(bytes, from, to, value);
  }

  /** Puts the id in the cell into a set, or before a finder. */
  addTo(into: Pick<RepeatFinder, 'add'>, bytes: Buffer, column: number): void {
    const from = this.from[column] ?? 0;
    const to = this.to[column] ?? 0;
    if (this.isQuoted(bytes, column)) {
      const plain = unquoted(bytes.subarray(from, to));
      into.add(plain, 0, plain.length);
    } else into.add(bytes, from, to);
  }
}

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
