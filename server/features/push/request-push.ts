import { eq } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { pushSettings } from '#db/schema/index.ts';
import { credentialsOf } from '#server/features/connections/load-rows.ts';
import { lmsCredentialOf } from '#server/features/connections/read-proof.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { requestPush as request } from '#server/roster/push/request-push.ts';
import { type PushedConnection, pushedConnection } from './load-push.ts';
import { unapproved } from './with-push.ts';

/** States in which something may be written on a connection. */
const served = ['connecting', 'live', 'failing'];

const approvalOf = ({ connection, lms }: Pick<PushedConnection, 'connection' | 'lms'>) => ({
  schoolId: connection.schoolId,
  systemId: lms.id,
  connectionId: connection.id,
});

/** Whether the approver and the LMS let Crosswalk write. Before that no push is begun: what is missing stands with the connection. */
export async function mayBePushed(
  tx: Tx,
  { connection, lms }: Pick<PushedConnection, 'connection' | 'lms'>,
): Promise<boolean> {
  if ((await unapproved(tx, approvalOf({ connection, lms }))) !== null) return false;
  const [row] = await credentialsOf(tx, lms.schoolId, lms.id);
  return lmsCredentialOf(row) === 'ready';
}

/**
 * Asks for a push of a connection. An ending is asked for whatever the LMS allows: it may have nothing to do over there.
 * @throws CrosswalkError `state-forbids`, `push-not-chosen`, `push-not-permitted`, `grant-not-live`, `host-not-approved`
 */
export async function askForPush(
  work: Work,
  { connection, lms }: PushedConnection,
  more: Pick<Parameters<typeof request>[1], 'trigger' | 'ending' | 'requestedBy'>,
) {
  if (!served.includes(connection.state)) {
    throw new CrosswalkError('state-forbids', { details: { state: connection.state } });
  }
  if (more.trigger !== 'ending') {
    const refusal = await unapproved(work.tx, approvalOf({ connection, lms }));
    if (refusal !== null) throw new CrosswalkError(refusal);
    if (!(await mayBePushed(work.tx, { connection, lms }))) {
      throw new CrosswalkError('push-not-permitted', { details: { systemId: lms.id } });
    }
  }
  const [chosen] = await work.tx
    .select({ id: pushSettings.connectionId })
    .from(pushSettings)
    .where(eq(pushSettings.connectionId, connection.id));
  if (chosen === undefined) throw new CrosswalkError('push-not-chosen');
  return request(work, {
    schoolId: connection.schoolId,
    connectionId: connection.id,
    systemId: lms.id,
    producerSystemId: connection.producerSystemId,
    ...more,
  });
}

/**
 * "Push now": asks for a push, or joins the one that is queued or under way; one that waits for a person is planned anew.
 * @throws CrosswalkError `not-found`, `push-not-offered`, `push-not-chosen`, `push-not-permitted`, `state-forbids`, `host-not-approved`
 */
export const requestPush = defineVerb({
  name: 'push.request-push',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, connectionId: idSchema }),
  run: async ({ input: { schoolId, connectionId }, party: _party, ...work }) => {
    const of = await pushedConnection(work.tx, schoolId, connectionId);
    const trigger = of.connection.lastReceivedAt === null ? 'first' : 'hand';
    const requested = await askForPush(work, of, { trigger, requestedBy: userIdOf(work.ctx) });
    work.audit({
      action: 'push.requested',
      subjectKind: 'connection',
      subjectId: connectionId,
      details: { ...requested },
    });
    return requested;
  },
});
