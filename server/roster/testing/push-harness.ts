import type { TestDatabase } from '#db/testing/test-database.ts';
import type { OpenPush, PushFacts } from '#server/connectors/open-connector.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { runWork } from '#server/kernel/verb.ts';
import { beginPush } from '#server/roster/push/begin-push.ts';
import { decidePush } from '#server/roster/push/decide.ts';
import { deliverSlice } from '#server/roster/push/deliver.ts';
import { failPush, finishPush } from '#server/roster/push/end-push.ts';
import { enterForeignIds, followPackage, submitPackage } from '#server/roster/push/package.ts';
import type { PushPorts } from '#server/roster/push/ports.ts';
import { readThere, refuseForeignImport } from '#server/roster/push/read-there.ts';
import { requestPush } from '#server/roster/push/request-push.ts';
import { makeAgreement, makeSchool, type TestSchool, testNow } from '#server/testing/actors.ts';

export interface PushedSchool extends TestSchool {
  readonly sisId: string;
  readonly lmsId: string;
  readonly connectionId: string;
}

const peopleScopes = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
];

/** A school with a roster of two groups of one subject, one class, one stream, two teachers and nine students, and an LMS it is pushed to. */
export async function makePushedSchool(
  database: TestDatabase,
  settings: { readonly courses?: 'group' | 'subject'; readonly leavers?: 'suspend' | 'leave' } = {},
): Promise<PushedSchool> {
  const school = await makeSchool(database);
  const agreementId = await makeAgreement(database, school);
  const { admin } = database;
  const { schoolId } = school;
  const [sisId, lmsId, connectionId, requestId] = [newId(), newId(), newId(), newId()];
  await admin`
    insert into system (id, school_id, kind, connector, name, settings, origins, host_confirmed_at)
    values (${sisId}, ${schoolId}, 'sis', 'oneroster', 'SIS', '{}', '{}', ${testNow}), (${lmsId}, ${schoolId}, 'lms', 'moodle', 'LMS', '{}', '{}', ${testNow})`;
  await admin`
    insert into connection (id, school_id, consumer_kind, consumer_system_id, producer_system_id, way, state, turn, cause)
    values (${connectionId}, ${schoolId}, 'lms', ${lmsId}, ${sisId}, 'push', 'connecting', 'crosswalk', 'first-sync')`;
  await admin`
    insert into request (id, school_id, connection_id, kind, state, scopes, purpose, until, product, agreement_id, drafted_as, fingerprint)
    values (${requestId}, ${schoolId}, ${connectionId}, 'open', 'approved', ${admin.json(peopleScopes.map((scope) => ({ scope, required: true })))}, 'testing', '2027-09-30', 'x', ${agreementId}, 'school', 'x')`;
  await admin`
    insert into "grant" (id, school_id, connection_id, request_id, scopes, sharing_rule, purpose, valid_from, valid_until, granted_by)
    values (${newId()}, ${schoolId}, ${connectionId}, ${requestId}, ${peopleScopes},
            ${admin.json({ sites: [], streams: [], subjects: [], groups: [] })}, 'testing', ${testNow}, '2027-09-30', ${school.people.approver.userId})`;
  await admin`
    insert into push_settings (connection_id, school_id, courses, sign_in, username_pattern, email_host, leavers, updated_at)
    values (${connectionId}, ${schoolId}, ${settings.courses ?? 'group'}, 'password', '{given}.{family}', 'school.invalid', ${settings.leavers ?? 'suspend'}, ${testNow})`;
  const of = { school_id: schoolId, system_id: sisId, content_hash: 1, first_seen_at: testNow };
  const row = (source_id: string) => ({ ...of, id: newId(), source_id });
  await admin`insert into roster_site ${admin([{ ...row('north'), name: 'Site North', kind: 'school' }])}`;
  await admin`insert into roster_term ${admin([
    {
      ...row('y26'),
      name: '2026/27',
      kind: 'schoolYear',
      starts_on: '2026-08-01',
      ends_on: '2027-08-01',
      school_year: '2027',
      parent_source_id: null,
    },
    {
      ...row('s1'),
      name: 'Semester 1',
      kind: 'semester',
      starts_on: '2026-08-01',
      ends_on: '2027-02-01',
      school_year: '2027',
      parent_source_id: 'y26',
    },
  ])}`;
  await admin`insert into roster_subject ${admin([{ ...row('bio'), title: 'Biology', course_code: 'BIO', site_source_id: 'north' }])}`;
  await admin`insert into roster_stream ${admin([{ ...row('h4nt'), name: 'havo 4 Nature', derived_from: 'metadata' }])}`;
  const group = (id: string, kind: string, title: string) => ({
    ...row(id),
    kind,
    title,
    code: id.toUpperCase(),
    subject_source_id: kind === 'group' ? 'bio' : null,
    site_source_id: 'north',
    term_source_ids: ['s1'],
  });
  const groups = [
    group('bio1', 'group', 'Biology 1'),
    group('bio2', 'group', 'Biology 2'),
    group('h4a', 'class', 'H4A'),
  ];
  await admin`insert into roster_group ${admin(groups)}`;
  const person = (n: number, kind: 'student' | 'teacher') => ({
    ...row(`${kind}-${n}`),
    kind,
    kinds: [kind],
    username: n % 3 === 0 ? null : `${kind}${n}`,
    given_name: 'Given',
    family_name: `Family${n}${kind}`,
    identifier: String(1000 + n),
    email: n % 4 === 0 ? null : `${kind}${n}@school.example`,
    site_source_ids: ['north'],
    stream_source_id: kind === 'student' && n % 2 === 0 ? 'h4nt' : null,
  });
  const people = [
    ...[1, 2].map((n) => person(n, 'teacher')),
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => person(n, 'student')),
  ];
  await admin`insert into roster_person ${admin(people)}`;
  const enrolments = people.flatMap(({ id, kind, source_id }, at) =>
    groups
      .filter((one, nth) => (one.kind === 'class' ? kind === 'student' : at % 2 === nth || kind === 'teacher'))
      .map((one) => ({ ...row(`${source_id}-${one.source_id}`), group_id: one.id, person_id: id, role: kind })),
  );
  await admin`insert into roster_enrolment ${admin(enrolments)}`;
  return { ...school, sisId, lmsId, connectionId };
}

