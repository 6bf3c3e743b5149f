import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { loadKeyring, resealRow, rewrapForNewMasterKey, rotateDataKey } from './data-keys.ts';
import { newId } from './ids.ts';
import { open, openText, type SealedPlace, type SealedSecret, seal, sealedSecretSchema } from './sealed.ts';

let database: TestDatabase;
const masterKey = (id: string) => ({ id, base64: randomBytes(32).toString('base64') });
const env = { masterKeys: [masterKey('1')] };
const load = (keys = env, settleSeconds = 0) => loadKeyring(database.web, keys, { settleSeconds });

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.admin`delete from data_key`;
});

async function makeCredential(): Promise<{ schoolId: string; credentialId: string; place: SealedPlace }> {
  const [schoolId, systemId, credentialId] = [newId(), newId(), newId()];
  await database.admin`insert into organisation (id, kind, name) values (${schoolId}, 'school', 'Rijnland')`;
  await database.admin`
    insert into school (id, name, register, register_number, country, time_zone)
    values (${schoolId}, 'Rijnland', 'BRIN', ${schoolId.slice(-6)}, 'NL', 'Europe/Amsterdam')`;
  await database.admin`
    insert into system (id, school_id, kind, connector, name, settings) values (${systemId}, ${schoolId}, 'sis', 'oneroster', 'Registra', '{}')`;
  await database.admin`insert into credential (id, school_id, system_id, state) values (${credentialId}, ${schoolId}, ${systemId}, 'entered')`;
  const place = {
    table: 'credential',
    column: 'sealed',
    schoolId,
    rowId: credentialId,
    origin: 'https://sis.example.org',
  };
  return { schoolId, credentialId, place };
}

const store = (id: string, sealed: SealedSecret) =>
  database.admin`update credential set sealed = ${database.admin.json(sealed)} where id = ${id}`;
const stored = async (id: string): Promise<unknown> => {
  const [row] = await database.admin`select sealed from credential where id = ${id}`;
  return row?.sealed;
};
const versionOf = async (id: string) => sealedSecretSchema.parse(await stored(id)).version;

describe('the keyring', () => {
  test('is made once, also by processes that start at once, and is the same for all', async () => {
    const keyrings = await Promise.all(Array.from({ length: 5 }, () => load()));
    const { place } = await makeCredential();
    const [one, other] = keyrings;
    if (one === undefined || other === undefined) throw new Error('no keyrings');
    expect(openText(other, seal(one, 'secret', place), place)).toBe('secret');
    expect(await database.admin`select version from data_key`).toHaveLength(1);
  });

  test('is there for the role of the roster too, to read', async () => {
    const web = await load();
    const sync = await loadKeyring(database.sync, env);
    const { place } = await makeCredential();
    expect(openText(sync, seal(web, 'secret', place), place)).toBe('secret');
    await expect(rotateDataKey(database.sync, env)).rejects.toThrow();
    await expect(database.web.sql`delete from data_key`).rejects.toMatchObject({ code: '42501' });
    await expect(database.web.sql`update data_key set version = 9`).rejects.toMatchObject({ code: '42501' });
  });

  test('stands in the database only wrapped', async () => {
    const keyring = await load();
    const bytes = keyring.key(1)?.export();
    const [row] = await database.admin`select encode(wrapped, 'hex') as hex from data_key`;
    expect(bytes).toHaveLength(32);
    expect(row?.hex).not.toContain(bytes?.toString('hex'));
    expect(inspect(keyring, { depth: 9 })).not.toContain(bytes?.toString('hex'));
  });

  test('does not load with another master key, under its own name or another', async () => {
    await load();
    await expect(load({ masterKeys: [masterKey('1')] })).rejects.toMatchObject({
      code: 'secret-unreadable',
      details: { problem: 'master-key-wrong' },
    });
    await expect(load({ masterKeys: [masterKey('2')] })).rejects.toMatchObject({
      code: 'secret-unreadable',
      details: { problem: 'master-key-missing' },
    });
    await expect(load({ masterKeys: [] })).rejects.toMatchObject({ code: 'secret-unreadable' });
  });

  test('does not load a wrapped key that was moved to another version or changed', async () => {
    await load();
    await rotateDataKey(database.web, env);
    await database.admin`update data_key set wrapped = (select wrapped from data_key where version = 1) where version = 2`;
    await expect(load()).rejects.toMatchObject({ details: { problem: 'master-key-wrong', keyVersion: 2 } });
  });

  test('needs a master key to be made', async () => {
    await expect(load({ masterKeys: [] })).rejects.toMatchObject({ code: 'misconfigured' });
  });
});

