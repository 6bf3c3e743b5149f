import { toCrosswalkError } from '#server/kernel/errors.ts';
import { Refused } from './refused.ts';

/** Runs a command; what a person must change is one sentence without a stack, anything else is shown whole. */
export async function endWithSentence(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    const problems = toCrosswalkError(error).details.problems;
    if (error instanceof Refused) process.stderr.write(`${error.message}\n`);
    else if (Array.isArray(problems)) process.stderr.write(`${problems.join('\n')}\n`);
    else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
}
