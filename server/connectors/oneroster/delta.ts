import { createDeviations, type DeviationKey } from '#server/connectors/exchange/deviations.ts';
import { isObject, momentOf, own } from '#server/connectors/exchange/foreign-text.ts';

/** A server that reckons in its own time zone, or in days, sends a little more than was asked for. */
const graceMs = 86_400_000;

/** What was modified at or after a moment (reference §11), or since its day began, of some list. */
export function changedSince(filter: string | null, since: Date | null, byDay = false): string | null {
  if (since === null) return filter;
  const condition = `dateLastModified>='${byDay ? since.toISOString().slice(0, 10) : since.toISOString()}'`;
  // At most one logical operator (reference §10).
  return filter === null ? condition : `${filter} AND ${condition}`;
}

/** Before anything that a SIS holds was modified. */
export const longAgo = new Date('1970-01-01T00:00:00.000Z');

/**
 * Whether the rows of a delta's page prove that the server did not look at the moment: one that is clearly older, or none that tells
 * when it was modified. An empty page proves nothing either way.
 */
export function ignoresMoment(rows: readonly unknown[], since: Date): DeviationKey | null {
  if (rows.length === 0) return null;
  const deviations = createDeviations();
  let told = 0;
  for (const row of rows) {
    const moment = isObject(row) ? momentOf(own(row, 'dateLastModified'), deviations) : null;
    if (moment === null) continue;
    told += 1;
    if (moment.getTime() < since.getTime() - graceMs) return 'delta-filter-ignored';
  }
  return told === 0 ? 'delta-filter-ignored' : null;
}
