import type { Tx } from '#db/client.ts';
import { namesOfSources, type Referred } from './record-names.ts';

/** One field of a record that a run changed. `field` is a column; lists are told as one text. */
export interface FieldChange {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

type Content = Readonly<Record<string, unknown>> | null;

/** Columns that hold the source's id of another record. */
const references: Readonly<Record<string, Referred>> = {
  site_source_id: 'sites',
  site_source_ids: 'sites',
  primary_site_source_id: 'sites',
  subject_source_id: 'subjects',
  stream_source_id: 'streams',
  term_source_ids: 'terms',
  school_year_source_id: 'terms',
  group_id: 'groups',
  person_id: 'people',
  agent_source_ids: 'people',
};

const valuesOf = (value: unknown): string[] => {
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value)) return value.flatMap(valuesOf);
  return [typeof value === 'object' ? JSON.stringify(value) : String(value)];
};

/** What each of these records was and is, field by field, with the names of what it refers to instead of their ids. */
export async function fieldChanges(
  tx: Tx,
  of: { readonly schoolId: string; readonly systemId: string },
  records: readonly { readonly before: Content; readonly after: Content }[],
): Promise<FieldChange[][]> {
  const wanted = new Map<Referred, Set<string>>();
  for (const { before, after } of records) {
    for (const side of [before, after]) {
      for (const [field, value] of Object.entries(side ?? {})) {
        const referred = references[field];
        if (referred === undefined) continue;
        const ids = wanted.get(referred) ?? new Set();
        for (const id of valuesOf(value)) ids.add(id);
        wanted.set(referred, ids);
      }
    }
  }
  const names = new Map<Referred, ReadonlyMap<string, string>>();
  for (const [referred, ids] of wanted) names.set(referred, await namesOfSources(tx, of, referred, [...ids]));
  const told = (field: string, value: unknown): string | null => {
    const referred = references[field];
    const words = valuesOf(value).map((text) => {
      if (field === 'roles')
        return text
          .split('|')
          .filter((part) => part !== '')
          .join(' ');
      return (referred === undefined ? undefined : names.get(referred)?.get(text)) ?? text;
    });
    return words.length === 0 ? null : words.join(', ');
  };
  return records.map(({ before, after }) =>
    [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].map((field) => ({
      field,
      before: told(field, before?.[field]),
      after: told(field, after?.[field]),
    })),
  );
}
