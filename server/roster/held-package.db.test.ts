import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import type { Context } from '#server/kernel/context.ts';
import { systemContext } from '#server/testing/actors.ts';
import { dropOldPackages, receivePackage } from './receive-package.ts';
import { manifestOf, smallPackage, zipOf } from './testing/small-package.ts';
import { makeSyncedSchool, recordedPorts, runSync, type SyncedSchool } from './testing/sync-harness.ts';

let database: TestDatabase;
let web: Context;
let sync: Context;
let school: SyncedSchool;
let now = new Date('2026-11-20T09:00:00Z');
const ports = recordedPorts({ connector: 'oneroster-csv', settings: {}, secret: {} });

beforeAll(async () => {
  database = await createTestDatabase();
  web = await systemContext(database, { clock: { now: () => now } });
  sync = { ...web, database: database.sync };
});
beforeEach(async () => {
  school = await makeSyncedSchool(database, {
    connector: 'oneroster-csv',
    kind: 'sis',
    scopes: ['roster.groups', 'roster.students'],
    settings: { way: 'upload' },
  });
});
afterAll(() => database?.drop());

const whole = smallPackage('1.2', 10);
async function* bytes() {
  yield zipOf({
    'manifest.csv': manifestOf('1.2', Object.keys(whole)),
    ...Object.fromEntries(Object.entries(whole).map(([name, lines]) => [name, lines.join('')])),
  });
}

/** Hands a package in whose run is held. */
async function held(): Promise<string> {
  const { schoolId, systemId } = school;
  await database.admin`
    insert into sync_settings (system_id, school_id, hold_next, updated_at) values (${systemId}, ${schoolId}, true, ${now})
    on conflict (system_id) do update set hold_next = true`;
  const { syncRunId } = await receivePackage(web, {
    schoolId,
    systemId,
    via: 'browser',
    fileName: 'package.zip',
    uploadedBy: null,
    bytes: bytes(),
  });
  expect((await runSync({ web, sync }, ports, school, syncRunId)).applied).toMatchObject({ outcome: 'held' });
  return syncRunId;
}
const chunks = async () =>
  (await database.admin`select count(*)::int as n from roster_upload_chunk where school_id = ${school.schoolId}`)[0]?.n;
const later = (days: number) => {
  now = new Date(now.getTime() + days * 86_400_000);
};

it('a package whose run is held stays until that is decided, and is read again where the database lost what was staged', async () => {
  const { schoolId, systemId } = school;
  const syncRunId = await held();
  later(5);
  await dropOldPackages(web, schoolId);
  expect(await chunks()).toBe(1);
  await database.sync.withSchool(schoolId, (tx) => tx.execute(sql`select across.close_staging(${syncRunId}::uuid)`));
  await database.admin`update sync_run set state = 'queued', approved_fingerprint = held ->> 'fingerprint', applied_as = 'all' where id = ${syncRunId}`;
  await dropOldPackages(web, schoolId);
  expect((await runSync({ web, sync }, ports, school, syncRunId)).applied).toMatchObject({ outcome: 'applied' });
  const [there] = await database.admin`select count(*)::int as n from roster_person where system_id = ${systemId}`;
  expect(there?.n).toBeGreaterThan(0);
  expect(await chunks()).toBe(0);
});

it('once it was discarded, the package goes with the others of that age', async () => {
  const syncRunId = await held();
  later(5);
  await database.admin`update sync_run set state = 'discarded' where id = ${syncRunId}`;
  await dropOldPackages(web, school.schoolId);
  expect(await chunks()).toBe(0);
});
