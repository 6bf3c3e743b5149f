import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { runWork } from '#server/kernel/verb.ts';
import { jobContext, makeOperator, makeSchool, type TestSchool } from '#server/testing/actors.ts';
import { signAuditHeads } from './sign-audit-heads.ts';

describe('signing the heads of the audit chains', () => {
  let database: TestDatabase;
  let school: TestSchool;
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-heads-'));
  const env = () => ({
    masterKeys: [{ id: '1', base64: database.masterKey }],
    auditHeadsFile: join(folder, 'heads.jsonl'),
  });
  const job = () => jobContext(database, 'sign-audit-heads');

  beforeAll(async () => {
    database = await createTestDatabase();
    school = await makeSchool(database);
    await makeOperator(database);
    for (const subjectId of ['one', 'two', 'three']) {
      await runWork(await job(), { schoolId: school.schoolId }, async (work) =>
        work.audit({ action: 'test.done', subjectKind: 'test', subjectId }),
      );
    }
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const mails = () => database.admin`select to_address from mail where template = 'audit-broken'`;

  it('writes a line for a chain that has grown, none for one that has not', async () => {
    const first = await signAuditHeads(await job(), env());
    expect(first).toMatchObject({ broken: 0, badLines: 0 });
    expect(first.written).toBeGreaterThan(0);
    expect(await signAuditHeads(await job(), env())).toEqual({ written: 0, broken: 0, badLines: 0 });
    expect(readFileSync(env().auditHeadsFile, 'utf8')).toContain(school.schoolId);
  });

  it('tells the operator once where a chain was cut behind what was signed', async () => {
    await database.admin.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`delete from audit_entry where chain_id = ${school.schoolId} and seq = (select max(seq) from audit_entry where chain_id = ${school.schoolId})`;
      await tx`update audit_head set seq = seq - 1, hash = (select hash from audit_entry where chain_id = ${school.schoolId} order by seq desc limit 1) where chain_id = ${school.schoolId}`;
    });
    expect(await signAuditHeads(await job(), env())).toMatchObject({ broken: 1 });
    expect(await mails()).toHaveLength(1);
    expect(await signAuditHeads(await job(), env())).toMatchObject({ broken: 1 });
    expect(await mails()).toHaveLength(1);
  });
});
