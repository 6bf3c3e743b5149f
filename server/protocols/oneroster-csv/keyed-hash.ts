import { randomBytes } from 'node:crypto';

/**
 * 64-bit keyed hashes of ids (HalfSipHash-2-4, Aumasson and Bernstein, as published with SipHash). The key is new for every instance, so
 * nobody can choose ids that collide.
 */
export class KeyedHash {
  /** The halves of the last hash, unsigned, never both zero: two fields, so that a look-up makes no object. */
  low = 0;
  high = 0;
  readonly #key0: number;
  readonly #key1: number;

  constructor() {
    const key = randomBytes(8);
    this.#key0 = key.readInt32LE(0);
    this.#key1 = key.readInt32LE(4);
  }

  /** Hashes the bytes `from` to `to` (exclusive). */
  of(bytes: Uint8Array, from: number, to: number): void {
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
    this.low = low >>> 0;
    // Never two zeros: they stand for a free slot.
    this.high = low === 0 && high === 0 ? 1 : high >>> 0;
  }
}
