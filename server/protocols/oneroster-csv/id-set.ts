import { randomBytes } from 'node:crypto';

/**
 * A set of ids that holds no id: 64-bit keyed hashes (HalfSipHash-2-4, Aumasson and Bernstein, as published with SipHash) in two typed
 * arrays, open addressing. A million ids take 16 MiB. Two ids are taken for one with a probability of about n / 2^64; the key is
 * new for every set, so nobody can choose ids that collide.
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
  readonly #key0: number;
  readonly #key1: number;
  /** The halves of the last hash: two fields, so that a look-up makes no object. */
  #hashLow = 0;
  #hashHigh = 0;

  constructor(withValues: boolean) {
    this.#values = withValues ? new Int32Array(1024) : null;
    const key = randomBytes(8);
    this.#key0 = key.readInt32LE(0);
    this.#key1 = key.readInt32LE(4);
  }

  addText(id: string): void {
    const bytes = Buffer.from(id, 'utf8');
    this.add(bytes, 0, bytes.length);
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    this.#hash(bytes, from, to);
    const slot = this.#slotOf(this.#hashLow, this.#hashHigh);
    if (this.#isFree(slot)) this.#take(slot);
  }

  set(bytes: Uint8Array, from: number, to: number, value: number): void {
    this.#hash(bytes, from, to);
    const slot = this.#slotOf(this.#hashLow, this.#hashHigh);
    if (this.#values !== null) this.#values[slot] = value;
    if (this.#isFree(slot)) this.#take(slot);
  }

  get(bytes: Uint8Array, from: number, to: number): number {
    this.#hash(bytes, from, to);
    const slot = this.#slotOf(this.#hashLow, this.#hashHigh);
    return this.#isFree(slot) ? -1 : (this.#values?.[slot] ?? -1);
  }

  #take(slot: number): void {
    this.#low[slot] = this.#hashLow;
    this.#high[slot] = this.#hashHigh;
    this.size += 1;
    if (this.size * 3 > this.#low.length * 2) this.#grow();
  }

  has(bytes: Uint8Array, from: number, to: number): boolean {
    this.#hash(bytes, from, to);
    return !this.#isFree(this.#slotOf(this.#hashLow, this.#hashHigh));
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

  #hash(bytes: Uint8Array, from: number, to: number): void {
    let v0 = this.#key0;
    let v1 = this.#key1 ^ 0xee;
    let v2 = 0x6c796765 ^ this.#key0;
    let v3 = 0x74656462 ^ this.#key1;
    const length = to - from;
    const whole = from + (length & ~3);
    // Words of the message, then the tail with the length (2 rounds each), then the two finalisations (4 rounds each).
    for (let at = from; at <= whole; at += 4) {
      let word: number;
      if (at < whole) {
        word =
          (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
      } else {
        word = length << 24;
        for (let rest = at; rest < to; rest += 1) word |= (bytes[rest] ?? 0) << ((rest - at) * 8);
      }
      v3 ^= word;
      for (let round = 0; round < 2; round += 1) {
        v0 = (v0 + v1) | 0;
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
        v0 = (v0 << 16) | (v0 >>> 16);
        v2 = (v2 + v3) | 0;
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
        v2 = (v2 << 16) | (v2 >>> 16);
      }
      v0 ^= word;
    }
    v2 ^= 0xee;
    let low = 0;
    for (let round = 0; round < 8; round += 1) {
      if (round === 4) {
        low = v1 ^ v3;
        v1 ^= 0xdd;
      }
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    const high = v1 ^ v3;
    this.#hashLow = low >>> 0;
    // A free slot is two zeros.
    this.#hashHigh = low === 0 && high === 0 ? 1 : high >>> 0;
  }
}
