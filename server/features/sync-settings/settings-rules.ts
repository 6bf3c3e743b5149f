import { z } from 'zod';
import { defaultRules, type GuardRule, guardRuleSchema } from '#server/roster/guard.ts';

/** What may be chosen for a system's syncs, and what is wrong with a choice. No database here, so that the page may import it. */

/** Once a night, soon after 1 a.m. in the school's time zone (`across.systems_due_for_sync`). */
export const nightly = 1440;
/** Minutes between runs by schedule. */
export const intervals = [15, 30, 60, 120, 240, nightly] as const;
/** Hours between full runs; 0: every run is a full one. */
export const fullEvery = [0, 12, 24, 48, 168] as const;
export const defaultSchedule = { intervalMinutes: 120, fullEveryHours: 24 } as const;

export const mostBlackouts = 60;
export const mostRules = 60;
/** Shorter gaps between terms are a weekend. */
const shortestBreakDays = 4;

/** Collections that a threshold can be set for: streams are derived from what is weighed already. */
export const weighedCollections = {
  sis: [
    'sites',
    'terms',
    'subjects',
    'groups',
    'classes',
    'teachers',
    'students',
    'guardians',
    'enrolments',
    'demographics',
  ],
  lms: ['courses'],
} as const;

export const blackoutSchema = z.object({
  from: z.string().max(40),
  until: z.string().max(40),
  label: z.string().max(120),
});
export type Blackout = z.infer<typeof blackoutSchema>;

/** A rule as it was typed: what is wrong with it is said in words, not by its schema. */
export const typedRuleSchema = guardRuleSchema.extend({ share: z.number(), atLeast: z.number() });

export const settingsProblems = [
  'day-unknown',
  'label-missing',
  'reversed',
  'overlaps',
  'too-many',
  'share-range',
  'count-range',
  'site-unknown',
  'collection-unknown',
  'rule-twice',
] as const;
export type SettingsProblem = (typeof settingsProblems)[number];

/** `path` is the place in the form: `1.until`. */
export interface FoundProblem {
  readonly path: string;
  readonly problem: SettingsProblem;
}

const dayMilliseconds = 86_400_000;
/** Days since 1970, or null where it is no day of the calendar. */
function dayNumber(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text ? null : at / dayMilliseconds;
}
const dayText = (day: number) => new Date(day * dayMilliseconds).toISOString().slice(0, 10);

/** What is wrong with a list of days without syncs. Both ends count. Pure. */
export function problemsOfBlackouts(blackouts: readonly Blackout[]): FoundProblem[] {
  const problems: FoundProblem[] = [];
  if (blackouts.length > mostBlackouts) problems.push({ path: '', problem: 'too-many' });
  const spans = blackouts.map(({ from, until, label }, index) => {
    const [first, last] = [dayNumber(from), dayNumber(until)];
    if (label.trim() === '') problems.push({ path: `${index}.label`, problem: 'label-missing' });
    if (first === null) problems.push({ path: `${index}.from`, problem: 'day-unknown' });
    if (last === null) problems.push({ path: `${index}.until`, problem: 'day-unknown' });
    if (first === null || last === null) return null;
    if (last < first) {
      problems.push({ path: `${index}.until`, problem: 'reversed' });
      return null;
    }
    return { first, last };
  });
  spans.forEach((span, index) => {
    if (span === null) return;
    const earlier = spans
      .slice(0, index)
      .some((other) => other !== null && other.first <= span.last && span.first <= other.last);
    if (earlier) problems.push({ path: `${index}.from`, problem: 'overlaps' });
  });
  return problems;
}

const aimOf = ({ collection, site, kind }: Pick<GuardRule, 'collection' | 'site' | 'kind'>) =>
  JSON.stringify([collection, site, kind]);

/** What is wrong with a school's own thresholds. `sites` are the source ids that the system has. Pure. */
export function problemsOfRules(
  rules: readonly GuardRule[],
  of: { readonly kind: 'sis' | 'lms'; readonly sites: ReadonlySet<string> },
): FoundProblem[] {
  const problems: FoundProblem[] = [];
  if (rules.length > mostRules) problems.push({ path: '', problem: 'too-many' });
  const seen = new Set<string>();
  const collections: readonly string[] = weighedCollections[of.kind];
  rules.forEach((rule, index) => {
    const { collection, site, share, atLeast } = rule;
    if (collection !== null && !collections.includes(collection))
      problems.push({ path: `${index}.collection`, problem: 'collection-unknown' });
    if (site !== null && !of.sites.has(site)) problems.push({ path: `${index}.site`, problem: 'site-unknown' });
    if (!(share >= 0 && share <= 1)) problems.push({ path: `${index}.share`, problem: 'share-range' });
    if (!(Number.isInteger(atLeast) && atLeast >= 1 && atLeast <= 100_000_000))
      problems.push({ path: `${index}.atLeast`, problem: 'count-range' });
    const aim = aimOf(rule);
    if (seen.has(aim)) problems.push({ path: `${index}.kind`, problem: 'rule-twice' });
    seen.add(aim);
  });
  return problems;
}

/** The default of a rule for all collections and sites; null for a narrower one, which has none of its own. */
export function defaultOf(rule: Pick<GuardRule, 'collection' | 'site' | 'kind'>): GuardRule | null {
  return defaultRules.find((candidate) => aimOf(candidate) === aimOf(rule)) ?? null;
}

/** Without those that say what the default says. */
export function ownRules(rules: readonly GuardRule[]): GuardRule[] {
  return rules.filter((rule) => {
    const standard = defaultOf(rule);
    return standard === null || standard.share !== rule.share || standard.atLeast !== rule.atLeast;
  });
}

export interface TermSpan {
  readonly name: string;
  readonly kind: string;
  readonly startsOn: string;
  /** Exclusive, as in OneRoster. */
  readonly endsOn: string;
}

export interface TermBreak {
  readonly from: string;
  readonly until: string;
  /** The terms that it lies between. */
  readonly after: string;
  readonly before: string;
}

/** Kinds that leave the holidays out, best first; a school year spans them. */
const termKinds = ['term', 'semester', 'gradingPeriod'] as const;

/**
 * The days between a school's terms that are not over on `today`. Terms that overlap or follow one another within a weekend leave none
 * between them. Pure.
 */
export function breaksBetween(terms: readonly TermSpan[], today: string): TermBreak[] {
  const kind = termKinds.find((candidate) => terms.some((term) => term.kind === candidate));
  const spans = terms
    .filter((term) => term.kind === kind)
    .flatMap(({ name, startsOn, endsOn }) => {
      const [first, end] = [dayNumber(startsOn.slice(0, 10)), dayNumber(endsOn.slice(0, 10))];
      return first === null || end === null || end <= first ? [] : [{ name, first, end }];
    })
    .sort((a, b) => a.first - b.first || a.end - b.end);
  const now = dayNumber(today) ?? 0;
  const breaks: TermBreak[] = [];
  let reached: { name: string; end: number } | null = null;
  for (const span of spans) {
    if (reached !== null && span.first - reached.end >= shortestBreakDays && span.first > now) {
      breaks.push({
        from: dayText(reached.end),
        until: dayText(span.first - 1),
        after: reached.name,
        before: span.name,
      });
    }
    if (reached === null || span.end > reached.end) reached = { name: span.name, end: span.end };
  }
  return breaks;
}
