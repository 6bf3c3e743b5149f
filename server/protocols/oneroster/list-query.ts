import { type FieldPath, isSelectable, type ObjectName } from './fields.ts';
import type { Refusal } from './status-info.ts';
import { type FilterRefusal, fieldOf, readFilter, type TypedFilter } from './typed-filter.ts';
import type { OneRosterVersion } from './versions.ts';

/** Records of a page where nothing is said, and at most. */
const defaultLimit = 100;
export const mostRecords = 10_000;

export interface Sort {
  readonly field: FieldPath;
  readonly descending: boolean;
}

/** What the parameters of a list ask for. */
export interface ListQuery {
  readonly limit: number;
  readonly offset: number;
  readonly filter: TypedFilter | null;
  readonly sort: Sort | null;
  /** Names to tell; null: all. */
  readonly fields: readonly string[] | null;
  /** What a `next` link carries besides: where the page begins. */
  readonly cursor: string | null;
  /** 1.1 answers all the same where it does not know what to sort by or to select. */
  readonly warnings: readonly Refusal[];
}

/** Reads `limit`, `offset`, `filter`, `sort`, `orderBy` and `fields` (reference §§9, 10); what is not known is passed over. Pure. */
export function readListQuery(
  params: URLSearchParams,
  object: ObjectName,
  version: OneRosterVersion,
): { readonly query: ListQuery } | { readonly refusal: Refusal } {
  const limit = wholeNumber(params.get('limit'), defaultLimit);
  if (limit === null || limit < 1) return refuse('invaliddata', 'limit must be a whole number of 1 or more');
  const offset = wholeNumber(params.get('offset'), 0);
  if (offset === null || offset < 0) return refuse('invaliddata', 'offset must be a whole number of 0 or more');
  const filter = filterOf(params.get('filter'), object);
  if ('refusal' in filter) return filter;
  const selected = readSelection(params, object, version);
  if ('refusal' in selected) return selected;
  const sorted = readSort(params, object, version);
  if ('refusal' in sorted) return sorted;
  return {
    query: {
      limit: Math.min(limit, mostRecords),
      offset,
      filter: filter.filter,
      sort: sorted.sort,
      fields: selected.fields,
      cursor: params.get('cursor'),
      warnings: [...selected.warnings, ...sorted.warnings],
    },
  };
}

/** Reads `fields`, all that the read of a single object takes. */
export function readSelection(
  params: URLSearchParams,
  object: ObjectName,
  version: OneRosterVersion,
):
  | { readonly fields: readonly string[] | null; readonly warnings: readonly Refusal[] }
  | { readonly refusal: Refusal } {
  const text = params.get('fields');
  if (text === null) return { fields: null, warnings: [] };
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name === '')) return refuse('invalid_blank_selection_field', 'fields is empty');
  const unknown = names.filter((name) => !isSelectable(object, version, name));
  if (unknown.length === 0) return { fields: [...new Set(names)], warnings: [] };
  const refusal = {
    codeMinor: 'invalid_selection_field',
    description: `fields: ${quoted(unknown[0])} is no field of ${object}`,
  } as const;
  // 1.1 then tells everything (reference §12).
  return version === '1.1' ? { fields: null, warnings: [refusal] } : { refusal };
}

function readSort(
  params: URLSearchParams,
  object: ObjectName,
  version: OneRosterVersion,
): { readonly sort: Sort | null; readonly warnings: readonly Refusal[] } | { readonly refusal: Refusal } {
  const direction = params.get('orderBy') ?? 'asc';
  if (direction !== 'asc' && direction !== 'desc') return refuse('invaliddata', 'orderBy is asc or desc');
  const path = params.get('sort');
  if (path === null) return { sort: null, warnings: [] };
  const known = fieldOf(object, path);
  if (known !== null && known.type !== 'list' && known.type !== 'any') {
    return { sort: { field: known.field, descending: direction === 'desc' }, warnings: [] };
  }
  const refusal = {
    codeMinor: 'invalid_sort_field',
    description: `sort: ${object} cannot be sorted by ${quoted(path)}`,
  } as const;
  return version === '1.1' ? { sort: null, warnings: [refusal] } : { refusal };
}

function filterOf(
  text: string | null,
  object: ObjectName,
): { readonly filter: TypedFilter | null } | { readonly refusal: Refusal } {
  if (text === null) return { filter: null };
  const read = readFilter(text, object);
  return 'filter' in read ? read : refuse('invalid_filter_field', `filter: ${told(read.refusal, object)}`);
}

function told(refusal: FilterRefusal, object: ObjectName): string {
  switch (refusal.reason) {
    case 'unreadable':
      return `cannot be read at character ${refusal.at + 1} (expected: ${refusal.expected})`;
    case 'unknown-field':
      return `${object} cannot be filtered by ${quoted(refusal.field)}`;
    case 'not-comparable':
      return `${refusal.field} cannot be compared by ${refusal.operator}`;
    case 'not-a-value':
      return `the value for ${refusal.field} is no ${refusal.type === 'flag' ? 'true or false' : 'date'}`;
  }
}

const refuse = (codeMinor: Refusal['codeMinor'], description: string) => ({ refusal: { codeMinor, description } });

/** A name as the caller wrote it, fit to be said back to him. */
const quoted = (name: string | undefined) => `"${(name ?? '').replaceAll(/[^\w.\- ]/g, '?').slice(0, 60)}"`;

function wholeNumber(text: string | null, byDefault: number): number | null {
  if (text === null) return byDefault;
  if (!/^[+-]?\d{1,15}$/.test(text.trim())) return null;
  return Number(text);
}
