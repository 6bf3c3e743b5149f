/** What the importers of one SIS import share: the records by their SIS ids, its options, and the place where they complain. */

import type { Mails } from '../mails.ts';
import type { CanvasModel } from '../model.ts';
import type { Cells, Row } from './csv-files.ts';

export type ImportOptions = {
  skipDeletes: boolean;
  overrideStickiness: boolean;
  updateSisIdIfLoginClaimed: boolean;
};

/** A row that cannot be imported, with Canvas's own sentence. */
export class ImportError extends Error {
  override name = 'ImportError';
}

export type StateChange = 'created' | 'restored' | 'concluded' | 'deactivated' | 'deleted';

export type Work = {
  model: CanvasModel;
  mails: Mails;
  importId: string;
  /** Who uploads: nobody may remove himself. */
  userId: string;
  options: ImportOptions;
  /** Login providers of the account. */
  providers: readonly string[];
  /** Whether the account lets users merge their own accounts: then an e-mail address that another has is told by mail. */
  tellsOfSameEmail: boolean;
  count(type: string, change: StateChange): void;
};

type BySisId = { id: string; sisId: string | null };

/** Finds records by their SIS ids without looking at each; made anew for every step of an import. */
export function indexOf<T extends BySisId>(
  records: Map<string, T>,
): { get(sisId: string): T | undefined; put(record: T): void } {
  const index = new Map<string, T>();
  for (const record of records.values()) if (record.sisId !== null) index.set(record.sisId, record);
  return {
    get: (sisId) => index.get(sisId),
    put: (record) => {
      records.set(record.id, record);
      if (record.sisId !== null) index.set(record.sisId, record);
    },
  };
}

/** Whether a field was changed by hand, so that the import leaves it alone. */
export const isStuck = (work: Work, record: { stuck: readonly string[] }, field: string): boolean =>
  !work.options.overrideStickiness && record.stuck.includes(field);

export const cell = (row: Row, name: string): string | null => row.cells[name] ?? null;
export const statusOf = (cells: Cells): string => cells.status ?? '';

/** A moment in ISO 8601; null for an empty cell, an error for what is no date. */
export function momentOf(row: Row, name: string, complaint: string): string | null {
  const text = cell(row, name);
  if (text === null) return null;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new ImportError(complaint);
  return new Date(at).toISOString().replace('.000Z', 'Z');
}
