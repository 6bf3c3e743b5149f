import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { desc, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database, Tx } from '#db/client.ts';
import { dataKey } from '#db/schema/ledger.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Environment, MasterKey } from './env.ts';
import { CrosswalkError } from './errors.ts';
import { type Keyring, open, type SealedPlace, type SealedSecret, seal, sealedSecretSchema } from './sealed.ts';

/** A keyring that a running process keeps: `reload` brings in the versions that another process made. */
export interface LiveKeyring extends Keyring {
  reload(): Promise<void>;
}

/**
 * Seconds until a new version seals. Every process reloads within `reloadSeconds`, so that no process meets a value
 * that it cannot open yet.
 */
const settleSeconds = 90;
export const reloadSeconds = 30;

type Keys = Pick<Environment, 'masterKeys'>;

function keyProblem(problem: string, version: number): CrosswalkError {
  return new CrosswalkError('secret-unreadable', { details: { problem, keyVersion: version } });
}

/** The master key is also what database passwords derive from: each use has its own key (HKDF, RFC 5869). */
function wrappingKey(master: MasterKey): KeyObject {
  const bytes = hkdfSync('sha256', Buffer.from(master.base64, 'base64'), '', 'crosswalk data key wrapping 1', 32);
  return createSecretKey(Buffer.from(bytes));
}

const wrappingPlace = (version: number, masterKeyId: string) =>
  Buffer.from(canonicalJson({ format: 'crosswalk-data-key-1', version, masterKeyId }), 'utf8');

/** iv (12) ‖ tag (16) ‖ ciphertext (32), AES-256-GCM; version and master key id are associated data. */
function wrap(key: Uint8Array, version: number, master: MasterKey): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', wrappingKey(master), iv, { authTagLength: 16 });
  cipher.setAAD(wrappingPlace(version, master.id));
  const ciphertext = Buffer.concat([cipher.update(key), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), ciphertext]);
}

function unwrap(wrapped: Buffer, version: number, masterKeyId: string, { masterKeys }: Keys): Buffer {
  const master = masterKeys.find((key) => key.id === masterKeyId);
  if (master === undefined) throw keyProblem('master-key-missing', version);
  try {
    const decipher = createDecipheriv('aes-256-gcm', wrappingKey(master), wrapped.subarray(0, 12), {
      authTagLength: 16,
    });
    decipher.setAAD(wrappingPlace(version, masterKeyId));
    decipher.setAuthTag(wrapped.subarray(12, 28));
    return Buffer.concat([decipher.update(wrapped.subarray(28)), decipher.final()]);
  } catch {
    throw keyProblem('master-key-wrong', version);
  }
}

function activeMaster({ masterKeys }: Keys): MasterKey {
  const [active] = masterKeys;
  if (active === undefined) throw new CrosswalkError('misconfigured', { details: { problem: 'master-key-missing' } });
  return active;
}

/**
 * Whether the environment's master keys open this row of `data_key`, wherever it was read.
 * @throws CrosswalkError `secret-unreadable` where they do not.
 */
export function assertDataKeyOpens(row: { version: number; wrapped: Buffer; masterKeyId: string }, env: Keys): void {
  unwrap(row.wrapped, row.version, row.masterKeyId, env);
}

interface LoadedKeys {
  readonly activeVersion: number;
  readonly keys: ReadonlyMap<number, KeyObject>;
}

async function readKeys(database: Database, env: Keys, settle: number): Promise<LoadedKeys | null> {
  const rows = await database.withoutSchool((tx) =>
    tx
      .select({
        version: dataKey.version,
        wrapped: dataKey.wrapped,
        masterKeyId: dataKey.masterKeyId,
        settled: sql<boolean>`${dataKey.createdAt} <= now() - make_interval(secs => ${settle})`,
      })
      .from(dataKey)
      .orderBy(desc(dataKey.version)),
  );
  const [newest] = rows;
  if (newest === undefined) return null;
  const keys = new Map(
    rows.map((row) => [row.version, createSecretKey(unwrap(row.wrapped, row.version, row.masterKeyId, env))]),
  );
  // The first key of all seals at once: there is nobody who could not open yet what it sealed.
  const active = rows.find((row) => row.settled) ?? rows.at(-1) ?? newest;
  return { activeVersion: active.version, keys };
}

async function addKey(tx: Tx, env: Keys, version: number): Promise<void> {
  const master = activeMaster(env);
  const wrapped = wrap(randomBytes(32), version, master);
  await tx.insert(dataKey).values({ version, wrapped, masterKeyId: master.id }).onConflictDoNothing();
}

