/** Time as an argument: what depends on "now" takes a clock, so that a test sets it. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** A clock that a test moves by hand. */
export function fixedClock(
  start: Date | string,
): Clock & { advance(milliseconds: number): void; set(to: Date | string): void } {
  let current = new Date(start);
  return {
    now: () => new Date(current),
    advance: (milliseconds) => {
      current = new Date(current.getTime() + milliseconds);
    },
    set: (to) => {
      current = new Date(to);
    },
  };
}
