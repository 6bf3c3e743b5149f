import { and, desc, eq, inArray, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { connection, credential, grant, request, school, system } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

export type ConnectionRow = typeof connection.$inferSelect;
export type CredentialRow = typeof credential.$inferSelect;
export type GrantRow = typeof grant.$inferSelect;
export type RequestRow = typeof request.$inferSelect;
export type SchoolRow = typeof school.$inferSelect;
export type SystemRow = typeof system.$inferSelect;

/** The one row or `not-found`. */
export function only<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new CrosswalkError('not-found');
  return row;
}

export async function schoolRow(tx: Tx, schoolId: string): Promise<SchoolRow> {
  return only(await tx.select().from(school).where(eq(school.id, schoolId)));
}

/** A system of the school, removed ones excepted. */
export async function systemInSchool(tx: Tx, schoolId: string, systemId: string): Promise<SystemRow> {
  return only(
    await tx
      .select()
      .from(system)
      .where(and(eq(system.schoolId, schoolId), eq(system.id, systemId), isNull(system.removedAt))),
  );
}

/**
 * Locks the system's row: whatever decides about a system or its connections takes this lock first. `no key update`, as
 * everywhere here: rows that refer to a locked one (a run, a call) can still be inserted, so that nobody waits in a circle.
 */
export async function lockSystem(tx: Tx, schoolId: string, systemId: string): Promise<SystemRow> {
  return only(
    await tx
      .select()
      .from(system)
      .where(and(eq(system.schoolId, schoolId), eq(system.id, systemId), isNull(system.removedAt)))
      .for('no key update'),
  );
}

/** The same for what comes after a run: the system may have been removed while it ran. */
export async function lockSystemEvenRemoved(tx: Tx, schoolId: string, systemId: string): Promise<SystemRow> {
  return only(
    await tx
      .select()
      .from(system)
      .where(and(eq(system.schoolId, schoolId), eq(system.id, systemId)))
      .for('no key update'),
  );
}

export async function connectionInSchool(tx: Tx, schoolId: string, connectionId: string): Promise<ConnectionRow> {
  return only(
    await tx
      .select()
      .from(connection)
      .where(and(eq(connection.schoolId, schoolId), eq(connection.id, connectionId))),
  );
}

export interface Locked {
  readonly system: SystemRow;
  readonly connection: ConnectionRow;
}

/** Locks a connection and its system, in the one order that everybody keeps: system, connection, request, credential. */
export async function lockConnection(tx: Tx, schoolId: string, connectionId: string): Promise<Locked> {
  const { producerSystemId } = await connectionInSchool(tx, schoolId, connectionId);
  const lockedSystem = await lockSystemEvenRemoved(tx, schoolId, producerSystemId);
  const locked = only(
    await tx
      .select()
      .from(connection)
      .where(and(eq(connection.schoolId, schoolId), eq(connection.id, connectionId)))
      .for('no key update'),
  );
  return { system: lockedSystem, connection: locked };
}

/** Locks a request with its connection and system. */
export async function lockRequest(
  tx: Tx,
  schoolId: string,
  requestId: string,
): Promise<Locked & { readonly request: RequestRow }> {
  const found = and(eq(request.schoolId, schoolId), eq(request.id, requestId));
  const { connectionId } = only(await tx.select().from(request).where(found));
  const locked = await lockConnection(tx, schoolId, connectionId);
  return { ...locked, request: only(await tx.select().from(request).where(found).for('no key update')) };
}

/** Locks every connection of the system that has not ended; the system is locked already. */
export async function lockConnectionsOf(tx: Tx, schoolId: string, systemId: string): Promise<ConnectionRow[]> {
  return tx
    .select()
    .from(connection)
    .where(
      and(eq(connection.schoolId, schoolId), eq(connection.producerSystemId, systemId), isNull(connection.endedAt)),
    )
    .orderBy(connection.id)
    .for('no key update');
}

/** Locks every living connection into an LMS, each with its producer. */
export async function lockConnectionsInto(tx: Tx, schoolId: string, lmsId: string): Promise<Locked[]> {
  const rows = await tx
    .select({ id: connection.id })
    .from(connection)
    .where(and(eq(connection.schoolId, schoolId), eq(connection.consumerSystemId, lmsId), isNull(connection.endedAt)))
    .orderBy(connection.producerSystemId, connection.id);
  const locked: Locked[] = [];
  for (const { id } of rows) locked.push(await lockConnection(tx, schoolId, id));
  return locked;
}

export async function liveGrantOf(tx: Tx, schoolId: string, connectionId: string): Promise<GrantRow | null> {
  const [row] = await tx
    .select()
    .from(grant)
    .where(and(eq(grant.schoolId, schoolId), eq(grant.connectionId, connectionId), isNull(grant.endedAt)));
  return row ?? null;
}

/** The request that is drafted or waits for a decision. */
export async function openRequestOf(tx: Tx, schoolId: string, connectionId: string): Promise<RequestRow | null> {
  const [row] = await tx
    .select()
    .from(request)
    .where(
      and(
        eq(request.schoolId, schoolId),
        eq(request.connectionId, connectionId),
        inArray(request.state, ['draft', 'requested']),
      ),
    );
  return row ?? null;
}

export async function latestRequestOf(tx: Tx, schoolId: string, connectionId: string): Promise<RequestRow> {
  return only(
    await tx
      .select()
      .from(request)
      .where(and(eq(request.schoolId, schoolId), eq(request.connectionId, connectionId)))
      .orderBy(desc(request.createdAt), desc(request.id))
      .limit(1),
  );
}

/** Credentials of the system that still hold a secret: the one in use first (a proved one before a newer attempt). */
export async function credentialsOf(tx: Tx, schoolId: string, systemId: string): Promise<CredentialRow[]> {
  const rows = await tx
    .select()
    .from(credential)
    .where(and(eq(credential.schoolId, schoolId), eq(credential.systemId, systemId), isNull(credential.destroyedAt)))
    .orderBy(desc(credential.createdAt), desc(credential.id));
  return rows.toSorted((a, b) => Number(b.state === 'proved') - Number(a.state === 'proved'));
}
