import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { connectionStates, consumerKinds, systemKinds, turns } from '#db/schema/vocabulary.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const rowsSchema = z.array(
  z.object({
    schoolId: z.uuid(),
    schoolName: z.string(),
    connector: z.string(),
    systemKind: z.enum(systemKinds),
    consumerKind: z.enum(consumerKinds),
    state: z.enum(connectionStates),
    cause: z.string().nullable(),
    turn: z.enum(turns),
    connections: z.number(),
    since: z.coerce.date(),
    lastReceived: z.coerce.date().nullable(),
  }),
);

/** How connections stand, by school and connector: states, causes and counts. Nothing of what flows through them. */
export const connectionHealth = defineVerb({
  name: 'operations.connection-health',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({}),
  run: async ({ tx }) =>
    rowsSchema.parse(
      await tx.execute(sql`
        select school_id as "schoolId", school_name as "schoolName", connector, system_kind as "systemKind", consumer_kind as "consumerKind",
               state, cause, turn, connections, since, last_received as "lastReceived" from across.connection_health() limit 5000`),
    ),
});
