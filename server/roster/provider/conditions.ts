import { type SQL, sql } from 'drizzle-orm';
import { idSchema } from '#server/kernel/ids.ts';
import type { FieldPath } from '#server/protocols/oneroster/fields.ts';
import type { Condition, TypedFilter } from '#server/protocols/oneroster/typed-filter.ts';

/** A field of an object as SQL. `uuid` and `changed` are compared so that an index can be entered by them. */
export type FieldSql =
  | { readonly as: 'plain'; readonly sql: SQL }
  | { readonly as: 'uuid'; readonly sql: SQL }
  /** The later of a column and a moment that is the same for every row. */
  | { readonly as: 'changed'; readonly sql: SQL; readonly notBefore: Date };

export type FieldsSql = Readonly<Partial<Record<FieldPath, FieldSql>>>;

const signs = {
  '=': sql`=`,
  '!=': sql`is distinct from`,
  '>': sql`>`,
  '>=': sql`>=`,
  '<': sql`<`,
  '<=': sql`<=`,
} as const;

/** A filter as a condition; values are parameters, and a field that has no place here is never true. */
export function filterSql(filter: TypedFilter, fields: FieldsSql): SQL {
  const alternatives = filter.map(
    (conditions) =>
      sql`(${sql.join(
        conditions.map((condition) => conditionSql(condition, fields[condition.field])),
        sql` and `,
      )})`,
  );
  return sql`(${sql.join(alternatives, sql` or `)})`;
}

function conditionSql(condition: Condition, field: FieldSql | undefined): SQL {
  if (field === undefined) return sql`false`;
  const { operator } = condition;
  switch (condition.type) {
    case 'text':
    case 'folded': {
      const value = condition.type === 'folded' ? condition.value.toLowerCase() : condition.value;
      if (field.as === 'uuid') return uuidSql(operator, field.sql, value);
      if (operator === '~') return sql`coalesce(strpos(lower(${field.sql}), ${value.toLowerCase()}::text) > 0, false)`;
      return compared(operator, field.sql, sql`${value}::text`);
    }
    case 'any': {
      const { value } = condition;
      if (operator === '~') {
        return sql`exists (select 1 from unnest(${field.sql}) as element where strpos(lower(element), ${value.toLowerCase()}::text) > 0)`;
      }
      return operator === '!='
        ? sql`not (${value}::text = any(${field.sql}))`
        : sql`${value}::text = any(${field.sql})`;
    }
    case 'list': {
      const values = sql`array(select jsonb_array_elements_text(${JSON.stringify(condition.value)}::jsonb))`;
      if (operator === '~') {
        return sql`exists (select 1 from unnest(${field.sql}) as element, unnest(${values}) as wanted where strpos(lower(element), lower(wanted)) > 0)`;
      }
      const whole = sql`(${field.sql} @> ${values} and ${field.sql} <@ ${values})`;
      return operator === '!=' ? sql`not ${whole}` : whole;
    }
    case 'flag':
      return compared(operator, field.sql, sql`${condition.value}::boolean`);
    case 'day':
      return compared(operator, field.sql, sql`${condition.value}::text`);
    case 'moment':
      return momentSql(operator, field, condition.value);
  }
}

/** What is absent is no value: only `!=` is true of it. */
function compared(operator: Condition['operator'], left: SQL, right: SQL): SQL {
  return operator === '~' ? sql`false` : sql`coalesce(${left} ${signs[operator]} ${right}, false)`;
}

function uuidSql(operator: Condition['operator'], id: SQL, value: string): SQL {
  if (operator === '~') return sql`coalesce(strpos(${id}::text, ${value.toLowerCase()}::text) > 0, false)`;
  if (!idSchema.safeParse(value).success) {
    return operator === '=' || operator === '!='
      ? sql`${operator === '!='}::boolean`
      : compared(operator, sql`${id}::text`, sql`${value}::text`);
  }
  return operator === '!=' ? sql`${id} is distinct from ${value}::uuid` : sql`${id} ${signs[operator]} ${value}::uuid`;
}

function momentSql(operator: Condition['operator'], field: FieldSql, value: string): SQL {
  const moment = sql`${value}::timestamptz`;
  if (field.as !== 'changed') return compared(operator, field.sql, moment);
  const common = field.notBefore.getTime();
  const asked = Date.parse(value);
  switch (operator) {
    case '>':
      return common > asked ? sql`true` : sql`${field.sql} > ${moment}`;
    case '>=':
      return common >= asked ? sql`true` : sql`${field.sql} >= ${moment}`;
    case '<':
      return common < asked ? sql`${field.sql} < ${moment}` : sql`false`;
    case '<=':
      return common <= asked ? sql`${field.sql} <= ${moment}` : sql`false`;
    default:
      return compared(operator, sql`greatest(${field.sql}, ${field.notBefore.toISOString()}::timestamptz)`, moment);
  }
}
