import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import { contextFor, makeSchool, type TestSchool } from '#server/testing/actors.ts';
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
