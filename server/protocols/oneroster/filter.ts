/** The filter of OneRoster REST (reference §10): `familyName='Jones' AND dateLastModified>'2026-01-01'`. Pure. */

const operators = ['!=', '>=', '<=', '=', '>', '<', '~'] as const;
export type Operator = (typeof operators)[number];

export interface Predicate {
  /** A field's name, or a dotted path. Not yet known to be one of the object's. */
  readonly field: string;
  readonly operator: Operator;
  readonly value: string;
}

/** At least one alternative holds; of an alternative all predicates. AND binds before OR. */
export type Filter = readonly (readonly Predicate[])[];

/** Where a filter cannot be read, by character, and what was expected there. */
export interface FilterProblem {
  readonly at: number;
  readonly expected:
    | 'field'
    | 'operator'
    | 'quoted-value'
    | 'end-of-value'
    | 'and-or'
    | 'fewer-predicates'
    | 'shorter-text';
}

/** The standard allows one AND or OR; more are read, up to here. */
const mostPredicates = 16;
const longest = 4_000;

const fieldPattern = /[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*/y;
const operatorPattern = / *(!=|>=|<=|=|>|<|~) */y;
const valuePattern = /'((?:[^'\0]|'')*)'/y;
const joinPattern = /\s+(AND|OR)\s+/iy;

/** Reads a filter as it stands decoded in the address. */
export function parseFilter(text: string): { readonly filter: Filter } | { readonly problem: FilterProblem } {
  if (text.length > longest) return { problem: { at: longest, expected: 'shorter-text' } };
  const trimmed = text.trim();
  const filter: Predicate[][] = [[]];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(trimmed);
    if (found === null) return undefined;
    at = pattern.lastIndex;
    return found[1] ?? found[0];
  };
  for (let read = 1; ; read++) {
    if (read > mostPredicates) return { problem: { at, expected: 'fewer-predicates' } };
    const field = take(fieldPattern);
    if (field === undefined) return { problem: { at, expected: 'field' } };
    const sign = take(operatorPattern);
    const operator = operators.find((one) => one === sign);
    if (operator === undefined) return { problem: { at, expected: 'operator' } };
    const quoted = take(valuePattern);
    if (quoted === undefined) {
      return { problem: { at, expected: trimmed[at] === "'" ? 'end-of-value' : 'quoted-value' } };
    }
    filter.at(-1)?.push({ field, operator, value: quoted.replaceAll("''", "'") });
    if (at === trimmed.length) return { filter };
    const join = take(joinPattern)?.toUpperCase();
    if (join === undefined) return { problem: { at, expected: 'and-or' } };
    if (join === 'OR') filter.push([]);
  }
}

/** A filter as text that reads as the same filter. */
export function printFilter(filter: Filter): string {
  return filter
    .map((all) =>
      all.map(({ field, operator, value }) => `${field}${operator}'${value.replaceAll("'", "''")}'`).join(' AND '),
    )
    .join(' OR ');
}
