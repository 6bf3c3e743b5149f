import { z } from 'zod';
import { type RosterCollection, rosterCollections } from './collections.ts';

/** What a threshold weighs: records gone, records changed, one identity field changed in many records at once. */
export const guardKinds = ['gone', 'changed', 'field'] as const;

/**
 * A threshold. A run is held where more than `share` (0 to 1) of the known records are concerned and at least `atLeast` of them. The most
 * specific rule decides: collection and site, then collection, then site, then neither.
 */
export const guardRuleSchema = z.object({
  collection: z.enum(rosterCollections).nullable(),
  /** `roster_site.source_id`; null: each site is weighed, and all together. */
  site: z.string().nullable(),
  kind: z.enum(guardKinds),
  share: z.number().min(0).max(1),
  atLeast: z.int().min(1),
});
export type GuardRule = z.infer<typeof guardRuleSchema>;

/** DESIGN.md §5, "guard": more than 10 % gone or more than 75 % changed; and half of the names at once. */
export const defaultRules: readonly GuardRule[] = [
  { collection: null, site: null, kind: 'gone', share: 0.1, atLeast: 1 },
  { collection: null, site: null, kind: 'changed', share: 0.75, atLeast: 1 },
  { collection: null, site: null, kind: 'field', share: 0.5, atLeast: 10 },
];

/** Part of what was previewed and approved that a first sync must bring. */
export const firstShare = 0.9;

/** Known records of one collection and site (null: of no site, or all together), and how many of them a run would touch. */
export interface Weighed {
  readonly collection: RosterCollection;
  readonly site: string | null;
  /** Of terms that begin later alone: next year's timetable is made and unmade, and weighed by itself. */
  readonly upcoming: boolean;
  /** Known, not gone, of no ended term. */
  readonly known: number;
  readonly gone: number;
  readonly changed: number;
  /** How often each identity field changes. */
  readonly fields: Readonly<Record<string, number>>;
}

export const heldReasonSchema = z.object({
  collection: z.enum(rosterCollections),
  site: z.string().nullable(),
  /** Of terms that begin later. */
  upcoming: z.boolean().default(false),
  /**
   * Besides the thresholds: `reused` (an id now names somebody else), `first` (a first sync brings less than was approved), `after-undo` (an
   * undo was made, so that the next run is looked at).
   */
  kind: z.enum([...guardKinds, 'reused', 'first', 'after-undo']),
  field: z.string().nullable(),
  count: z.int(),
  of: z.int(),
  /** The share above which (for `first`: below which) it is held. */
  limit: z.number(),
});
export type HeldReason = z.infer<typeof heldReasonSchema>;

const planCountsSchema = z.object({
  added: z.int(),
  changed: z.int(),
  returned: z.int(),
  unchanged: z.int(),
  missing: z.int(),
  gone: z.int(),
  /** Ids under which the source now tells of another person. */
  reused: z.int(),
});
export type PlanCounts = z.infer<typeof planCountsSchema>;

/** What is kept of a held run: reasons and counts. The rows of the diff are `held_change`, within the school's own walls. */
export const heldPlanSchema = z.object({
  /** Names exactly what a person would say yes to: another diff is another question. */
  fingerprint: z.string(),
  reasons: z.array(heldReasonSchema),
  collections: z.partialRecord(z.enum(rosterCollections), planCountsSchema),
});
export type HeldPlan = z.infer<typeof heldPlanSchema>;

/** The rule that decides for a collection, a site and a kind. Later rules of the same aim win, the school's own stand behind the defaults. */
export function ruleFor(
  rules: readonly GuardRule[],
  of: { collection: RosterCollection; site: string | null; kind: GuardRule['kind'] },
): GuardRule | null {
  let best: GuardRule | null = null;
  let bestRank = -1;
  for (const rule of rules) {
    if (rule.kind !== of.kind) continue;
    if (rule.collection !== null && rule.collection !== of.collection) continue;
    if (rule.site !== null && rule.site !== of.site) continue;
    const rank = (rule.collection === null ? 0 : 2) + (rule.site === null ? 0 : 1);
    if (rank >= bestRank) {
      best = rule;
      bestRank = rank;
    }
  }
  return best;
}

/** Which thresholds a plan is beyond. Streams are derived from what is weighed already. Pure. */
export function weigh(weighed: readonly Weighed[], own: readonly GuardRule[] = []): HeldReason[] {
  const rules = [...defaultRules, ...own];
  const reasons: HeldReason[] = [];
  for (const part of weighed) {
    const { collection, site, upcoming, known } = part;
    if (known === 0) continue;
    const look = (kind: GuardRule['kind'], count: number, field: string | null) => {
      const rule = ruleFor(rules, { collection, site, kind });
      if (rule === null || count < rule.atLeast || count / known <= rule.share) return;
      reasons.push({ collection, site, upcoming, kind, field, count, of: known, limit: rule.share });
    };
    look('gone', part.gone, null);
    look('changed', part.changed, null);
    for (const [field, count] of Object.entries(part.fields)) look('field', count, field);
  }
  return reasons;
}
