import { type Database, openDatabase } from '#db/client.ts';
import { urlForRole } from '#db/roles.ts';
import { systemClock } from '#server/kernel/clock.ts';
import type { Actor, Context } from '#server/kernel/context.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import type { Environment } from '#server/kernel/env.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Keyring } from '#server/kernel/sealed.ts';

/** What a command of ours works with: the runtime roles, never the administrator's. */
export interface ProcessContext {
  readonly env: Environment;
  readonly baseUrl: string;
  readonly database: Database;
  readonly syncDatabase: Database;
  readonly keyring: Keyring;
  context(actor: Actor): Context;
  systemContext(reason: string): Context;
  close(): Promise<void>;
}

/** Opens database and keys for a command (start, seed, doctor, backup). */
export async function openProcess(env: Environment): Promise<ProcessContext> {
  const [masterKey] = env.masterKeys;
  const { url, webUrl, syncUrl, prepare } = env.database;
  const roleUrl = (given: string | null, role: 'web' | 'sync') => {
    if (given !== null) return given;
    if (url === null || masterKey === undefined)
      throw new CrosswalkError('misconfigured', { details: { problem: 'database-url-missing' } });
    return urlForRole(url, masterKey.base64, role);
  };
  const database = openDatabase(roleUrl(webUrl, 'web'), { prepare, max: 4, name: 'crosswalk-command' });
  const syncDatabase = openDatabase(roleUrl(syncUrl, 'sync'), { prepare, max: 2, name: 'crosswalk-command' });
  const keyring = await loadKeyring(database, env);
  const context = (actor: Actor): Context => ({
    actor,
    database,
    keyring,
    clock: systemClock,
    baseUrl: env.baseUrl,
    requestId: newId(),
  });
  return {
    env,
    baseUrl: env.baseUrl,
    database,
    syncDatabase,
    keyring,
    context,
    systemContext: (reason) => context({ kind: 'system', reason }),
    close: async () => {
      await Promise.all([database.close(), syncDatabase.close()]);
    },
  };
}
