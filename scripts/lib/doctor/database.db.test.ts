import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { appendAudit } from '#server/kernel/audit.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { type Environment, loadEnvironment } from '#server/kernel/env.ts';
import { writeSignedHeads } from '#server/kernel/signed-heads.ts';
import { freePort } from '../postgres.ts';
import { roleUrls } from '../prepare-database.ts';
import {
  lookAtAudit,
  lookAtBackup,
  lookAtJobs,
  lookAtKeys,
  lookAtMigrations,
  lookAtRoles,
  lookAtRowSecurity,
  lookAtServer,
} from './database.ts';

describe('the doctor on the database', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-doctor-'));
  let database: TestDatabase;
  let env: Environment;
  const environment = (more: Record<string, string> = {}) =>
    loadEnvironment({
      DATABASE_URL: database.adminUrl,
      CROSSWALK_MASTER_KEY: database.masterKey,
      AUDIT_HEADS_FILE: join(folder, 'heads.jsonl'),
      ...more,
    });
  const states = (findings: readonly { check: string; state: string }[]) =>
    findings.map(({ check, state }) => `${check} ${state}`);

  beforeAll(async () => {
    database = await createTestDatabase();
    env = environment();
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says version, encoding and clock of a server that answers', async () => {
    const { findings } = await lookAtServer('DATABASE_URL', database.adminUrl);
    expect(states(findings)).toEqual(['database ok', 'clock ok']);
  });

  it('says what is wrong with one that does not', async () => {
    const { findings, facts } = await lookAtServer('DATABASE_URL', `postgres://u@127.0.0.1:${await freePort()}/x`);
    expect(facts).toBeNull();
    expect(findings[0]?.sentence).toMatch(/nothing answers there/);
  });

  it('finds the roles in order', async () => {
    expect(states(await lookAtRoles(env, roleUrls(env, database.adminUrl)))).toEqual([
      'roles ok',
      'roles ok',
      'roles ok',
    ]);
  });

  it('names a role that row-level security does not hold, a login that fails, a migrator without its role', async () => {
    const urls = roleUrls(env, database.adminUrl);
    const wrongPassword = new URL(urls.sync);
    wrongPassword.password = 'x';
    const findings = await lookAtRoles(env, {
      web: database.adminUrl,
      sync: wrongPassword.toString(),
      migrator: urls.web,
    });
    expect(states(findings)).toEqual(['roles wrong', 'roles wrong', 'roles wrong']);
    expect(findings[0]?.sentence).toMatch(/signs in as postgres, which is superuser/);
    expect(findings[1]?.sentence).toMatch(/refuses user crosswalk_sync with this password/);
    expect(findings[2]?.sentence).toMatch(/may not become crosswalk_owner/);
  });

  it('names a table whose row-level security was taken off', async () => {
    expect(states(await lookAtRowSecurity(database.web))).toEqual(['row-security ok']);
    await database.admin`alter table site no force row level security`;
    expect((await lookAtRowSecurity(database.web))[0]?.sentence).toMatch(/^Row-level security is off for site:/);
    await database.admin`alter table site force row level security`;
  });

  it('counts migrations that are missing, and knows a newer database', async () => {
    const urls = roleUrls(env, database.adminUrl);
    expect(states(await lookAtMigrations(urls))).toEqual(['migrations ok']);
    await database.admin`update drizzle.__drizzle_migrations set created_at = created_at + 1e13`;
    expect((await lookAtMigrations(urls))[0]?.sentence).toMatch(/by a newer version/);
    await database.admin`update drizzle.__drizzle_migrations set created_at = created_at - 1e13`;
    await database.admin`delete from drizzle.__drizzle_migrations where created_at = (select max(created_at) from drizzle.__drizzle_migrations)`;
    expect((await lookAtMigrations(urls))[0]?.sentence).toMatch(/^1 of \d+ migrations are not applied/);
  });

  it('tells the right master key from another', async () => {
    expect(states(await lookAtKeys(database.web, env))).toEqual(['keys skipped']);
    await loadKeyring(database.web, env);
    expect(states(await lookAtKeys(database.web, env))).toEqual(['keys ok']);
    const other = environment({ CROSSWALK_MASTER_KEY: randomBytes(32).toString('base64') });
    expect((await lookAtKeys(database.web, other))[0]?.sentence).toMatch(/not the key under which/);
  });

  it('verifies the audit chains against themselves and their signed heads', async () => {
    await database.web.withoutSchool(async (tx) => {
      const entry = {
        chain: 'operator',
        action: 'test.happened',
        subjectKind: 'test',
        subjectId: null,
        actor: { kind: 'system', reason: 'test' },
        details: {},
        at: new Date(),
      } as const;
      await appendAudit(tx, [entry, entry]);
    });
    expect(states(await lookAtAudit(database.web, env))).toEqual(['audit warning']);
    await writeSignedHeads({ database: database.web, env, clock: systemClock });
    expect(states(await lookAtAudit(database.web, env))).toEqual(['audit ok']);
    await database.admin.begin(async (tx) => {
      await tx`alter table audit_entry disable trigger user`;
      await tx`update audit_entry set action = 'test.forged' where seq = 1`;
      await tx`alter table audit_entry enable trigger user`;
    });
    expect((await lookAtAudit(database.web, env))[0]?.sentence).toMatch(
      /^The audit chain of the operator is not sound at entry 1 \(altered\)/,
    );
    writeFileSync(env.auditHeadsFile, 'nonsense\n');
    expect((await lookAtAudit(database.web, env))[0]?.sentence).toMatch(/^Line 1 of .* is not as it was written/);
  });

  it('knows a worker that never ran, one that lives, one that died, and events that pile up', async () => {
    expect((await lookAtJobs(database.web))[0]?.sentence).toMatch(/^No worker has ever run/);
    const id = '01890000-0000-7000-8000-00000000000a';
    await database.admin`insert into jobs.worker (id, executor, heartbeat_at) values (${id}, 'embedded', now())`;
    expect(states(await lookAtJobs(database.web))).toEqual(['worker ok', 'outbox ok']);
    await database.admin`insert into jobs.pulse (one, beaten_at) values (true, now() - interval '10 minutes')`;
    expect((await lookAtJobs(database.web))[1]?.sentence).toMatch(/jobs are asked for but not run/);
    await database.admin`update jobs.worker set heartbeat_at = now() - interval '1 hour'`;
    await database.admin`insert into outbox (id, name, data, created_at) values (${id}, 'agreement/changed', '{}', now() - interval '1 hour')`;
    const late = await lookAtJobs(database.web);
    expect(states(late)).toEqual(['worker wrong', 'outbox wrong']);
    expect(late[0]?.sentence).toMatch(/3600 s old/);
  });

  it('knows how old the last backup is', async () => {
    const now = new Date('2026-03-10T12:00:00Z');
    expect(states(await lookAtBackup(database.web, now))).toEqual(['backup warning']);
    const made = async (at: string) => {
      await database.admin`insert into installation (key, value, updated_at) values ('last-backup', ${database.admin.json({ at })}, now())
                           on conflict (key) do update set value = excluded.value`;
      return (await lookAtBackup(database.web, now))[0];
    };
    expect(await made('2026-03-10T02:00:00Z')).toMatchObject({ state: 'ok' });
    expect((await made('2026-03-01T02:00:00Z'))?.sentence).toMatch(/^The last backup is 9 days old/);
  });
});
