import type { MoodleSession } from '#server/connectors/moodle/client.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';

/** Refusals that concern what was sent and may concern one row of it alone. */
const rightsOfOne = new Set(['nopermissions', 'errorcoursecontextnotvalid', 'requireloginerror']);

/** Failures of the site that say nothing of a row, unless its neighbours were taken. */
const ofTheSite = new Set([
  '',
  'dmlwriteexception',
  'dmlreadexception',
  'dmltransactionexception',
  'generalexceptionmessage',
]);

/** The code with which Moodle refused what was sent, or null where the call failed by something else. */
export function refusalOf(error: unknown): string | null {
  if (!isCrosswalkError(error)) return null;
  const code = typeof error.details.foreignCode === 'string' ? error.details.foreignCode : '';
  if (error.code === 'foreign-answer-unreadable' && error.details.problem === 'unknown-error') return code;
  return error.code === 'rights-missing' && rightsOfOne.has(code) ? code : null;
}

/** When a call of `deliver` stops beginning anything new. */
export interface Deadline {
  readonly isOver: () => boolean;
}
export function deadlineOf(session: MoodleSession): Deadline {
  const end = session.clock.now().getTime() + 35_000;
  return { isOver: () => session.clock.now().getTime() >= end };
}

export interface Sent<T> {
  /** With the code of each. */
  readonly refused: ReadonlyMap<T, string>;
  /** No time was left for these. */
  readonly unsent: ReadonlySet<T>;
}

/**
 * Sends rows that Moodle takes all or none of. A refused list is halved until the rows are found that it was refused for, so that the others are
 * taken.
 * @throws CrosswalkError whatever is no refusal, and a refusal of every single row that can only lie in the site or in the rights
 */
export async function sendHalving<T>(
  deadline: Deadline,
  rows: readonly T[],
  send: (rows: readonly T[]) => Promise<void>,
): Promise<Sent<T>> {
  const refused = new Map<T, string>();
  const unsent = new Set<T>();
  let last: unknown = null;
  const attempt = async (part: readonly T[]): Promise<void> => {
    if (part.length === 0) return;
    if (deadline.isOver()) {
      for (const row of part) unsent.add(row);
      return;
    }
    try {
      await send(part);
    } catch (error) {
      const code = refusalOf(error);
      if (code === null) throw error;
      last = error;
      const [only] = part;
      if (part.length === 1 && only !== undefined) {
        refused.set(only, code);
        return;
      }
      const middle = Math.ceil(part.length / 2);
      await attempt(part.slice(0, middle));
      await attempt(part.slice(middle));
    }
  };
  await attempt(rows);
  if (refused.size > 0 && refused.size === rows.length) {
    const codes = [...refused.values()];
    if (codes.every((code) => code === 'nopermissions')) throw last;
    if (codes.every((code) => ofTheSite.has(code))) {
      throw new CrosswalkError('foreign-unavailable', { details: { foreignCode: codes[0] ?? '' }, cause: last });
    }
  }
  return { refused, unsent };
}
