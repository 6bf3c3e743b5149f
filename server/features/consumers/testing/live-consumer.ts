import type { SharingRule } from '#db/schema/index.ts';
import type { Scope } from '#db/schema/vocabulary.ts';
import type { TestDatabase } from '#db/testing/test-database.ts';
import { newToken } from '#server/features/people/session-token.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextOf, makeAgent, makeAgreement, makeSchool, testNow } from '#server/testing/actors.ts';
import { writeSecret } from '../client-secret.ts';

/** The scope strings of both versions of OneRoster, demographics apart. */
export const wireRoster = [
  'https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly',
  'https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly',
];

export interface LiveConsumer {
  readonly schoolId: string;
  readonly sisId: string;
  readonly lmsId: string;
  readonly connectionId: string;
  readonly grantId: string;
  readonly consumerClientId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** A bearer token, good for an hour from `testNow`. */
  readonly token: string;
}

/** A school whose LMS asks for its roster: a live edge, its grant, a client and a token, written as rows. */
export async function makeLiveConsumer(
  database: TestDatabase,
  {
    scopes = [
      'roster.subjects',
      'roster.streams',
      'roster.groups',
      'roster.classes',
      'roster.teachers',
      'roster.students',
    ],
    wireScopes = wireRoster,
    withoutFields = [],
    sharingRule = { sites: [], streams: [], subjects: [], groups: [] },
  }: {
    readonly scopes?: readonly Scope[];
    readonly wireScopes?: readonly string[];
    readonly withoutFields?: readonly string[];
    readonly sharingRule?: SharingRule;
  } = {},
): Promise<LiveConsumer> {
  const { admin } = database;
  const { agentId } = await makeAgent(database);
  const school = await makeSchool(database, { agentId });
  const agreementId = await makeAgreement(database, school, { agentId });
  const { schoolId } = school;
  const [sisId, lmsId, connectionId] = [newId(), newId(), newId()];
  const [requestId, grantId, consumerClientId] = [newId(), newId(), newId()];
  const by = school.people.approver.userId;
  await admin`
    insert into system (id, school_id, kind, connector, name, settings, origins)
    values (${sisId}, ${schoolId}, 'sis', 'oneroster', 'Registra', '{}', '{https://sis.example}'),
           (${lmsId}, ${schoolId}, 'lms', 'moodle', 'Moodle', '{}', '{https://moodle.example}')`;
  await admin`
    insert into credential (id, school_id, system_id, state, proved_at)
    values (${newId()}, ${schoolId}, ${sisId}, 'proved', ${testNow})`;
  await admin`
    insert into connection (id, school_id, consumer_kind, consumer_system_id, producer_system_id, way, state, turn, cause)
    values (${connectionId}, ${schoolId}, 'lms', ${lmsId}, ${sisId}, 'pull', 'connecting', 'crosswalk', 'first-sync')`;
  await admin`
    insert into request (id, school_id, connection_id, kind, state, scopes, purpose, until, product, agreement_id, drafted_as, fingerprint)
    values (${requestId}, ${schoolId}, ${connectionId}, 'open', 'approved',
            ${admin.json(scopes.map((scope) => ({ scope, required: true })))}, 'Courses for every group', '2026-09-30', 'OneRoster 1.2',
            ${agreementId}, 'school', '')`;
  await admin`
    insert into "grant" (id, school_id, connection_id, request_id, scopes, without_fields, sharing_rule, purpose, valid_from, valid_until, granted_by)
    values (${grantId}, ${schoolId}, ${connectionId}, ${requestId}, ${[...scopes]}, ${[...withoutFields]}, ${admin.json({ ...sharingRule })},
            'Courses for every group', ${testNow}, '2026-09-30', ${by})`;
  await admin`update connection set state = 'live', turn = 'nobody', cause = 'in-sync' where id = ${connectionId}`;
  const clientId = `client-${consumerClientId}`;
  await admin`
    insert into consumer_client (id, school_id, connection_id, client_id)
    values (${consumerClientId}, ${schoolId}, ${connectionId}, ${clientId})`;
  const ctx = await contextOf(database, { kind: 'anonymous' });
  const client = { id: consumerClientId, schoolId, signedCalls: false };
  const { secret } = await database.web.withSchool(schoolId, (tx) => writeSecret({ ctx, tx }, client));
  const { token, hash } = newToken();
  await admin`
    insert into access_token (id, school_id, token_hash, consumer_client_id, connection_id, grant_id, wire_scopes, created_at, expires_at)
    values (${newId()}, ${schoolId}, ${hash}, ${consumerClientId}, ${connectionId}, ${grantId}, ${[...wireScopes]}, ${testNow},
            ${new Date(Date.parse(testNow) + 3_600_000)})`;
  return {
    schoolId,
    sisId,
    lmsId,
    connectionId,
    grantId,
    consumerClientId,
    clientId,
    clientSecret: secret,
    token,
  };
}
