import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { connectionStates, systemKinds, turns } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { readCause, standingOf } from './state-machine.ts';

const rowsSchema = z.array(
  z.object({
    connection_id: idSchema,
    school_id: idSchema,
    school_name: z.string(),
    producer_kind: z.enum(systemKinds),
    system_id: idSchema,
    system_name: z.string(),
    state: z.enum(connectionStates),
    turn: z.enum(turns),
    cause: z.string().nullable(),
    state_changed_at: z.coerce.date(),
    ended_at: z.coerce.date().nullable(),
    asked_by_this_agent: z.boolean(),
  }),
);

/** What an agent sees of its schools' connections: state, turn and next step; never data, a count or an address. */
export const connectionsForAgent = defineVerb({
  name: 'connections.for-agent',
  kind: 'query',
  access: [{ agent: ['agent', 'agent-administrator'] }],
  input: z.object({ agentId: idSchema, ofSchool: idSchema.optional() }),
  async run({ tx, input: { agentId, ofSchool } }) {
    const rows = rowsSchema.parse(await tx.execute(sql`select * from across.connections_of_agent(${agentId})`));
    return rows
      .filter((row) => ofSchool === undefined || row.school_id === ofSchool)
      .map((row) => ({
        connectionId: row.connection_id,
        school: { id: row.school_id, name: row.school_name },
        system: { id: row.system_id, name: row.system_name, kind: row.producer_kind },
        state: row.state,
        turn: row.turn,
        cause: readCause(row.cause),
        next: standingOf(
          { state: row.state, cause: readCause(row.cause) },
          { draftedAs: 'agent', producerKind: row.producer_kind },
        ).next,
        since: row.state_changed_at,
        endedAt: row.ended_at,
        askedByUs: row.asked_by_this_agent,
      }));
  },
});
