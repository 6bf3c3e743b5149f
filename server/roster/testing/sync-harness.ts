import { peopleScopes, type SyncTrigger } from '#db/schema/vocabulary.ts';
import type { TestDatabase } from '#db/testing/test-database.ts';
import type { CallRecord, Tokens } from '#server/connectors/contract.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { Context } from '#server/kernel/context.ts';
import { type CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { createOutboundClient } from '#server/kernel/outbound/client.ts';
import { runWork } from '#server/kernel/verb.ts';
import { type Applied, applyRun } from '#server/roster/apply-run.ts';
import { type Begun, beginRun } from '#server/roster/begin-run.ts';
import { endWithoutGrants } from '#server/roster/end-run.ts';
import { fetchSlice, type Slice } from '#server/roster/fetch-slice.ts';
import type { SyncPorts } from '#server/roster/ports.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { stagePackage } from '#server/roster/stage-package.ts';
import { undoRun } from '#server/roster/undo-run.ts';
import { makeAgreement, makeSchool, type TestSchool, testNow } from '#server/testing/actors.ts';

/** A school with one system and a live grant of `scopes`, put there behind the features' backs. */
export interface SyncedSchool extends TestSchool {
  readonly systemId: string;
  readonly connectionId: string;
}

export async function makeSyncedSchool(
  database: TestDatabase,
  options: { connector: string; kind: 'sis' | 'lms'; scopes: readonly string[]; settings: object },
): Promise<SyncedSchool> {
  const school = await makeSchool(database);
  const agreementId = await makeAgreement(database, school);
  const [systemId, connectionId, requestId] = [newId(), newId(), newId()];
  const { admin } = database;
  const { schoolId } = school;
  await admin`
    insert into system (id, school_id, kind, connector, name, settings, origins, host_confirmed_at)
    values (${systemId}, ${schoolId}, ${options.kind}, ${options.connector}, 'System under test', ${admin.json({ ...options.settings })}, '{}', ${testNow})`;
  // The marketplace's own edges carry no person: people flow to an LMS.
  const named: readonly string[] = peopleScopes;
  const lmsId = options.scopes.some((scope) => named.includes(scope)) ? newId() : null;
  if (lmsId !== null) {
    await admin`
      insert into system (id, school_id, kind, connector, name, settings, origins)
      values (${lmsId}, ${schoolId}, 'lms', 'moodle', 'LMS under test', '{}', '{}')`;
  }
  await admin`
    insert into connection (id, school_id, consumer_kind, consumer_system_id, producer_system_id, way, state, turn)
    values (${connectionId}, ${schoolId}, ${lmsId === null ? 'marketplace' : 'lms'}, ${lmsId}, ${systemId}, ${lmsId === null ? null : 'pull'}, 'connecting', 'crosswalk')`;
  await admin`
    insert into request (id, school_id, connection_id, kind, state, scopes, purpose, until, product, agreement_id, drafted_as, fingerprint)
    values (${requestId}, ${schoolId}, ${connectionId}, 'open', 'approved',
            ${admin.json(options.scopes.map((scope) => ({ scope, required: true })))}, 'testing', '2027-09-30', 'x', ${agreementId}, 'school', 'x')`;
  await admin`
    insert into "grant" (id, school_id, connection_id, request_id, scopes, sharing_rule, purpose, valid_from, valid_until, granted_by)
    values (${newId()}, ${schoolId}, ${connectionId}, ${requestId}, ${[...options.scopes]},
            ${admin.json({ sites: [], streams: [], subjects: [], groups: [] })}, 'testing', ${testNow}, '2027-09-30', ${school.people.approver.userId})`;
  return { ...school, systemId, connectionId };
}

export interface RecordedPorts extends SyncPorts {
  readonly calls: CallRecord[];
  readonly failures: CrosswalkError[];
}

/** The ports of a sync without the connections feature: a secret in hand, calls kept, failures noted. */
export function recordedPorts(system: {
  connector: string;
  settings: unknown;
  secret: unknown;
  /** What a consent bought, where the connector needs one. */
  tokens?: Tokens;
  /** Hears of each call when it is over. */
  onCall?: (call: CallRecord) => void;
}): RecordedPorts {
  const calls: CallRecord[] = [];
  const failures: CrosswalkError[] = [];
  let tokens = system.tokens ?? null;
  return {
    calls,
    failures,
    withSession: async (ctx, use, run) => {
      const http = createOutboundClient({ mode: 'demo' });
      try {
        return await run(
          connectorById(system.connector).open({
            settings: system.settings,
            secret: system.secret,
            http,
            clock: ctx.clock,
            purpose: use.purpose,
            record: (call) => {
              calls.push(call);
              system.onCall?.(call);
            },
            tokens: async (renew, rejected) => {
              if (tokens === null || tokens.accessToken === rejected) tokens = await renew(tokens);
              return tokens;
            },
          }),
        );
      } finally {
        await http.close();
      }
    },
    onSyncSucceeded: async () => undefined,
    onSyncHeld: async () => undefined,
    onSyncFailed: async (_ctx, outcome) => void failures.push(outcome.error),
  };
}

/** One whole run as the job would do it, in this process. `syncRunId` takes up a run that is there already. */
export async function runSync(
  contexts: { web: Context; sync: Context },
  ports: SyncPorts,
  school: Pick<SyncedSchool, 'schoolId' | 'systemId'>,
  syncRunId?: string,
  options: {
    /** Does every step again after it was done, as a crash before its answer was kept would have it. */
    readonly everyStepTwice?: boolean;
    /** How often a step is tried that throws. */
    readonly attempts?: number;
    readonly trigger?: SyncTrigger;
  } = {},
): Promise<{ syncRunId: string; begun: Begun; applied: Applied | null }> {
  const { everyStepTwice = false, attempts = 1, trigger = 'hand' } = options;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (everyStepTwice) await work();
    for (let left = attempts; left > 1; left--) {
      try {
        return await work();
      } catch (error) {
        if (!isCrosswalkError(error)) throw error;
      }
    }
    return work();
  };
  const { schoolId, systemId } = school;
  const id =
    syncRunId ??
    (await runWork(contexts.web, { schoolId }, (work) => requestRun(work, { schoolId, systemId, trigger }))).syncRunId;
  const run = { schoolId, systemId, syncRunId: id };
  const begun = await step(() => beginRun(contexts.sync, run));
  if (begun.kind === 'over') return { syncRunId: id, begun, applied: null };
  const held = { ...run, fence: begun.fence };
  if (begun.kind === 'nothing-granted') {
    await step(() => endWithoutGrants(contexts.sync, held));
    return { syncRunId: id, begun, applied: null };
  }
  if (begun.kind === 'undo') {
    await step(() => undoRun(contexts.sync, held));
    return { syncRunId: id, begun, applied: null };
  }
  const { toFetch } = begun;
  if (begun.kind === 'fetch') {
    const { uploadId } = toFetch;
    if (uploadId !== null) await step(() => stagePackage(contexts.sync, held, uploadId));
    for (const collection of toFetch.collections) {
      const since = toFetch.since[collection] ?? null;
      let at: Slice = { cursor: null, page: 0, waitSeconds: null };
      do {
        const { cursor, page } = at;
        at = await step(() => fetchSlice(contexts.sync, ports, held, { collection, cursor, page, since }));
        if (at.isStale === true) return { syncRunId: id, begun, applied: null };
        if (at.readAll === true) return runSync(contexts, ports, school, id, options);
      } while (at.cursor !== null);
    }
  }
  return { syncRunId: id, begun, applied: await step(() => applyRun(contexts.sync, held, toFetch)) };
}