export interface RecordedPushPorts extends PushPorts {
  readonly told: { readonly what: 'done' | 'held' | 'failed' | 'ended'; readonly code?: string }[];
}

/** The ports of a push without the features: an LMS in hand, what is told kept. */
export function recordedPushPorts(open: () => OpenPush, facts: PushFacts): RecordedPushPorts {
  const told: RecordedPushPorts['told'] = [];
  return {
    told,
    factsOf: () => facts,
    withPush: (_ctx, _use, run) => run(open()),
    provePush: async () => undefined,
    onPushDone: async () => void told.push({ what: 'done' }),
    onPushHeld: async () => void told.push({ what: 'held' }),
    onPushFailed: async (_ctx, { error }) => void told.push({ what: 'failed', code: error.code }),
    onPushEnded: async () => void told.push({ what: 'ended' }),
  };
}

/** Thrown by a test where the process is to die: no step after it is done, nothing is caught. */
export class Killed extends Error {}

/**
 * One push as the job would do it, in this process. `boundary` is called between the steps; what it throws ends the process, and the push is
 * taken up again by `pushRunId`.
 */
export async function runPush(
  contexts: { readonly web: Context; readonly sync: Context },
  ports: PushPorts,
  school: PushedSchool,
  options: {
    readonly pushRunId?: string;
    readonly trigger?: 'first' | 'sync' | 'hand';
    readonly boundary?: (step: string) => void | Promise<void>;
    /** How often a step is tried that throws. */
    readonly attempts?: number;
  } = {},
): Promise<{ pushRunId: string; outcome: 'over' | 'busy' | 'held' | 'done' | 'failed' }> {
  const { web, sync } = contexts;
  const { schoolId, connectionId, lmsId, sisId } = school;
  const pushRunId =
    options.pushRunId ??
    (
      await runWork(web, { schoolId }, (work) =>
        requestPush(work, {
          schoolId,
          connectionId,
          systemId: lmsId,
          producerSystemId: sisId,
          trigger: options.trigger ?? 'hand',
        }),
      )
    ).pushRunId;
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    await options.boundary?.(name);
    for (let left = options.attempts ?? 1; left > 1; left--) {
      try {
        return await work();
      } catch (error) {
        if (!isCrosswalkError(error)) throw error;
      }
    }
    return work();
  };
  const run = { schoolId, pushRunId };
  let fence: number | null = null;
  try {
    const begun = await step('begin', () => beginPush(sync, ports, run));
    if (begun.kind !== 'push') return { pushRunId, outcome: begun.kind };
    fence = begun.fence;
    const at = { ...run, fence: begun.fence, systemId: begun.systemId, connectionId: begun.connectionId };
    const read = async (name: string) => {
      for (const entity of begun.entities) {
        for (let page = 0; ; ) {
          const slice = await step(`${name} ${entity}`, () => readThere(sync, ports, at, { entity, page }));
          page = slice.page;
          if (slice.isOver) break;
        }
      }
    };
    if (!begun.isPlanned && !begun.isHandedOver) {
      if (!begun.isRead) {
        if (begun.ending === null) await step('foreign-import', () => refuseForeignImport(sync, ports, at));
        await read('read');
      }
      const decided = await step('decide', () => decidePush(sync, at));
      if (decided.outcome === 'held') {
        await ports.onPushHeld(web, { ...run, connectionId });
        return { pushRunId, outcome: 'held' };
      }
    }
    for (let stage: number | null = begun.isHandedOver ? null : 0; stage !== null; ) {
      const from: number = stage;
      stage = (await step('deliver', () => deliverSlice(sync, ports, at, { stage: from }))).stage;
    }
    if (begun.manner === 'package' && (await step('submit', () => submitPackage(sync, ports, at)))) {
      while (!(await step('follow', () => followPackage(sync, ports, at))).isOver) await options.boundary?.('working');
      await read('read-back');
      await step('enter-ids', () => enterForeignIds(sync, at));
    }
    await step('finish', () => finishPush(sync, ports, at));
    return { pushRunId, outcome: 'done' };
  } catch (error) {
    if (!(error instanceof CrosswalkError)) throw error;
    if (error.cause instanceof Killed) throw error.cause;
    await failPush(sync, ports, { ...run, fence }, error.code);
    return { pushRunId, outcome: 'failed' };
  }
}
