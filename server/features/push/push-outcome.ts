import { runWork } from '#server/kernel/verb.ts';
import type { PushPorts } from '#server/roster/push/ports.ts';
import { advanceIfAllowed } from '../connections/advance.ts';
import { bidFarewell } from '../connections/destroy-credentials.ts';
import { endConnection } from '../connections/end-connection.ts';
import { lockConnection, lockSystemEvenRemoved } from '../connections/load-rows.ts';
import { isEnded } from '../connections/state-machine.ts';
import { sweepCredentials } from '../connections/sweep-credentials.ts';

/** Implements the port: what was granted has reached the LMS, and its connection is live. */
export const onPushDone: PushPorts['onPushDone'] = (ctx, { schoolId, pushRunId, connectionId, records, at }) =>
  runWork(ctx, { schoolId }, async (work) => {
    const locked = await lockConnection(work.tx, schoolId, connectionId);
    work.audit({
      action: 'push.done',
      subjectKind: 'connection',
      subjectId: connectionId,
      details: { pushRunId, records },
    });
    await advanceIfAllowed(work, locked, { type: 'receive' }, { columns: { lastReceivedAt: at, records } });
  });

/** Implements the port: it waits for the school; what was written before stays, and the connection with it. */
export const onPushHeld: PushPorts['onPushHeld'] = (ctx, { schoolId, pushRunId, connectionId }) =>
  runWork(ctx, { schoolId }, async (work) => {
    const locked = await lockConnection(work.tx, schoolId, connectionId);
    work.audit({ action: 'push.held', subjectKind: 'connection', subjectId: connectionId, details: { pushRunId } });
    await advanceIfAllowed(work, locked, { type: 'hold' });
  });

/** Implements the port: the connection fails with the cause that the error's code gives. */
export const onPushFailed: PushPorts['onPushFailed'] = (ctx, { schoolId, pushRunId, connectionId, error }) =>
  runWork(ctx, { schoolId }, async (work) => {
    const locked = await lockConnection(work.tx, schoolId, connectionId);
    const { code } = error;
    work.audit({
      action: 'push.failed',
      subjectKind: 'connection',
      subjectId: connectionId,
      details: { pushRunId, code },
    });
    // The school itself ended, paused or stopped what was running: that is no failure.
    if (code === 'stopped-by-school' || code === 'grant-not-live') return;
    await advanceIfAllowed(work, locked, { type: 'fail', code }, { details: { code } });
  });

/** Implements the port: what the school chose for the end is done over there, and the connection ends. */
export const onPushEnded: PushPorts['onPushEnded'] = async (ctx, { schoolId, pushRunId, connectionId }) => {
  const farewells = await runWork(ctx, { schoolId }, async (work) => {
    const locked = await lockConnection(work.tx, schoolId, connectionId);
    work.audit({ action: 'push.ended', subjectKind: 'connection', subjectId: connectionId, details: { pushRunId } });
    if (isEnded(locked.connection.state)) return [];
    await endConnection(work, locked, { type: 'revoke', because: 'school' });
    const ofSis = await sweepCredentials(work, locked.system);
    const { consumerSystemId } = locked.connection;
    if (consumerSystemId === null) return ofSis;
    return [
      ...ofSis,
      ...(await sweepCredentials(work, await lockSystemEvenRemoved(work.tx, schoolId, consumerSystemId))),
    ];
  });
  await bidFarewell(ctx, farewells);
};
