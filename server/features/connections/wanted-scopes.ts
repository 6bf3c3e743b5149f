import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { connection, grant, request } from '#db/schema/index.ts';
import { pushScopes, type Scope } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { neededOfSource } from '#server/roster/live-grants.ts';
import { askableScopes } from './askable-scopes.ts';
import type { SystemRow } from './load-rows.ts';
import { isPushAskedFor, isPushedInto } from './pushed-into.ts';

/** What the system should give whoever sets it up: all that is granted or asked for on it or into it, else all that the marketplace could ask. */
export async function wantedScopes(tx: Tx, system: SystemRow): Promise<Scope[]> {
  const living = and(
    eq(connection.schoolId, system.schoolId),
    eq(connection.producerSystemId, system.id),
    isNull(connection.endedAt),
  );
  const granted = await tx
    .select({ way: connection.way, scopes: grant.scopes })
    .from(connection)
    .innerJoin(grant, and(eq(grant.connectionId, connection.id), isNull(grant.endedAt)))
    .where(living);
  const asked = await tx
    .select({ way: connection.way, scopes: request.scopes })
    .from(connection)
    .innerJoin(request, and(eq(request.connectionId, connection.id), inArray(request.state, ['draft', 'requested'])))
    .where(living);
  const isPushed = (await isPushedInto(tx, system)) || (await isPushAskedFor(tx, system));
  const wanted = new Set([
    ...(isPushed ? pushScopes : []),
    ...granted.flatMap(({ way, scopes }) => neededOfSource(way, scopes)),
    ...asked.flatMap(({ way, scopes }) =>
      neededOfSource(
        way,
        scopes.map(({ scope }) => scope),
      ),
    ),
  ]);
  const chosen = connectorById(system.connector).capabilities.scopes.filter((scope) => wanted.has(scope));
  return chosen.length > 0 ? chosen : askableScopes('marketplace', system.kind, system.connector);
}
