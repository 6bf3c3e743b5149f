import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type RosterCollection, rosterCollections } from './collections.ts';
import type { CollectionPlan } from './plan.ts';

/** Shares above which a run is held for a person to look at (DESIGN.md §5, "guard"). */
export interface Thresholds {
  readonly goneShare: number;
  readonly changedShare: number;
}
export const defaultThresholds: Thresholds = { goneShare: 0.1, changedShare: 0.75 };

/** What is kept of a held run: counts, and names of a few records, none of which is a person. */
export const heldPlanSchema = z.object({
  fingerprint: z.string(),
  reasons: z.array(
    z.object({
      collection: z.enum(rosterCollections),
      kind: z.enum(['gone', 'changed']),
      count: z.int(),
      of: z.int(),
      /** The share above which it is held. */
      limit: z.number(),
    }),
  ),
  collections: z.partialRecord(
    z.enum(rosterCollections),
    z.object({
      added: z.int(),
      changed: z.int(),
      returned: z.int(),
      unchanged: z.int(),
      missing: z.int(),
      gone: z.int(),
      /** Names as they rest in the roster, at most twenty of each. */
      goneNames: z.array(z.string()),
      changedNames: z.array(z.string()),
    }),
  ),
});
export type HeldPlan = z.infer<typeof heldPlanSchema>;

export type Plan = ReadonlyMap<RosterCollection, CollectionPlan>;

/** Which shares of a plan are beyond the thresholds. Streams are derived from what is weighed already. Pure. */
export function weigh(plan: Plan, thresholds: Thresholds = defaultThresholds): HeldPlan['reasons'] {
  const reasons: HeldPlan['reasons'] = [];
  for (const [collection, { weighed }] of plan) {
    if (collection === 'streams' || weighed.known === 0) continue;
    const { known: of, gone, changed } = weighed;
    if (gone / of > thresholds.goneShare) {
      reasons.push({ collection, kind: 'gone', count: gone, of, limit: thresholds.goneShare });
    }
    if (changed / of > thresholds.changedShare) {
      reasons.push({ collection, kind: 'changed', count: changed, of, limit: thresholds.changedShare });
    }
  }
  return reasons;
}

/** Names exactly what a person would say yes to: which records change and go, so that another diff is another question. */
export function fingerprintOf(plan: Plan): string {
  const hash = createHash('sha256');
  for (const collection of [...plan.keys()].sort()) {
    const of = plan.get(collection);
    hash.update(JSON.stringify([collection, of?.gone ?? [], of?.changed ?? [], of?.added.length ?? 0]));
  }
  return hash.digest('base64url');
}
