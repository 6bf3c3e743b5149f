import { and, asc, desc, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { connection, request, system } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { askableScopes } from './askable-scopes.ts';
import { askedAs, askers } from './asking-party.ts';
import { productOf } from './product-of-system.ts';

/**
 * What whoever asks needs to go on: the school's systems by name, with what may be asked of each, and his own requests.
 * No address, no data, nobody else's request.
 */
export const requestsOfAsker = defineVerb({
  name: 'connections.requests-of-asker',
  kind: 'query',
  access: askers,
  input: z.object({ schoolId: idSchema, agentId: idSchema.optional() }),
  async run({ tx, party, input: { schoolId } }) {
    const systems = await tx
      .select()
      .from(system)
      .where(and(eq(system.schoolId, schoolId), isNull(system.removedAt)))
      .orderBy(asc(system.createdAt), asc(system.id));
    const as = askedAs(party);
    const rows = await tx
      .select({ request, connection, system })
      .from(request)
      .innerJoin(connection, eq(connection.id, request.connectionId))
      .innerJoin(system, eq(system.id, connection.producerSystemId))
      .where(
        and(
          eq(request.schoolId, schoolId),
          eq(request.draftedAs, as),
          as === 'agent' && party.agentId !== null ? eq(request.agentId, party.agentId) : undefined,
        ),
      )
      .orderBy(desc(request.createdAt), desc(request.id));
    return {
      systems: systems.map((row) => ({
        id: row.id,
        kind: row.kind,
        name: row.name,
        product: productOf(row).name,
        hasAddress: row.origins.length > 0,
        scopes: askableScopes('marketplace', row.kind, row.connector),
        /** What one of the school's own LMSs may ask of it. */
        scopesForLms: as === 'school' ? askableScopes('lms', row.kind, row.connector) : [],
      })),
      requests: rows.map((row) => ({
        id: row.request.id,
        connectionId: row.connection.id,
        system: { id: row.system.id, name: row.system.name, kind: row.system.kind },
        /** The LMS that would receive; null where the marketplace would. */
        lmsId: row.connection.consumerSystemId,
        way: row.connection.way,
        kind: row.request.kind,
        state: row.request.state,
        connectionState: row.connection.state,
        turn: row.connection.turn,
        cause: row.connection.cause,
        scopes: row.request.scopes,
        purpose: row.request.purpose,
        until: row.request.until,
        sentAt: row.request.sentAt,
        decidedAt: row.request.decidedAt,
        /** The school's words to whoever asked. */
        declineReason: row.request.declineReason,
        voidReason: row.request.voidReason,
      })),
    };
  },
});
