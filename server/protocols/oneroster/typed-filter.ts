import { type FieldPath, type FieldType, fieldType, type ObjectName } from './fields.ts';
import { type Operator, parseFilter } from './filter.ts';

/** A predicate whose field the object has and whose value is of the field's type. */
export type Condition = {
  readonly field: FieldPath;
  readonly operator: Operator;
} & (
  | { readonly type: 'text' | 'folded' | 'any'; readonly value: string }
  /** ISO 8601 in UTC. */
  | { readonly type: 'moment'; readonly value: string }
  /** `YYYY-MM-DD`. */
  | { readonly type: 'day'; readonly value: string }
  | { readonly type: 'flag'; readonly value: boolean }
  | { readonly type: 'list'; readonly value: readonly string[] }
);

/** Of each alternative all conditions hold. */
export type TypedFilter = readonly (readonly Condition[])[];

export type FilterRefusal =
  | { readonly reason: 'unreadable'; readonly at: number; readonly expected: string }
  | { readonly reason: 'unknown-field'; readonly field: string }
  | { readonly reason: 'not-comparable'; readonly field: string; readonly operator: Operator }
  | { readonly reason: 'not-a-value'; readonly field: string; readonly type: FieldType };

const equality: readonly Operator[] = ['=', '!='];
const order: readonly Operator[] = ['=', '!=', '>', '>=', '<', '<='];
const comparisons: Readonly<Record<FieldType, readonly Operator[]>> = {
  text: [...order, '~'],
  folded: [...order, '~'],
  flag: equality,
  day: order,
  moment: order,
  list: [...equality, '~'],
  any: [...equality, '~'],
};

/** Reads a filter over one object. Nothing of it is ever part of a statement: fields are names of a closed list, values are values. Pure. */
export function readFilter(
  text: string,
  object: ObjectName,
): { readonly filter: TypedFilter } | { readonly refusal: FilterRefusal } {
  const parsed = parseFilter(text);
  if ('problem' in parsed) return { refusal: { reason: 'unreadable', ...parsed.problem } };
  const filter: Condition[][] = [];
  for (const alternative of parsed.filter) {
    const conditions: Condition[] = [];
    for (const { field: path, operator, value } of alternative) {
      const known = fieldOf(object, path);
      if (known === null) return { refusal: { reason: 'unknown-field', field: path } };
      const { field, type } = known;
      if (!comparisons[type].includes(operator)) return { refusal: { reason: 'not-comparable', field, operator } };
      const condition = typed(type, value);
      if (condition === null) return { refusal: { reason: 'not-a-value', field, type } };
      conditions.push({ field, operator, ...condition });
    }
    filter.push(conditions);
  }
  return { filter };
}

const isFieldPath = (object: ObjectName, path: string): path is FieldPath => fieldType(object, path) !== null;

/** A field of the object, with how it is compared. */
export function fieldOf(
  object: ObjectName,
  path: string,
): { readonly field: FieldPath; readonly type: FieldType } | null {
  const type = fieldType(object, path);
  return type !== null && isFieldPath(object, path) ? { field: path, type } : null;
}

const dayPattern = /^\d{4}-\d{2}-\d{2}$/;
const momentPattern = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

function typed(type: FieldType, value: string) {
  switch (type) {
    case 'text':
    case 'folded':
    case 'any':
      return { type, value };
    case 'list':
      return {
        type,
        value: value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      };
    case 'flag':
      return value === 'true' || value === 'false' ? { type, value: value === 'true' } : null;
    case 'day': {
      const day = value.slice(0, 10);
      return momentOf(value) !== null && dayPattern.test(day) ? { type, value: day } : null;
    }
    case 'moment': {
      const moment = momentOf(value);
      return moment === null ? null : { type, value: moment };
    }
  }
}

/** A date or date-time, without zone in UTC (reference §10), to the millisecond. A day that no calendar has is none. */
function momentOf(value: string): string | null {
  if (!momentPattern.test(value)) return null;
  const whole = value.length === 10 ? `${value}T00:00:00` : value;
  const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/.test(whole) ? whole : `${whole}Z`;
  const moment = new Date(zoned.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  const day = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(moment.getTime()) || Number.isNaN(day.getTime())) return null;
  return day.toISOString().startsWith(value.slice(0, 10)) ? moment.toISOString() : null;
}
