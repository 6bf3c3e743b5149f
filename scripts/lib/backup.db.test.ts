import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { urlForRole } from '#db/roles.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { restoreBackup, writeBackup } from './backup.ts';

describe('backup and restore', () => {
  let from: TestDatabase;
  let into: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-backup-'));
  const heads = join(folder, 'heads.jsonl');
  const file = join(folder, 'one.backup');
  const school = '01890000-0000-7000-8000-00000000000a';
  const migrator = (database: TestDatabase) => urlForRole(database.adminUrl, database.masterKey, 'migrator');

  beforeAll(async () => {
    [from, into] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    await from.admin`insert into organisation (id, kind, name) values (${school}, 'school', 'Ünder "the" \\ tab\there')`;
    await from.admin`insert into school (id, name, register, register_number, country, time_zone) values (${school}, 'line
break', 'BRIN', '00AA', 'NL', 'Europe/Amsterdam')`;
    await from.admin`insert into site (id, school_id, name) values (${school}, ${school}, 'Noord')`;
    await from.admin`insert into outbox (id, school_id, name, data, sent_at) values (${school}, ${school}, 'agreement/changed', '{}', now())`;
    writeFileSync(heads, '{"head":1}\n');
  });
  afterAll(async () => {
    await Promise.all([from.drop(), into.drop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  it('brings back every row, byte for byte, and asks again for what queues held', async () => {
    const written = await writeBackup(migrator(from), file, heads);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    rmSync(heads);
    const restored = await restoreBackup(migrator(into), file, heads);
    expect(restored).toEqual(written);
    expect(await into.admin`select name from organisation`).toEqual(await from.admin`select name from organisation`);
    expect(await into.admin`select name from school`).toEqual([{ name: 'line\nbreak' }]);
    expect(await into.admin`select sent_at from outbox`).toEqual([{ sent_at: null }]);
    expect(readFileSync(heads, 'utf8')).toBe('{"head":1}\n');
    const open =
      await into.admin`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relforcerowsecurity and not relrowsecurity`;
    expect(open).toHaveLength(0);
  });

  it('refuses a database that holds something', async () => {
    await expect(restoreBackup(migrator(into), file, heads)).rejects.toThrow('not empty');
  });

  it('refuses a file that was cut short or altered, before it changes anything', async () => {
    const bytes = readFileSync(file);
    const cut = join(folder, 'cut.backup');
    writeFileSync(cut, bytes.subarray(0, bytes.length - 40));
    await expect(restoreBackup(migrator(into), cut, heads)).rejects.toThrow('cut short');
    const other = join(folder, 'other.backup');
    writeFileSync(other, 'not a backup');
    await expect(restoreBackup(migrator(into), other, heads)).rejects.toThrow('not a backup');
  });
});
