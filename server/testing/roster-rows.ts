import { type SystemKind, scopes as vocabulary } from '#db/schema/vocabulary.ts';
import type { TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { makeAgreement, type TestSchool, testNow } from './actors.ts';

/** What `content_hash` is where it does not matter. */
const anyHash = 1;

/** A system of a school, with no connection. */
export async function makeSystem(
  database: TestDatabase,
  school: Pick<TestSchool, 'schoolId'>,
  { name = 'The SIS', kind = 'sis' }: { name?: string; kind?: SystemKind } = {},
): Promise<string> {
  const systemId = newId();
  await database.admin`
    insert into system (id, school_id, kind, connector, name, settings, origins, host_confirmed_at)
    values (${systemId}, ${school.schoolId}, ${kind}, ${kind === 'sis' ? 'oneroster' : 'moodle'}, ${name}, '{}',
            ${[`https://${systemId}.example`]}, ${testNow})`;
  return systemId;
}

/** A live edge of the marketplace, or of another system, to a system, with its grant and a proved credential. */
export async function makeLiveEdge(
  database: TestDatabase,
  school: TestSchool,
  systemId: string,
  { scopes, consumerSystemId = null }: { scopes: readonly string[]; consumerSystemId?: string | null },
): Promise<string> {
  const { admin } = database;
  const { schoolId } = school;
  const [connectionId, requestId] = [newId(), newId()];
  const [known] = await admin`select id from agreement where school_id = ${schoolId} and state = 'in-force' limit 1`;
  const agreementId = known === undefined ? await makeAgreement(database, school) : String(known.id);
  const [system] = await admin`select origins from system where id = ${systemId}`;
  await admin`
    insert into connection (id, school_id, consumer_kind, consumer_system_id, producer_system_id, way, state, turn, cause, last_received_at)
    values (${connectionId}, ${schoolId}, ${consumerSystemId === null ? 'marketplace' : 'lms'}, ${consumerSystemId}, ${systemId},
            ${consumerSystemId === null ? null : 'pull'}, 'requested', 'nobody',
            'in-sync', ${testNow})`;
  await admin`
    insert into request (id, school_id, connection_id, kind, state, scopes, purpose, until, product, origins, agreement_id, drafted_as, fingerprint, sent_at,
                         decided_at)
    values (${requestId}, ${schoolId}, ${connectionId}, 'open', 'approved', ${admin.json(scopes.map((scope) => ({ scope, required: true })))},
            'testing', '2027-09-30', 'x', ${system?.origins ?? []}, ${agreementId}, 'school', 'x', ${testNow}, ${testNow})`;
  await admin`
    insert into "grant" (id, school_id, connection_id, request_id, scopes, sharing_rule, purpose, valid_from, valid_until, granted_by)
    values (${newId()}, ${schoolId}, ${connectionId}, ${requestId}, ${[...scopes]},
            ${admin.json({ sites: [], streams: [], subjects: [], groups: [] })}, 'testing', ${testNow}, '2027-09-30', ${school.people.approver.userId})`;
  await admin`
    insert into credential (id, school_id, system_id, state, proved_at, proof)
    select ${newId()}, ${schoolId}, ${systemId}, 'proved', ${testNow},
           ${admin.json({ ok: true, results: vocabulary.map((scope) => ({ scope, ok: true, errorCode: null, details: {} })), actsAs: null, about: {}, advice: [] })}
     where not exists (select 1 from credential where system_id = ${systemId})`;
  await admin`update connection set state = 'live' where id = ${connectionId}`;
  return connectionId;
}

type Cells = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** A row of a roster table, seen at `testNow`; what is not named is as the table has it. @returns its Crosswalk id */
export async function putRosterRow(
  database: TestDatabase,
  table: string,
  { schoolId, systemId, sourceId, ...cells }: Cells & { schoolId: string; systemId: string; sourceId: string },
): Promise<string> {
  const row = {
    id: newId(),
    school_id: schoolId,
    system_id: systemId,
    source_id: sourceId,
    content_hash: anyHash,
    first_seen_at: testNow,
    ...(table === 'roster_person' ? { kind: 'student', kinds: ['student'] } : {}),
    ...cells,
  };
  await database.admin`insert into ${database.admin(table)} ${database.admin(row)}`;
  return row.id;
}
