import { KeyedHash } from './keyed-hash.ts';

/**
 * A set of ids that holds no id: 64-bit keyed hashes (`KeyedHash`) in two typed arrays, open addressing. A million ids take 16 MiB. Two ids are
 * taken for one with a probability of about n / 2^64.
 */
export interface IdSet {
  readonly size: number;
  /** The bytes `from` to `to` (exclusive) of `bytes`, UTF-8. */
  add(bytes: Uint8Array, from: number, to: number): void;
  has(bytes: Uint8Array, from: number, to: number): boolean;
  addText(id: string): void;
}

/** The same with a number for each id, 0 to 2^31 - 1; four bytes more. */
export interface IdMap extends IdSet {
  set(bytes: Uint8Array, from: number, to: number, value: number): void;
  /** -1: not there. */
  get(bytes: Uint8Array, from: number, to: number): number;
}

export function createIdSet(): IdSet {
  return new HashedIds(false);
}

export function createIdMap(): IdMap {
  return new HashedIds(true);
}

class HashedIds implements IdMap {
  size = 0;
  #low = new Uint32Array(1024);
  #high = new Uint32Array(1024);
  #values: Int32Array | null;
  readonly #hash = new KeyedHash();

  constructor(withValues: boolean) {
    this.#values = withValues ? new Int32Array(1024) : null;
  }

  addText(id: string): void {
    const bytes = Buffer.from(id, 'utf8');
    this.add(bytes, 0, bytes.length);
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    this.#hash.of(bytes, from, to);
    const slot = this.#slotOf(this.#hash.low, this.#hash.high);
    if (this.#isFree(slot)) this.#take(slot);
  }

  set(bytes: Uint8Array, from: number, to: number, value: number): void {
    this.#hash.of(bytes, from, to);
    const slot = this.#slotOf(this.#hash.low, this.#hash.high);
    if (this.#values !== null) this.#values[slot] = value;
    if (this.#isFree(slot)) this.#take(slot);
  }

  get(bytes: Uint8Array, from: number, to: number): number {
    this.#hash.of(bytes, from, to);
    const slot = this.#slotOf(this.#hash.low, this.#hash.high);
    return this.#isFree(slot) ? -1 : (this.#values?.[slot] ?? -1);
  }

  #take(slot: number): void {
    this.#low[slot] = this.#hash.low;
    this.#high[slot] = this.#hash.high;
    this.size += 1;
    if (this.size * 3 > this.#low.length * 2) this.#grow();
  }

  has(bytes: Uint8Array, from: number, to: number): boolean {
    this.#hash.of(bytes, from, to);
    return !this.#isFree(this.#slotOf(this.#hash.low, this.#hash.high));
  }

  #isFree(slot: number): boolean {
    return this.#low[slot] === 0 && this.#high[slot] === 0;
  }

  #slotOf(low: number, high: number): number {
    const mask = this.#low.length - 1;
    let slot = low & mask;
    while (!this.#isFree(slot) && (this.#low[slot] !== low || this.#high[slot] !== high)) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const low = this.#low;
    const high = this.#high;
    const values = this.#values;
    this.#low = new Uint32Array(low.length * 2);
    this.#high = new Uint32Array(high.length * 2);
    if (values !== null) this.#values = new Int32Array(values.length * 2);
    for (let index = 0; index < low.length; index += 1) {
      const oneLow = low[index] ?? 0;
      const oneHigh = high[index] ?? 0;
      if (oneLow === 0 && oneHigh === 0) continue;
      const slot = this.#slotOf(oneLow, oneHigh);
      this.#low[slot] = oneLow;
      this.#high[slot] = oneHigh;
      if (this.#values !== null) this.#values[slot] = values?.[index] ?? 0;
    }
  }
}
