import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openDatabase, refuseUnsafeRole } from './client.ts';
import { createTestDatabase, type TestDatabase } from './testing/test-database.ts';

const tenantRule = "school_id = (select nullif(current_setting('app.school', true), '')::uuid)";

/** Tables that hold no school's rows, each with the reason why. A new table is a decision: protect it or list it here. */
const noTenant: Record<string, string> = {
  app_user: 'staff accounts; a person can serve several organisations',
  session: 'belongs to an account',
  totp: 'belongs to an account',
  recovery_code: 'belongs to an account',
  oidc_identity: 'belongs to an account',
  sign_in_throttle: 'hashed keys and counters',
  register_entry: 'public facts of the official registers',
  school_registration: 'asked for by somebody who has no account yet; no school exists behind it',
  data_key: 'wrapped keys',
  installation: 'facts about this installation',
};

describe('row-level security', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('holds every table that has a school, by force and by the one rule', async () => {
    const rows = z
      .array(
        z.object({
          name: z.string(),
          tenant: z.boolean(),
          enabled: z.boolean(),
          forced: z.boolean(),
          rule: z.string().nullable(),
        }),
      )
      .parse(
        await database.admin`
        select c.relname as name, exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname in ('school_id', 'agent_id') and not a.attisdropped) as tenant,
               c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
               (select lower(pg_get_expr(p.polqual, p.polrelid)) from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant') as rule
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p')`,
      );
    const open = rows.filter((row) => !(row.enabled && row.forced && row.rule !== null)).map((row) => row.name);
    expect(open.toSorted()).toEqual(Object.keys(noTenant).toSorted());
    for (const row of rows.filter((entry) => entry.tenant)) {
      expect(row.rule, row.name).toMatch(/app\.(school|agent)/);
    }
    expect(tenantRule).toContain('app.school');
  });

  it('shows nothing without a school and refuses a row of another', async () => {
    const [a, b] = ['01890000-0000-7000-8000-00000000000a', '01890000-0000-7000-8000-00000000000b'];
    for (const id of [a, b]) {
      await database.admin`insert into organisation (id, kind, name) values (${id}, 'school', ${`School ${id.slice(-1)}`})`;
      await database.admin`insert into school (id, name, register, register_number, country, time_zone) values (${id}, 'x', 'other', ${id}, 'NL', 'Europe/Amsterdam')`;
    }
    const count = (tx: Parameters<Parameters<typeof database.web.withSchool>[1]>[0]) => tx.query.school.findMany();
    expect(await database.web.withoutSchool(count)).toHaveLength(0);
    expect((await database.web.withSchool(a, count)).map((row) => row.id)).toEqual([a]);
    await expect(
      database.web.sql.begin(async (tx) => {
        await tx`select set_config('app.school', ${a}, true)`;
        await tx`insert into site (id, school_id, name) values (${b}, ${b}, 'stolen')`;
      }),
    ).rejects.toMatchObject({ code: '42501' });
  });

  it('lets the owner see every row, so that a data migration under FORCE is not silently empty', async () => {
    const changed = await database.admin.begin(async (tx) => {
      await tx`set local role crosswalk_owner`;
      return tx`update school set name = name where true`;
    });
    expect(changed.count).toBeGreaterThan(0);
  });

  it('refuses to run as a superuser or as the owner', async () => {
    const unsafe = openDatabase(database.adminUrl, { max: 1 });
    await expect(refuseUnsafeRole(unsafe)).rejects.toMatchObject({ code: 'misconfigured' });
    await unsafe.close();
    await expect(refuseUnsafeRole(database.web)).resolves.toBeUndefined();
    await expect(refuseUnsafeRole(database.sync)).resolves.toBeUndefined();
  });
});