/**
 * Opens every data key with the master keys of the environment, making the first one where there is none (two
 * processes that start at once agree on one).
 * @throws CrosswalkError `secret-unreadable` where a master key is missing or another than the one that wrapped;
 *   `misconfigured` where the environment has none.
 */
export async function loadKeyring(
  database: Database,
  env: Keys,
  options: { settleSeconds?: number } = {},
): Promise<LiveKeyring> {
  const settle = options.settleSeconds ?? settleSeconds;
  let loaded = await readKeys(database, env, settle);
  if (loaded === null) {
    await database.withoutSchool((tx) => addKey(tx, env, 1));
    loaded = await readKeys(database, env, settle);
  }
  if (loaded === null) throw keyProblem('no-data-key', 1);
  let current = loaded;
  return {
    get activeVersion() {
      return current.activeVersion;
    },
    key: (version) => current.keys.get(version),
    reload: async () => {
      current = (await readKeys(database, env, settle)) ?? current;
    },
  };
}

/** Keeps a keyring current while the process lives; `onError` hears of a reload that failed (the old keys stay). */
export function followKeyring(keyring: LiveKeyring, onError: (error: unknown) => void): { stop(): void } {
  const timer = setInterval(() => keyring.reload().catch(onError), reloadSeconds * 1000);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/**
 * Makes a new data key version. It seals once every process has it (`settleSeconds`, 90 s by default); what older
 * versions sealed stays open. `resealRow` brings rows to it.
 * @returns the new version.
 */
export async function rotateDataKey(database: Database, env: Keys): Promise<number> {
  return database.withoutSchool(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('crosswalk data keys'))`);
    const [newest] = await tx
      .select({ version: dataKey.version })
      .from(dataKey)
      .orderBy(desc(dataKey.version))
      .limit(1);
    const version = (newest?.version ?? 0) + 1;
    await tx.update(dataKey).set({ retiredAt: sql`now()` }).where(sql`${dataKey.retiredAt} is null`);
    await addKey(tx, env, version);
    return version;
  });
}

/**
 * After a new master key was put first in CROSSWALK_MASTER_KEY (the old one still listed): wraps every data key with it.
 * Sealed rows stay as they are. Then the old one can be taken out of the environment.
 * @returns how many were wrapped anew.
 * @throws CrosswalkError `secret-unreadable` where a key's master key is not listed; then nothing is changed.
 */
export async function rewrapForNewMasterKey(database: Database, env: Keys): Promise<number> {
  const master = activeMaster(env);
  return database.withoutSchool(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('crosswalk data keys'))`);
    const rows = await tx.select().from(dataKey).where(sql`${dataKey.masterKeyId} <> ${master.id}`);
    for (const row of rows) {
      const wrapped = wrap(unwrap(row.wrapped, row.version, row.masterKeyId, env), row.version, master);
      await tx.update(dataKey).set({ wrapped, masterKeyId: master.id }).where(sql`${dataKey.version} = ${row.version}`);
    }
    return rows.length;
  });
}

/** The same secret under the active version; null where it is under it already. Opens, so a misplaced one is found. */
export function reseal(keys: Keyring, sealed: unknown, place: SealedPlace): SealedSecret | null {
  const plaintext = open(keys, sealed, place);
  return sealedSecretSchema.parse(sealed).version === keys.activeVersion ? null : seal(keys, plaintext, place);
}

const sealedRows = z.array(z.object({ sealed: z.unknown() }));

/**
 * Brings one sealed column of one row under the active version, in the caller's transaction (of the row's school).
 * `keyColumn` is the primary key's column, `id` by default.
 * @returns whether the row was changed; a row without a secret is not.
 */
export async function resealRow(tx: Tx, keys: Keyring, place: SealedPlace, keyColumn = 'id'): Promise<boolean> {
  const table = sql.identifier(place.table);
  const column = sql.identifier(place.column);
  const here = sql`${sql.identifier(keyColumn)}::text = ${place.rowId}`;
  const rows = sealedRows.parse(
    await tx.execute(sql`select ${column} as sealed from ${table} where ${here} for update`),
  );
  const sealed = rows[0]?.sealed ?? null;
  if (sealed === null) return false;
  const renewed = reseal(keys, sealed, place);
  if (renewed === null) return false;
  await tx.execute(sql`update ${table} set ${column} = ${JSON.stringify(renewed)}::jsonb where ${here}`);
  return true;
}
