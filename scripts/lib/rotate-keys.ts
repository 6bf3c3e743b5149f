import { openDatabase } from '#db/client.ts';
import { loadKeyring, resealRow, rewrapForNewMasterKey, rotateDataKey } from '#server/kernel/data-keys.ts';
import type { Environment } from '#server/kernel/env.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { asOwner } from './database-problem.ts';
import { sealedColumns } from './sealed-columns.ts';

export interface RotationReport {
  /** Data keys that are now wrapped by the first master key. */
  readonly rewrapped: number;
  /** The new version, or null where none was asked for. */
  readonly version: number | null;
  readonly resealed: number;
  /** Values that do not open at their place; they are left as they are. */
  readonly unreadable: readonly { readonly table: string; readonly column: string; readonly rowId: string }[];
}

export interface RotationOptions {
  readonly migratorUrl: string;
  readonly env: Pick<Environment, 'masterKeys'>;
  /** A new data key and everything sealed anew, besides wrapping by the first master key. */
  readonly newDataKey: boolean;
  /** Seconds until running processes have the new key; 0 where none runs. */
  readonly settleSeconds: number;
  readonly wait: (seconds: number) => Promise<void>;
}

/**
 * Wraps every data key by the first master key of the environment and, where asked, makes a new data key and seals every
 * secret anew under it, each in a transaction of its own. Broken off, it can be run again.
 * @throws CrosswalkError `secret-unreadable` where a master key is missing; then nothing is changed.
 */
export async function rotateKeys(options: RotationOptions): Promise<RotationReport> {
  const database = openDatabase(asOwner(options.migratorUrl), { max: 2, name: 'crosswalk rotate-keys' });
  try {
    const rewrapped = await rewrapForNewMasterKey(database, options.env);
    if (!options.newDataKey) return { rewrapped, version: null, resealed: 0, unreadable: [] };
    const version = await rotateDataKey(database, options.env);
    if (options.settleSeconds > 0) await options.wait(options.settleSeconds);
    const keyring = await loadKeyring(database, options.env, { settleSeconds: options.settleSeconds });
    let resealed = 0;
    const unreadable: { table: string; column: string; rowId: string }[] = [];
    for (const column of sealedColumns) {
      for (const place of await column.places(database.sql)) {
        try {
          const changed = await database.inScope({ schoolId: place.schoolId }, (tx) =>
            resealRow(tx, keyring, place, column.key),
          );
          if (changed) resealed += 1;
        } catch (error) {
          if (!isCrosswalkError(error, 'secret-unreadable')) throw error;
          unreadable.push({ table: place.table, column: place.column, rowId: place.rowId });
        }
      }
    }
    return { rewrapped, version, resealed, unreadable };
  } finally {
    await database.close();
  }
}
