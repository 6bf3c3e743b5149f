import { and, eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { pushRun } from '#db/schema/index.ts';
import type { PushFacts } from '#server/connectors/open-connector.ts';
import { connectorById } from '#server/connectors/registry.ts';
import {
  type ConnectionRow,
  connectionInSchool,
  type SystemRow,
  systemInSchool,
} from '#server/features/connections/load-rows.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { type PushHeld, pushHeldSchema } from '#server/roster/push/guard.ts';

/** A connection by which Crosswalk writes into an LMS, with that LMS and what its connector says of writing. */
export interface PushedConnection {
  readonly connection: ConnectionRow;
  readonly lms: SystemRow;
  readonly facts: PushFacts;
}

/** The same for reading: a connector that writes nothing has no facts. @throws CrosswalkError `not-found`; `push-not-offered` of another way */
export async function connectionToPush(
  tx: Tx,
  schoolId: string,
  connectionId: string,
): Promise<Omit<PushedConnection, 'facts'> & { readonly facts: PushFacts | null }> {
  const connection = await connectionInSchool(tx, schoolId, connectionId);
  if (connection.way !== 'push' || connection.consumerSystemId === null) throw new CrosswalkError('push-not-offered');
  const lms = await systemInSchool(tx, schoolId, connection.consumerSystemId);
  return { connection, lms, facts: connectorById(lms.connector).push };
}

/** @throws CrosswalkError `not-found`; `push-not-offered` where nothing is written on this connection or by this connector */
export async function pushedConnection(tx: Tx, schoolId: string, connectionId: string): Promise<PushedConnection> {
  const { facts, ...of } = await connectionToPush(tx, schoolId, connectionId);
  if (facts === null) throw new CrosswalkError('push-not-offered', { details: { connector: of.lms.connector } });
  return { ...of, facts };
}

/** A push of this school. @throws CrosswalkError `not-found` */
export async function getPushInSchool(tx: Tx, schoolId: string, pushRunId: string) {
  const [row] = await tx
    .select()
    .from(pushRun)
    .where(and(eq(pushRun.schoolId, schoolId), eq(pushRun.id, pushRunId)));
  if (row === undefined) throw new CrosswalkError('not-found');
  return row;
}

/** A push that waits for somebody, locked. @throws CrosswalkError `not-found`, `state-forbids` */
export async function lockHeldPush(tx: Tx, schoolId: string, pushRunId: string) {
  const [row] = await tx
    .select()
    .from(pushRun)
    .where(and(eq(pushRun.schoolId, schoolId), eq(pushRun.id, pushRunId)))
    .for('update');
  if (row === undefined) throw new CrosswalkError('not-found');
  const held = heldOf(row);
  if (held === null) throw new CrosswalkError('state-forbids', { details: { state: row.state } });
  return { row, held };
}

/** Why a push waits; null where it does not. */
export function heldOf(row: { readonly state: string; readonly held: unknown }): PushHeld | null {
  const parsed = pushHeldSchema.safeParse(row.held);
  return row.state === 'held' && parsed.success ? parsed.data : null;
}
