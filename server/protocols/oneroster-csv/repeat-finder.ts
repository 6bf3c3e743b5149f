import { KeyedHash } from './keyed-hash.ts';

/** Most ids that are named; of more, nobody keeps them here. */
const mostNamed = 50_000;
/** 16 MiB of bits at most. */
const mostBits = 2 ** 27;
/** Lines have a hundred bytes and more: some twenty bits for each id. */
const bitsFor = (bytes: number) => Math.min(mostBits, Math.max(2 ** 12, 2 ** Math.ceil(Math.log2(bytes / 8 + 1))));
const probes = 4;

/**
 * Which of very many ids may have come twice, in memory that does not grow with them (a Bloom filter). Every id that did is among those named; of
 * those named, some did not: of seven million that come once about one in a thousand is named.
 */
export class RepeatFinder {
  readonly #hash = new KeyedHash();
  readonly #bits: Uint32Array;
  readonly #mask: number;
  readonly #named: string[] = [];
  #isOver = false;

  /** @param bytes of the file in which the ids stand */
  constructor(bytes: number) {
    const bits = bitsFor(bytes);
    this.#bits = new Uint32Array(bits / 32);
    this.#mask = bits - 1;
  }

  /** Takes the id in the bytes `from` to `to` (exclusive), UTF-8. */
  add(bytes: Buffer, from: number, to: number): void {
    this.#hash.of(bytes, from, to);
    let at = this.#hash.low;
    let isNew = false;
    for (let probe = 0; probe < probes; probe += 1) {
      const bit = at & this.#mask;
      const word = this.#bits[bit >>> 5] ?? 0;
      const mark = 1 << (bit & 31);
      if ((word & mark) === 0) {
        isNew = true;
        this.#bits[bit >>> 5] = word | mark;
      }
      at = (at + this.#hash.high) | 0;
    }
    if (isNew || this.#isOver) return;
    if (this.#named.length === mostNamed) this.#isOver = true;
    else this.#named.push(bytes.toString('utf8', from, to));
  }

  /** Ids that may have come twice; null: too many to name. */
  named(): readonly string[] | null {
    return this.#isOver ? null : this.#named;
  }
}
