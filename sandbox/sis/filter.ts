/**
 * OneRoster's filter language: `field op 'value'`, with at most one AND or OR, no parentheses, a quote in a value doubled.
 * Source: OneRoster 1.2 REST binding, query parameters `filter`, `sort`, `orderBy`.
 */

import type { Wire, WireObject } from './wire.ts';

export type Operator = '=' | '!=' | '>' | '>=' | '<' | '<=' | '~';
export type Condition = { field: string; operator: Operator; value: string };
export type Filter = { conditions: readonly [Condition] | readonly [Condition, Condition]; join: 'AND' | 'OR' };

/** Why a filter is refused, in words for its sender. */
export class FilterError extends Error {
  override name = 'FilterError';
}

const CONDITION = /^([A-Za-z][\w.-]*)\s?(=|!=|>=|<=|>|<|~)\s?'((?:[^']|'')*)'/;
const NUMBER = /^-?\d+(\.\d+)?$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?)?$/;

function operatorOf(text: string): Operator {
  switch (text) {
    case '=':
    case '!=':
    case '>':
    case '>=':
    case '<':
    case '<=':
    case '~':
      return text;
    default:
      throw new FilterError(`unknown operator ${text}`);
  }
}

function readCondition(text: string, isField: (name: string) => boolean): { condition: Condition; rest: string } {
  const match = CONDITION.exec(text);
  const [whole = '', field = '', operator = '', value = ''] = match ?? [];
  if (match === null) throw new FilterError(`expected field, operator and 'value' at: ${text.slice(0, 60)}`);
  if (!isField(field)) throw new FilterError(`there is no field ${field} to filter by`);
  if (field === 'dateLastModified' && (operator === '~' || !DATE_TIME.test(value))) {
    throw new FilterError(`dateLastModified must be compared with a date-time in ISO 8601`);
  }
  return {
    condition: { field, operator: operatorOf(operator), value: value.replaceAll("''", "'") },
    rest: text.slice(whole.length),
  };
}

/** Reads a filter; throws a FilterError for anything that is none, or that names an unknown field. */
export function parseFilter(text: string, isField: (name: string) => boolean): Filter {
  const first = readCondition(text.trim(), isField);
  if (first.rest === '') return { conditions: [first.condition], join: 'AND' };
  const join = /^ (AND|OR) /.exec(first.rest);
  if (join === null) throw new FilterError(`expected ' AND ' or ' OR ' at: ${first.rest.slice(0, 60)}`);
  const second = readCondition(first.rest.slice(join[0].length), isField);
  if (second.rest !== '') throw new FilterError('a filter has at most one AND or OR');
  return { conditions: [first.condition, second.condition], join: join[1] === 'OR' ? 'OR' : 'AND' };
}

type Found = { values: readonly string[]; isList: boolean };

/** The texts at a dotted path. `isList` is true where the field itself is a list of texts. */
export function valuesAt(object: Wire, path: readonly string[]): Found {
  const [name, ...rest] = path;
  if (name === undefined) {
    if (typeof object === 'string') return { values: [object], isList: false };
    if (Array.isArray(object)) return { values: object.filter((item) => typeof item === 'string'), isList: true };
    return { values: [], isList: false };
  }
  if (Array.isArray(object))
    return { values: object.flatMap((item: Wire) => valuesAt(item, path).values), isList: false };
  if (typeof object === 'string' || !isObject(object)) return { values: [], isList: false };
  const inner = object[name];
  return inner === undefined ? { values: [], isList: false } : valuesAt(inner, rest);
}

function isObject(value: Wire): value is WireObject {
  return typeof value === 'object' && !Array.isArray(value);
}

/** Compares two values of a field: moments as moments, numbers as numbers, all else by code units. */
export function compare(field: string, left: string, right: string): number {
  if (field === 'dateLastModified') return Date.parse(left) - Date.parse(right);
  if (NUMBER.test(left) && NUMBER.test(right)) return Number(left) - Number(right);
  return left < right ? -1 : left > right ? 1 : 0;
}

function equals(field: string, { values, isList }: Found, wanted: string): boolean {
  // Equal means the same text, so that the identifier 007 is not 7; only moments are compared by value.
  const same = (value: string): boolean =>
    field === 'dateLastModified' ? compare(field, value, wanted) === 0 : value === wanted;
  if (!isList) return values.some(same);
  const list = wanted.split(',').map((item) => item.trim());
  return list.length === values.length && list.every((item) => values.includes(item));
}

function holds(object: WireObject, { field, operator, value }: Condition): boolean {
  const found = valuesAt(object, field.split('.'));
  switch (operator) {
    case '=':
      return equals(field, found, value);
    case '!=':
      return !equals(field, found, value);
    case '~':
      return found.values.some((item) => item.toLowerCase().includes(value.toLowerCase()));
    case '>':
      return found.values.some((item) => compare(field, item, value) > 0);
    case '>=':
      return found.values.some((item) => compare(field, item, value) >= 0);
    case '<':
      return found.values.some((item) => compare(field, item, value) < 0);
    case '<=':
      return found.values.some((item) => compare(field, item, value) <= 0);
    default:
      return operator satisfies never;
  }
}

/** Whether an object passes a filter. */
export function matches(object: WireObject, filter: Filter): boolean {
  return filter.join === 'AND'
    ? filter.conditions.every((one) => holds(object, one))
    : filter.conditions.some((one) => holds(object, one));
}

/** A sorted copy; objects without the field come last in either direction, equal ones keep their order. */
export function sorted(objects: readonly WireObject[], field: string, descending: boolean): readonly WireObject[] {
  const path = field.split('.');
  const keyed = objects.map((object) => ({ object, key: valuesAt(object, path).values[0] }));
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) return a.key === b.key ? 0 : a.key === undefined ? 1 : -1;
    return descending ? compare(field, b.key, a.key) : compare(field, a.key, b.key);
  });
  return keyed.map(({ object }) => object);
}
