/**
 * A small keyed pseudo-random generator. Everything the sandbox invents is a function of a text key, so that any record
 * can be made again without making the ones before it, and the same seed gives the same school on every machine.
 */

/** A stream of numbers that depends on nothing but the key it was made from. */
export type Prng = {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number in [0, bound). */
  int(bound: number): number;
  /** One item of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  /** True with the given probability. */
  chance(probability: number): boolean;
};

/** The state of a key that has been begun: what follows is hashed as if the whole key had been given at once. */
export type KeyStart = Int32Array;

const ORIGIN = Int32Array.of(1779033703, 3144134277, 1013904242, 2773480762);
/** The state that the functions below work on; one for all, since none of them is left half done. */
const state = new Int32Array(4);

function absorb(text: string): void {
  let h1 = state[0] ?? 0;
  let h2 = state[1] ?? 0;
  let h3 = state[2] ?? 0;
  let h4 = state[3] ?? 0;
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    h1 = h2 ^ Math.imul(h1 ^ k, 597399067);
    h2 = h3 ^ Math.imul(h2 ^ k, 2869860233);
    h3 = h4 ^ Math.imul(h3 ^ k, 951274213);
    h4 = h1 ^ Math.imul(h4 ^ k, 2716044179);
  }
  state[0] = h1;
  state[1] = h2;
  state[2] = h3;
  state[3] = h4;
}

function finish(): void {
  let h1 = state[0] ?? 0;
  let h2 = state[1] ?? 0;
  let h3 = state[2] ?? 0;
  let h4 = state[3] ?? 0;
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597399067);
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2869860233);
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951274213);
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2716044179);
  h1 ^= h2 ^ h3 ^ h4;
  state[0] = h1;
  state[1] = h2 ^ h1;
  state[2] = h3 ^ h1;
  state[3] = h4 ^ h1;
}

function run(start: KeyStart, rest: string, end: string): void {
  state.set(start);
  absorb(rest);
  if (end !== '') absorb(end);
  finish();
}

/** Begins a key that many keys share, so that its text is hashed once. */
export function startKey(text: string): KeyStart {
  state.set(ORIGIN);
  absorb(text);
  return state.slice();
}

/** 128 bits from a text: cyrb128, a public-domain mixing function by bryc. */
export function hash128(text: string): readonly [number, number, number, number] {
  run(ORIGIN, text, '');
  return [(state[0] ?? 0) >>> 0, (state[1] ?? 0) >>> 0, (state[2] ?? 0) >>> 0, (state[3] ?? 0) >>> 0];
}

/** A whole number in [0, bound) that depends on the key alone. */
export function draw(key: string, bound: number): number {
  return drawAfter(ORIGIN, key, bound);
}

/** `draw` of a begun key, its rest and an end. */
export function drawAfter(start: KeyStart, rest: string, bound: number, end = ''): number {
  run(start, rest, end);
  return ((state[0] ?? 0) >>> 0) % bound;
}

/** `draw` of a key that begins otherwise every time and always ends alike. */
export function drawWithEnd(key: string, end: string, bound: number): number {
  return drawAfter(ORIGIN, key, bound, end);
}

const quads = Array.from({ length: 65_536 }, (_, n) => n.toString(16).padStart(4, '0'));
const quad = (n: number): string => quads[n & 0xffff] ?? '';

/** A UUID-shaped identifier (version 4 bits set) that depends on the key alone. */
export function uuidFor(key: string): string {
  return uuidAfter(ORIGIN, key);
}

/** `uuidFor` of a begun key and its rest. */
export function uuidAfter(start: KeyStart, rest: string): string {
  run(start, rest, '');
  const a = state[0] ?? 0;
  const b = state[1] ?? 0;
  const c = state[2] ?? 0;
  const d = state[3] ?? 0;
  const version = (b & 0x0fff) | 0x4000;
  const variant = ((c >>> 16) & 0x3fff) | 0x8000;
  return `${quad(a >>> 16)}${quad(a)}-${quad(b >>> 16)}-${quad(version)}-${quad(variant)}-${quad(c)}${quad(d >>> 16)}${quad(d)}`;
}

/** A generator for one key: sfc32, seeded with the key's 128 bits. */
export function prngFor(key: string): Prng {
  let [a, b, c, d] = hash128(key);
  const next = (): number => {
    a |= 0;
    b |= 0;
    c |= 0;
    d |= 0;
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  const int = (bound: number): number => Math.floor(next() * bound);
  return {
    next,
    int,
    pick: (list) => at(list, int(list.length)),
    chance: (probability) => next() < probability,
  };
}

/** The item at an index that must exist. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`no item ${index} in a list of ${list.length}`);
  return item;
}
