import type { PushChange, PushOutcome, PushProblem } from '#server/connectors/push-contract.ts';

type Named = Pick<PushChange, 'key'>;
type Details = PushOutcome['details'];

export const done = (
  change: Named,
  foreignId: number | null,
  name: string | null = null,
  details: Details = {},
): PushOutcome => ({
  key: change.key,
  outcome: 'done',
  foreignId: foreignId === null ? null : String(foreignId),
  name,
  problem: null,
  details,
});

export const refused = (change: Named, problem: PushProblem, details: Details = {}): PushOutcome => ({
  key: change.key,
  outcome: 'refused',
  foreignId: null,
  name: null,
  problem,
  details,
});

/** Not tried any more within this call, or not known what became of it. */
export const unknown = (change: Named): PushOutcome => ({
  key: change.key,
  outcome: 'unknown',
  foreignId: null,
  name: null,
  problem: null,
  details: {},
});

/** An id over there as the number that it is; null where it is not known or none. */
export const idOf = (foreignId: string | null | undefined): number | null =>
  foreignId !== null && foreignId !== undefined && /^[1-9]\d{0,15}$/.test(foreignId) ? Number(foreignId) : null;
