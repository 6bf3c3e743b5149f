import { and, eq } from 'drizzle-orm';
import { connection } from '#db/schema/index.ts';
import { runWork } from '#server/kernel/verb.ts';
import type { PushPorts } from '#server/roster/push/ports.ts';
import { advanceIfAllowed } from '../connections/advance.ts';
import { endConnection } from '../connections/end-connection.ts';
import { lockConnection } from '../connections/load-rows.ts';
import { isEnded } from '../connections/state-machine.ts';
import { tidyAfterConnection } from '../connections/tend-connections.ts';
import { refuseByPush } from './refuse-by-push.ts';

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
    if (isEnded(locked.connection.state)) return;
    const columns = { lastReceivedAt: at, records };
    const advanced = await advanceIfAllowed(work, locked, { type: 'receive' }, { columns });
    // It was written, even where the SIS lets nobody in any more: the connection keeps that cause.
    if (advanced === null) {
      const here = and(eq(connection.schoolId, schoolId), eq(connection.id, connectionId));
      await work.tx.update(connection).set(columns).where(here);
    }
  });

/** Implements the port: it waits for the school; what was written before stays, and the connection with it. */
export const onPushHeld: PushPorts['onPushHeld'] = (ctx, { schoolId, pushRunId, connectionId }) =>
  runWork(ctx, { schoolId }, async (work) => {
    const locked = await lockConnection(work.tx, schoolId, connectionId);
    work.audit({ action: 'push.held', subjectKind: 'connection', subjectId: connectionId, details: { pushRunId } });
    await advanceIfAllowed(work, locked, { type: 'hold-push' });
  });

/** Implements the port: the connection fails with the cause that the error's code gives; what the LMS refused is noted with its credential. */
export const onPushFailed: PushPorts['onPushFailed'] = (ctx, { schoolId, pushRunId, connectionId, error, at }) =>
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
    await refuseByPush(work, locked.connection, error, at);
    await advanceIfAllowed(work, locked, { type: 'fail-push', code }, { details: { code } });
  });

/** Implements the port: what the school chose for the end is done over there, and the connection ends. */
export const onPushEnded: PushPorts['onPushEnded'] = async (ctx, { schoolId, pushRunId, connectionId }) => {
  await runWork(ctx, { schoolId }, async (work) => {
    const locked = await lockConnection(work.tx, schoolId, connectionId);
    work.audit({ action: 'push.ended', subjectKind: 'connection', subjectId: connectionId, details: { pushRunId } });
    if (!isEnded(locked.connection.state)) await endConnection(work, locked, { type: 'revoke', because: 'school' });
  });
  await tidyAfterConnection(ctx, { schoolId, connectionId });
};
