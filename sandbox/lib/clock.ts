/** Time as a sandbox program sees it: the machine's, moved by what a test asks for. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Moves this program's time forward (or back), so that a test need not wait for a token to end. */
  advance(milliseconds: number): void;
};

/** A clock that starts at the machine's time. */
export function createClock(): Clock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    advance: (milliseconds) => {
      offset += milliseconds;
    },
  };
}
