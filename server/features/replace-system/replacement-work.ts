import type { Context } from '#server/kernel/context.ts';
import { type CarriedOut, carryOut, giveBack, type ReplacementKey } from './carry-out.ts';

/** The steps of a replacement's job: ids and words in and out. */
export interface ReplacementWork {
  carryOut(of: ReplacementKey & { readonly runId: string }): Promise<CarriedOut>;
  giveBack(of: ReplacementKey & { readonly runId: string }, code: string): Promise<void>;
}

/** @param contextOf a job's context as the web role, acting as this run */
export function createReplacementWork(contextOf: (runId: string) => Context): ReplacementWork {
  return {
    carryOut: ({ runId, ...of }) => carryOut(contextOf(runId), of),
    giveBack: ({ runId, ...of }, code) => giveBack(contextOf(runId), of, code),
  };
}
