import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { connection, grant, request } from '#db/schema/index.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import type { Transact, Work } from '#server/kernel/verb.ts';
import { requestPush } from '#server/roster/push/request-push.ts';
import { advanceIfAllowed } from './advance.ts';
import { type Locked, lockConnection, type SystemRow } from './load-rows.ts';

type LmsKey = Pick<SystemRow, 'schoolId' | 'id'>;

/** Connections that Crosswalk serves by writing into this system, ended ones too. */
export const pushesInto = ({ schoolId, id }: LmsKey) =>
  and(eq(connection.schoolId, schoolId), eq(connection.consumerSystemId, id), eq(connection.way, 'push'));

/** Whether a live grant lets Crosswalk write a roster into this system. */
export async function isPushedInto(tx: Tx, lms: LmsKey): Promise<boolean> {
  const rows = await tx
    .select({ id: connection.id })
    .from(connection)
    .innerJoin(grant, and(eq(grant.connectionId, connection.id), isNull(grant.endedAt)))
    .where(and(pushesInto(lms), isNull(connection.endedAt)))
    .limit(1);
  return rows.length > 0;
}

/** Whether that is asked for and not decided yet. */
export async function isPushAskedFor(tx: Tx, lms: LmsKey): Promise<boolean> {
  const rows = await tx
    .select({ id: connection.id })
    .from(connection)
    .innerJoin(request, and(eq(request.connectionId, connection.id), inArray(request.state, ['draft', 'requested'])))
    .where(and(pushesInto(lms), isNull(connection.endedAt)))
    .limit(1);
  return rows.length > 0;
}

/**
 * Does something for each living connection that is pushed into an LMS. In transactions of their own, since a connection is locked by its
 * producer, and whoever calls has held the LMS.
 */
export async function forEachPushInto(
  transact: Transact,
  { schoolId, systemId }: { readonly schoolId: string; readonly systemId: string },
  run: (work: Work, locked: Locked) => Promise<void>,
): Promise<void> {
  const scope = { schoolId };
  const rows = await transact(
    ({ tx }) =>
      tx
        .select({ id: connection.id })
        .from(connection)
        .where(and(pushesInto({ schoolId, id: systemId }), isNull(connection.endedAt)))
        .orderBy(connection.id),
    scope,
  );
  for (const { id } of rows) {
    await transact(async (work) => run(work, await lockConnection(work.tx, schoolId, id)), scope);
  }
}

/** The credential of an LMS was tried, refused or destroyed: connections that are pushed into it hear of it. */
export async function reviewPushesInto(
  transact: Transact,
  { schoolId, systemId }: { readonly schoolId: string; readonly systemId: string },
): Promise<void> {
  await forEachPushInto(transact, { schoolId, systemId }, async (work, { system, connection: row }) => {
    const advanced = await advanceIfAllowed(work, { system, connection: row }, { type: 'review-lms' });
    if (advanced?.next.cause !== 'push-follows' || row.cause === 'push-follows') return;
    const push = { schoolId, connectionId: row.id, systemId, producerSystemId: system.id, trigger: 'sync' } as const;
    await requestPush(work, push).catch((error: unknown) => {
      // It is ending: nothing more is written.
      if (!isCrosswalkError(error, 'state-forbids')) throw error;
    });
  });
}
