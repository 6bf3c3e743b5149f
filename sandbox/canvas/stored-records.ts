/** What of a Canvas's records outlives a restart: written down once something changed them, beside the state of its keys and tokens. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { openStore } from '../lib/state.ts';
import type { Mail } from './mails.ts';
import { mailSchema } from './mails.ts';
import type { CanvasModel, CanvasRecords } from './model.ts';
import { recordsOf, recordsSchema } from './model.ts';
import type { SisImport, Uploads } from './sis/imports.ts';
import { sisImportSchema } from './sis/imports.ts';

const storedSchema = z.object({
  /** Of which school, filled by whom: records of another one are not taken over. */
  of: z.string(),
  records: recordsSchema.nullable(),
  imports: z.array(sisImportSchema).nullable(),
  mails: z.array(mailSchema),
});

export type StoredRecords = {
  records: CanvasRecords | null;
  imports: SisImport[] | null;
  mails: readonly Mail[];
  uploads: Uploads;
  save(model: CanvasModel, imports: readonly SisImport[], mails: readonly Mail[]): void;
};

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function uploadsIn(folder: string): Uploads {
  const pathOf = (id: string): string => join(folder, `sis-import-${id}`);
  return {
    put: (id, bytes) => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(pathOf(id), bytes, { mode: 0o600 });
    },
    get: (id) => {
      try {
        return readFileSync(pathOf(id));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
  };
}

/** The records in a data folder, or in memory where there is none. */
export function openRecords(dataDir: string | undefined, of: string): StoredRecords {
  if (dataDir === undefined) {
    const kept = new Map<string, Uint8Array>();
    return {
      records: null,
      imports: null,
      mails: [],
      uploads: { put: (id, bytes) => void kept.set(id, bytes), get: (id) => kept.get(id) },
      save: () => undefined,
    };
  }
  const initial = (): z.output<typeof storedSchema> => ({ of, records: null, imports: null, mails: [] });
  const store = openStore(join(dataDir, 'canvas-records.json'), storedSchema, initial);
  if (store.value.of !== of) store.value = initial();
  return {
    records: store.value.records,
    imports: store.value.imports,
    mails: store.value.mails,
    uploads: uploadsIn(join(dataDir, 'canvas-uploads')),
    save: (model, imports, mails) => {
      store.value = { of, records: recordsOf(model), imports: [...imports], mails: [...mails] };
      store.save();
    },
  };
}
