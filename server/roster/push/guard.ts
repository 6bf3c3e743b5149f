import { z } from 'zod';

/** Of one entity: what is ours over there and lives, and how much of it a push would take away or change. */
export interface WeighedPush {
  readonly entity: string;
  readonly known: number;
  readonly leaving: number;
  readonly changed: number;
}

/** Why a push waits for a person. `settings`: it is the first one, or the first after the settings were changed. */
export const pushHeldSchema = z.object({
  /** Names the plan that was shown: another one is another question. */
  mark: z.string(),
  reasons: z.array(
    z.object({
      kind: z.enum(['first', 'settings', 'leaving', 'changed', 'ending']),
      entity: z.string().nullable(),
      count: z.int(),
      of: z.int(),
      limit: z.number(),
    }),
  ),
});
export type PushHeld = z.infer<typeof pushHeldSchema>;

/** Which thresholds a plan is beyond: by default more than 10 % leaving or more than 75 % changed of one entity. Pure. */
export function weighPush(
  weighed: readonly WeighedPush[],
  limits: { readonly leaving: number; readonly changed: number },
): PushHeld['reasons'] {
  return weighed.flatMap(({ entity, known, leaving, changed }) => {
    const look = (kind: 'leaving' | 'changed', count: number, limit: number): PushHeld['reasons'] =>
      known > 0 && count > 0 && count / known > limit ? [{ kind, entity, count, of: known, limit }] : [];
    return [...look('leaving', leaving, limits.leaving), ...look('changed', changed, limits.changed)];
  });
}
