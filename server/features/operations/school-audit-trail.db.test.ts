import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import { contextFor, makeSchool, type TestSchool, testNow } from '#server/testing/actors.ts';
import { exportSchoolAuditTrail, schoolAuditTrail, verifySchoolAuditTrail } from './school-audit-trail.ts';

describe("a school's audit trail", () => {
  let database: TestDatabase;
  let school: TestSchool;

  beforeAll(async () => {
    database = await createTestDatabase();
    school = await makeSchool(database);
    const ctx = await contextFor(database, school.people['technical-contact']);
    for (const name of ['First', 'Second']) {
      await addSystem({ ctx, input: { schoolId: school.schoolId, kind: 'sis', product: 'oneroster-1.2', name } });
    }
  });
  afterAll(() => database.drop());

  const input = () => ({ schoolId: school.schoolId });

  it('is read newest first by every role, and by no other school', async () => {
    const ctx = await contextFor(database, school.people.signatory);
    const { entries, next } = await schoolAuditTrail({ ctx, input: input() });
    expect(entries.map(({ seq, action, actorName }) => [seq, action, actorName])).toEqual([
      [2, 'system.added', 'Tom Technical'],
      [1, 'system.added', 'Tom Technical'],
    ]);
    expect(next).toBeNull();
    const other = await makeSchool(database);
    const stranger = await contextFor(database, other.people['school-administrator']);
    await expect(schoolAuditTrail({ ctx: stranger, input: input() })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('is filtered by area, by who acted and by day, and read on from where it ended', async () => {
    const ctx = await contextFor(database, school.people.signatory);
    const seqs = async (filter: Partial<Parameters<typeof schoolAuditTrail>[0]['input']>) =>
      (await schoolAuditTrail({ ctx, input: { ...input(), ...filter } })).entries.map(({ seq }) => seq);
    expect(await seqs({ area: 'credentials' })).toEqual([2, 1]);
    expect(await seqs({ area: 'people' })).toEqual([]);
    expect(await seqs({ by: 'people', who: 'tom' })).toEqual([2, 1]);
    expect(await seqs({ by: 'crosswalk' })).toEqual([]);
    expect(await seqs({ who: '%' })).toEqual([]);
    expect(await seqs({ from: testNow.slice(0, 10), until: testNow.slice(0, 10) })).toEqual([2, 1]);
    expect(await seqs({ until: '2026-03-01' })).toEqual([]);
    expect(await seqs({ cursor: 2 })).toEqual([1]);
    const { entries } = await schoolAuditTrail({ ctx, input: input() });
    expect(entries[0]).toMatchObject({ subjectKind: 'system', subjectName: 'Second' });
  });

  it('is exported with the export itself as its next entry, and names the first entry that was altered', async () => {
    const ctx = await contextFor(database, school.people['school-administrator']);
    expect(await verifySchoolAuditTrail({ ctx, input: input() })).toMatchObject({ ok: true, entries: 2 });
    const file = await exportSchoolAuditTrail({ ctx, input: input() });
    expect(file.body.trim().split('\n')).toHaveLength(3);
    expect(await verifySchoolAuditTrail({ ctx, input: input() })).toMatchObject({ ok: true, entries: 3 });
    await database.admin`set session_replication_role = replica`;
    await database.admin`update audit_entry set details = '{}' where school_id = ${school.schoolId} and seq = 2`;
    expect(await verifySchoolAuditTrail({ ctx, input: input() })).toMatchObject({ ok: false, firstBad: { seq: 2 } });
  });
});
