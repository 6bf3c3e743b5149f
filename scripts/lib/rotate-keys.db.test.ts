import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { urlForRole } from '#db/roles.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { placeOfSecret, placeOfTokens, placeOfVerifier } from '#server/features/connections/credential-places.ts';
import { placeOfClientSecret } from '#server/features/consumers/client-secret.ts';
import { sealedTotpPlace } from '#server/features/people/second-factor.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { openText, type SealedPlace, seal } from '#server/kernel/sealed.ts';
import { runScript } from '../testing/run-script.ts';
import { rotateKeys } from './rotate-keys.ts';
import { sealedColumns } from './sealed-columns.ts';

const id = (n: number) => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const [school, system, credential, attempt, user, mail] = [id(1), id(2), id(3), id(4), id(5), id(6)];
const [client, clientSecret] = [id(7), id(8)];
const origins = ['https://sis.example.org'];
const places: Record<string, SealedPlace> = {
  'credential.sealed': placeOfSecret({ schoolId: school, credentialId: credential, origins }),
  'credential.sealed_tokens': placeOfTokens({ schoolId: school, credentialId: credential, origins }),
  'oauth_attempt.sealed_verifier': placeOfVerifier(school, attempt, origins),
  'totp.sealed_secret': sealedTotpPlace(user),
  'consumer_secret.sealed': placeOfClientSecret(school, clientSecret),
  'mail.sealed_parameters': { table: 'mail', column: 'sealed_parameters', schoolId: school, rowId: mail, origin: null },
};

