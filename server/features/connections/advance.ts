import { eq } from 'drizzle-orm';
import { connection } from '#db/schema/index.ts';
import { endClients } from '#server/features/consumers/end-clients.ts';
import { CrosswalkError, type SafeDetails } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';
import { requestRun } from '#server/roster/request-run.ts';
import type { Locked } from './load-rows.ts';
import { readSituation, type Situation } from './situation.ts';
import { type ConnectionEvent, isEnded, isRefusal, type Next, readCause, transition } from './state-machine.ts';
import { tellWhoseTurn } from './tell-whose-turn.ts';

export interface Advanced {
  readonly situation: Situation;
  readonly next: Next;
}

interface Options {
  /** More for the audit row. */
  readonly details?: SafeDetails;
  /** Columns that belong to the event: when data came, until when it rests. */
  readonly columns?: Partial<Pick<typeof connection.$inferInsert, 'lastReceivedAt' | 'records' | 'resumesAt'>>;
  /** No mail: another event of the same transaction follows at once. */
  readonly quiet?: boolean;
}

/**
 * Takes an event to a locked connection: guards, next standing, row, audit, mail to whose turn it is, and the sync
 * where one follows.
 * @throws CrosswalkError the refusal of the state machine
 */
export async function advance(
  work: Work,
  locked: Locked,
  event: ConnectionEvent,
  { details = {}, columns = {}, quiet = false }: Options = {},
): Promise<Advanced> {
  const situation = await readSituation(work.tx, locked);
  const { state } = locked.connection;
  const next = transition({ state, cause: readCause(locked.connection.cause) }, event, situation.facts);
  if (isRefusal(next)) throw new CrosswalkError(next.refused, { details: next.details });
  const now = work.ctx.clock.now();
  const moved = next.state !== state;
  const pausedBy = event.type === 'pause' ? event.by : next.state === 'paused' ? locked.connection.pausedBy : null;
  await work.tx
    .update(connection)
    .set({
      state: next.state,
      turn: next.turn,
      cause: next.cause,
      pausedBy,
      ...(next.state === 'paused' ? {} : { resumesAt: null }),
      ...(moved ? { stateChangedAt: now } : {}),
      ...(isEnded(next.state) ? { endedAt: now } : {}),
      ...columns,
    })
    .where(eq(connection.id, locked.connection.id));
  if (moved || next.cause !== locked.connection.cause) {
    work.audit({
      action: `connection.${event.type}`,
      subjectKind: 'connection',
      subjectId: locked.connection.id,
      details: { from: state, to: next.state, cause: next.cause, ...details },
    });
    await work.emit('connection/changed', { schoolId: locked.connection.schoolId, connectionId: locked.connection.id });
  }
  if (isEnded(next.state)) await endClients(work, locked.connection);
  if (!quiet) await tellWhoseTurn(work, situation, next);
  const syncFollows = next.cause === 'first-sync' || next.cause === 'sync-follows';
  if ((syncFollows && next.cause !== locked.connection.cause) || (event.type === 'resume' && next.state === 'live')) {
    await requestRun(work, {
      schoolId: locked.connection.schoolId,
      systemId: locked.system.id,
      trigger: next.cause === 'first-sync' ? 'first' : 'amended',
    });
  }
  return { situation, next };
}

/** `advance` where a refusal means that there is nothing to do. */
export async function advanceIfAllowed(
  work: Work,
  locked: Locked,
  event: ConnectionEvent,
  options: Options = {},
): Promise<Advanced | null> {
  const { facts } = await readSituation(work.tx, locked);
  const standing = { state: locked.connection.state, cause: readCause(locked.connection.cause) };
  return isRefusal(transition(standing, event, facts)) ? null : advance(work, locked, event, options);
}

/** The same lock, the row as it stands now: for a second event in one transaction. */
export function after({ system, connection: row }: Locked, { next }: Advanced): Locked {
  return { system, connection: { ...row, state: next.state, cause: next.cause, turn: next.turn } };
}
