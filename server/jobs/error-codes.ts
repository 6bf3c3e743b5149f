import { errorCodes } from '#server/kernel/errors.ts';

/** What can go wrong with a run itself, beside the codes of the work that it does. */
export const jobErrorCodes = [
  /** Its calls ended without an answer again and again: something in it kills its worker. */
  'job-interrupted',
  /** It used a kind of step, or a condition of waitForEvent, that the embedded executor does not have. */
  'job-step-unsupported',
  'job-answer-unreadable',
  'job-function-unknown',
  'job-run-skipped',
  'job-invoke-timed-out',
  'cancelled-by-event',
  'replaced',
  'start-timed-out',
  'finish-timed-out',
] as const;

const known: ReadonlySet<string> = new Set([...Object.keys(errorCodes), ...jobErrorCodes]);

/** True for a text that may stand in `jobs.run.error_code`: a code of the house, never a message of somebody else's. */
export function isErrorCode(text: string): boolean {
  return known.has(text);
}