describe('npm run rotate-keys', () => {
  let database: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-rotate-'));
  const old = () => ({ id: '1', base64: database.masterKey });
  const fresh = { id: '2027', base64: randomBytes(32).toString('base64') };
  const migratorUrl = () => urlForRole(database.adminUrl, database.masterKey, 'migrator');
  const rotate = (masterKeys: { id: string; base64: string }[], newDataKey: boolean) =>
    rotateKeys({
      migratorUrl: migratorUrl(),
      env: { masterKeys },
      newDataKey,
      settleSeconds: 0,
      wait: async () => undefined,
    });
  const keyColumn = (name: string) => (name.startsWith('totp') ? 'user_id' : 'id');
  const stored = async (name: string): Promise<unknown> => {
    const [table = '', column = ''] = name.split('.');
    const [row] = await database.admin.unsafe(
      `select ${column} as value from ${table} where ${keyColumn(name)} is not null`,
    );
    return row?.value;
  };
  const versions = async () =>
    Promise.all(
      Object.keys(places).map(async (name) => z.object({ version: z.number() }).parse(await stored(name)).version),
    );

  beforeAll(async () => {
    database = await createTestDatabase();
    const keys = await loadKeyring(database.web, { masterKeys: [old()] });
    const sealed = (name: string) => {
      const place = places[name];
      if (place === undefined) throw new Error(name);
      return database.admin.json({ ...seal(keys, `secret of ${name}`, place) });
    };
    const sql = database.admin;
    await sql`insert into organisation (id, kind, name) values (${school}, 'school', 'x')`;
    await sql`insert into school (id, name, register, register_number, country, time_zone) values (${school}, 'x', 'other', '1', 'NL', 'Europe/Amsterdam')`;
    await sql`insert into system (id, school_id, kind, connector, name, settings, origins) values (${system}, ${school}, 'sis', 'oneroster', 'SIS', '{}', ${sql.array(origins)})`;
    await sql`insert into credential (id, school_id, system_id, state, sealed, sealed_tokens)
              values (${credential}, ${school}, ${system}, 'proved', ${sealed('credential.sealed')}, ${sealed('credential.sealed_tokens')})`;
    await sql`insert into oauth_attempt (id, school_id, system_id, credential_id, state_hash, sealed_verifier, redirect_uri, expires_at)
              values (${attempt}, ${school}, ${system}, ${credential}, 'x', ${sealed('oauth_attempt.sealed_verifier')}, 'x', now())`;
    await sql`insert into connection (id, school_id, consumer_kind, producer_system_id, state, turn)
              values (${client}, ${school}, 'marketplace', ${system}, 'draft', 'agent')`;
    await sql`insert into consumer_client (id, school_id, connection_id, client_id) values (${client}, ${school}, ${client}, 'x')`;
    await sql`insert into consumer_secret (id, school_id, consumer_client_id, hash, hint, sealed)
              values (${clientSecret}, ${school}, ${client}, '\\x00', 'x', ${sealed('consumer_secret.sealed')})`;
    await sql`insert into app_user (id, email, email_folded, name) values (${user}, 'a@example.org', 'a@example.org', 'A')`;
    await sql`insert into totp (user_id, sealed_secret) values (${user}, ${sealed('totp.sealed_secret')})`;
    await sql`insert into mail (id, school_id, to_address, template, sealed_parameters)
              values (${mail}, ${school}, 'a@example.org', 'x', ${sealed('mail.sealed_parameters')})`;
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('knows every column that holds sealed values', async () => {
    const columns = z.array(z.object({ name: z.string() })).parse(
      await database.admin`select table_name || '.' || column_name as name from information_schema.columns
                              where table_schema = 'public' and data_type = 'jsonb' and column_name like 'sealed%' order by 1`,
    );
    expect(sealedColumns.map(({ table, column }) => `${table}.${column}`).toSorted()).toEqual(
      columns.map(({ name }) => name),
    );
    expect(Object.keys(places).toSorted()).toEqual(columns.map(({ name }) => name));
  });

  it('seals every secret anew under a new data key, each at its place', async () => {
    expect(await versions()).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await rotate([old()], true)).toEqual({ rewrapped: 0, version: 2, resealed: 6, unreadable: [] });
    expect(await versions()).toEqual([2, 2, 2, 2, 2, 2]);
    const keys = await loadKeyring(database.web, { masterKeys: [old()] });
    for (const [name, place] of Object.entries(places))
      expect(openText(keys, await stored(name), place)).toBe(`secret of ${name}`);
  });

  it('takes up a new master key without touching a secret, after which the old one is not needed', async () => {
    expect(await rotate([fresh, old()], false)).toEqual({ rewrapped: 2, version: null, resealed: 0, unreadable: [] });
    expect(await versions()).toEqual([2, 2, 2, 2, 2, 2]);
    const keys = await loadKeyring(database.web, { masterKeys: [fresh] });
    for (const [name, place] of Object.entries(places))
      expect(openText(keys, await stored(name), place)).toBe(`secret of ${name}`);
    await expect(loadKeyring(database.web, { masterKeys: [old()] })).rejects.toMatchObject({
      code: 'secret-unreadable',
    });
  });

  it('changes nothing where the master key from then is missing', async () => {
    await expect(rotate([{ id: 'other', base64: randomBytes(32).toString('base64') }], true)).rejects.toMatchObject({
      code: 'secret-unreadable',
    });
    expect(await versions()).toEqual([2, 2, 2, 2, 2, 2]);
  });

  it('names a value that does not open where it stands, and leaves it', async () => {
    const before = await stored('credential.sealed');
    await database.admin`update system set origins = ${database.admin.array(['https://thief.example.org'])}`;
    const report = await rotate([fresh], true);
    expect(report.resealed).toBe(3);
    expect(report.unreadable.map(({ table, column }) => `${table}.${column}`)).toEqual([
      'credential.sealed',
      'credential.sealed_tokens',
      'oauth_attempt.sealed_verifier',
    ]);
    expect(await stored('credential.sealed')).toEqual(before);
  });

  it('is a command with a sentence for what it does not know', async () => {
    const { code, stderr } = await runScript('scripts/rotate-keys.ts', ['everything'], { DATA_DIR: folder });
    expect(stderr).toMatch(/^`npm run rotate-keys` makes a new data key/);
    expect(code).toBe(1);
  });
});
