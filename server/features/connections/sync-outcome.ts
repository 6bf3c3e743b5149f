import { and, eq } from 'drizzle-orm';
import { credential, syncRun } from '#db/schema/index.ts';
import { pushScopes, scopes } from '#db/schema/vocabulary.ts';
import type { Context } from '#server/kernel/context.ts';
import type { ErrorCode } from '#server/kernel/errors.ts';
import { runWork, type Work } from '#server/kernel/verb.ts';
import { neededOfSource } from '#server/roster/live-grants.ts';
import type { SyncPorts } from '#server/roster/ports.ts';
import { advanceIfAllowed, after } from './advance.ts';
import {
  type CredentialRow,
  credentialsOf,
  type Locked,
  liveGrantOf,
  lockConnectionsOf,
  lockSystem,
  lockSystemEvenRemoved,
} from './load-rows.ts';
import { lookForIdsIn } from './look-for-ids.ts';
import { purgeUngranted } from './purge-ungranted.ts';
import { reviewPushesInto } from './pushed-into.ts';
import { proofOf, suffices } from './read-proof.ts';

/** Implements the port of server/roster/ports.ts: what arrived makes connections live, and a refused credential proved again. */
export const onSyncSucceeded: SyncPorts['onSyncSucceeded'] = async (
  ctx,
  { schoolId, systemId, syncRunId, records, at },
) => {
  await runWork(ctx, { schoolId }, async (work) => {
    const system = await lockSystemEvenRemoved(work.tx, schoolId, systemId);
    const [row] = await credentialsOf(work.tx, schoolId, systemId);
    if (row !== undefined && row.provedAt !== null) await proveBySync(work, row, at);
    // A grant that ended while the run was applied was purged before the run's rows could be seen.
    await purgeUngranted(work, system, 'grants-narrowed');
    const [run] = await work.tx
      .select({ scopes: syncRun.scopes })
      .from(syncRun)
      .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.id, syncRunId)));
    for (const connection of await lockConnectionsOf(work.tx, schoolId, systemId)) {
      if (connection.consumerKind === 'lms') {
        await arriveForLms(work, { system, connection }, run?.scopes ?? []);
        continue;
      }
      const columns = { lastReceivedAt: at, records };
      await advanceIfAllowed(work, { system, connection }, { type: 'receive' }, { columns });
    }
  });
  await reviewAfterSync(ctx, { schoolId, systemId });
};

/** A sync of an LMS may have shown that its credential works, or not: what is pushed into it depends on that. */
const reviewAfterSync = (ctx: Context, of: { readonly schoolId: string; readonly systemId: string }) =>
  reviewPushesInto((work, scope) => runWork(ctx, scope ?? { schoolId: of.schoolId }, work), of);

/**
 * The roster of an LMS's grant is here: an LMS that asks may be answered now. When it received any is noted where it is supplied, not here. A
 * run that began under narrower grants brought less than this one gives: the next one is asked for already.
 */
async function arriveForLms(work: Work, locked: Locked, fetched: readonly string[]): Promise<void> {
  const { way, schoolId, id, state } = locked.connection;
  const grant = await liveGrantOf(work.tx, schoolId, id);
  const whole = neededOfSource(way, grant?.scopes ?? []).every((scope) => fetched.includes(scope));
  if (state === 'connecting' && !whole) return;
  const arrived = await advanceIfAllowed(work, locked, { type: 'arrive' });
  if (arrived !== null && way === 'direct') await lookForIdsIn(work, after(locked, arrived));
}

/** A whole run is the best proof of all: it read everything that is granted. */
async function proveBySync(work: Work, row: CredentialRow, at: Date): Promise<void> {
  const wanted = new Set<string>();
  for (const { id, way } of await lockConnectionsOf(work.tx, row.schoolId, row.systemId)) {
    const grant = await liveGrantOf(work.tx, row.schoolId, id);
    for (const scope of neededOfSource(way, grant?.scopes ?? [])) wanted.add(scope);
  }
  if (suffices(row, [...wanted])) return;
  const before = proofOf(row);
  const results = scopes.flatMap((scope) => {
    if (wanted.has(scope)) return [{ scope, ok: true, errorCode: null, details: {} }];
    // A sync says nothing of what a push needs.
    return pushScopes.some((of) => of === scope) ? (before?.results.filter((of) => of.scope === scope) ?? []) : [];
  });
  const proof = {
    ok: results.every(({ ok }) => ok),
    results,
    actsAs: before?.actsAs ?? null,
    about: before?.about ?? {},
    advice: before?.advice ?? [],
  };
  await work.tx
    .update(credential)
    .set({ state: 'proved', proof, provedAt: at, refusedAt: null, refusedCode: null })
    .where(eq(credential.id, row.id));
  work.audit({
    action: 'credential.proved',
    subjectKind: 'credential',
    subjectId: row.id,
    details: { systemId: row.systemId, by: 'sync' },
  });
}

const stoppedFromWithin: ReadonlySet<ErrorCode> = new Set(['stopped-by-school', 'grant-not-live', 'host-not-approved']);

/** Implements the port: connections fail with the cause that the error's code gives; a refused credential is marked so. */
export const onSyncFailed: SyncPorts['onSyncFailed'] = async (ctx, { schoolId, systemId, error, at }) => {
  await runWork(ctx, { schoolId }, async (work) => {
    const system = await lockSystemEvenRemoved(work.tx, schoolId, systemId);
    // The school itself ended or paused what was running: that is no failure.
    if (stoppedFromWithin.has(error.code)) return;
    const [row] = await credentialsOf(work.tx, schoolId, systemId);
    if (row?.state === 'proved' && error.disposition === 'reconnect') {
      await work.tx
        .update(credential)
        .set({ state: 'refused', refusedAt: at, refusedCode: error.code })
        .where(eq(credential.id, row.id));
      work.audit({
        action: 'credential.refused',
        subjectKind: 'credential',
        subjectId: row.id,
        details: { systemId, by: 'sync', code: error.code },
      });
    }
    for (const connection of await lockConnectionsOf(work.tx, schoolId, systemId)) {
      // What was received before stays good where only another package is wanted.
      if (error.code === 'package-awaited' && connection.state === 'live') continue;
      await advanceIfAllowed(
        work,
        { system, connection },
        { type: 'fail', code: error.code },
        { details: { code: error.code } },
      );
    }
  });
  await reviewAfterSync(ctx, { schoolId, systemId });
};

/** A run waits for a school administrator's review: no failure, and what was received before stays. */
export const onSyncHeld = (
  ctx: Parameters<SyncPorts['onSyncSucceeded']>[0],
  { schoolId, systemId }: { readonly schoolId: string; readonly systemId: string },
): Promise<void> =>
  runWork(ctx, { schoolId }, async (work) => {
    const system = await lockSystemEvenRemoved(work.tx, schoolId, systemId);
    for (const connection of await lockConnectionsOf(work.tx, schoolId, systemId)) {
      await advanceIfAllowed(work, { system, connection }, { type: 'hold' });
    }
  });

/** After a held run was discarded: nobody's turn any more; where no data has come yet, another run is asked for. */
export async function settleAfterDiscard(work: Work, schoolId: string, systemId: string): Promise<void> {
  const system = await lockSystem(work.tx, schoolId, systemId);
  for (const connection of await lockConnectionsOf(work.tx, schoolId, systemId)) {
    if (connection.cause === 'sync-held') await advanceIfAllowed(work, { system, connection }, { type: 'settle' });
  }
}