describe('rotation', () => {
  test('seals under the new version and still opens the old', async () => {
    const before = await load();
    const { place } = await makeCredential();
    const old = seal(before, 'secret', place);
    expect(await rotateDataKey(database.web, env)).toBe(2);
    const after = await load();
    expect(seal(after, 'new', place).version).toBe(2);
    expect(openText(after, old, place)).toBe('secret');
  });

  test('does not seal under a version that other processes may not have yet; they get it by reloading', async () => {
    const running = await load(env, 90);
    await rotateDataKey(database.web, env);
    expect((await load(env, 90)).activeVersion).toBe(1);
    const { place } = await makeCredential();
    const fresh = seal(await load(env, 0), 'secret', place);
    expect(() => open(running, fresh, place)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ problem: 'key-version-unknown' }) }),
    );
    await running.reload();
    expect(openText(running, fresh, place)).toBe('secret');
    await database.admin`update data_key set created_at = created_at - interval '2 minutes' where version = 2`;
    await running.reload();
    expect(running.activeVersion).toBe(2);
  });

  test('numbers versions one after the other, whoever rotates', async () => {
    await load();
    expect((await Promise.all([1, 2, 3].map(() => rotateDataKey(database.web, env)))).sort()).toEqual([2, 3, 4]);
    const active = await database.admin`select version from data_key where retired_at is null`;
    expect(active.map((row) => row.version)).toEqual([4]);
  });

  test('brings a row to the new version once, and leaves one without a secret alone', async () => {
    const before = await load();
    const { schoolId, credentialId, place } = await makeCredential();
    await store(credentialId, seal(before, 'secret', place));
    await rotateDataKey(database.web, env);
    const after = await load();
    const reseal = (where = place) => database.web.withSchool(schoolId, (tx) => resealRow(tx, after, where));
    expect(await reseal()).toBe(true);
    expect(await versionOf(credentialId)).toBe(2);
    expect(openText(after, await stored(credentialId), place)).toBe('secret');
    expect(await reseal()).toBe(false);
    expect(await reseal({ ...place, column: 'sealed_tokens' })).toBe(false);
    expect(await reseal({ ...place, rowId: newId() })).toBe(false);
  });

  test('reseals no row of another school, and none that was put in the wrong place', async () => {
    const before = await load();
    const [one, other] = [await makeCredential(), await makeCredential()];
    await store(one.credentialId, seal(before, 'one', one.place));
    await store(other.credentialId, seal(before, 'one', one.place));
    await rotateDataKey(database.web, env);
    const after = await load();
    expect(await database.web.withSchool(other.schoolId, (tx) => resealRow(tx, after, one.place))).toBe(false);
    await expect(
      database.web.withSchool(other.schoolId, (tx) => resealRow(tx, after, other.place)),
    ).rejects.toMatchObject({ code: 'secret-unreadable' });
    expect(await versionOf(other.credentialId)).toBe(1);
  });

  test('wraps every version under a new master key, after which the old one is not needed', async () => {
    const before = await load();
    const { place } = await makeCredential();
    const sealed = seal(before, 'secret', place);
    await rotateDataKey(database.web, env);
    const fresh = masterKey('2026');
    await expect(rewrapForNewMasterKey(database.web, { masterKeys: [fresh] })).rejects.toMatchObject({
      code: 'secret-unreadable',
    });
    expect(await rewrapForNewMasterKey(database.web, { masterKeys: [fresh, ...env.masterKeys] })).toBe(2);
    expect(await rewrapForNewMasterKey(database.web, { masterKeys: [fresh, ...env.masterKeys] })).toBe(0);
    expect(openText(await load({ masterKeys: [fresh] }), sealed, place)).toBe('secret');
    await expect(load()).rejects.toMatchObject({ details: { problem: 'master-key-missing' } });
  });
});

describe('sealed rows in the database', () => {
  test('swapped between two schools open for neither', async () => {
    const keyring = await load();
    const [one, other] = [await makeCredential(), await makeCredential()];
    await store(one.credentialId, seal(keyring, 'of one', one.place));
    await store(other.credentialId, seal(keyring, 'of the other', other.place));
    await database.admin`
      update credential c set sealed = o.sealed from credential o
       where (c.id, o.id) in ((${one.credentialId}, ${other.credentialId}), (${other.credentialId}, ${one.credentialId}))`;
    for (const { credentialId, place } of [one, other]) {
      const value = await stored(credentialId);
      expect(() => open(keyring, value, place)).toThrow(expect.objectContaining({ code: 'secret-unreadable' }));
    }
  });

  test('do not open beside an origin that was changed', async () => {
    const keyring = await load();
    const { credentialId, place } = await makeCredential();
    await store(credentialId, seal(keyring, 'secret', place));
    const value = await stored(credentialId);
    expect(() => open(keyring, value, { ...place, origin: 'https://thief.example.org' })).toThrow(
      expect.objectContaining({ code: 'secret-unreadable' }),
    );
    expect(openText(keyring, value, place)).toBe('secret');
  });
});
