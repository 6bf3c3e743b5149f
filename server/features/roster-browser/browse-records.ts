import { and, type Column, eq, gt, ilike, isNotNull, isNull, or, type SQL } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';

/** `here`: in use, also where a fetch has missed it. `missing`: absent from the last complete fetch. `gone`: left. */
export const recordStatuses = ['here', 'missing', 'gone'] as const;

/** Rows of one page of a list. */
export const recordsPerPage = 50;

/** What every list of received records is asked with. */
export const browseFields = {
  schoolId: idSchema,
  systemId: idSchema.optional(),
  // PostgreSQL holds no NUL, so none is found.
  search: z
    .string()
    .max(200)
    .default('')
    .transform((text) => text.replaceAll('\0', '').trim()),
  status: z.enum(recordStatuses).default('here'),
  descending: z.boolean().default(false),
  page: z.int().min(1).max(1_000_000).default(1),
} as const;

const shortestIdPart = 6;

interface RecordColumns {
  readonly schoolId: AnyPgColumn;
  readonly systemId: AnyPgColumn;
  readonly goneAt: AnyPgColumn;
  readonly missedFetches: AnyPgColumn;
  readonly sourceId: AnyPgColumn;
}

export interface BrowseInput {
  readonly schoolId: string;
  readonly systemId?: string | undefined;
  readonly search: string;
  readonly status: (typeof recordStatuses)[number];
  readonly page: number;
}

/**
 * Rows that a list shows: the school's, of the system and status asked for, each searched word in one of the texts, or the
 * source's id by its beginning (short words only as the whole id: "havo 4" is no search for ids with a 4).
 */
export function matching(
  columns: RecordColumns,
  input: BrowseInput,
  texts: readonly (Column | SQL)[],
  ...more: (SQL | undefined)[]
): SQL | undefined {
  return and(
    eq(columns.schoolId, input.schoolId),
    input.systemId === undefined ? undefined : eq(columns.systemId, input.systemId),
    input.status === 'gone' ? isNotNull(columns.goneAt) : isNull(columns.goneAt),
    input.status === 'missing' ? gt(columns.missedFetches, 0) : undefined,
    ...words(input.search).map((word) =>
      or(
        ...texts.map((text) => ilike(text, `%${literally(word)}%`)),
        word.length < shortestIdPart ? eq(columns.sourceId, word) : ilike(columns.sourceId, `${literally(word)}%`),
      ),
    ),
    ...more,
  );
}

/** At most eight words: a search is no program. */
const words = (search: string) =>
  search
    .split(/\s+/u)
    .filter((word) => word !== '')
    .slice(0, 8);

/** `%` and `_` as somebody typed them, not as patterns. */
const literally = (word: string) => word.replaceAll(/[\\%_]/g, '\\$&');

export const pageOf = (input: BrowseInput) => ({
  limit: recordsPerPage,
  offset: (input.page - 1) * recordsPerPage,
});
