import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { agentRoles, syncPhases, syncStates, systemKinds } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { countsOf } from './run-view.ts';

const rowsSchema = z.array(
  z.object({
    system_id: z.uuid(),
    system_kind: z.enum(systemKinds),
    state: z.enum(syncStates),
    phase: z.enum(syncPhases).nullable(),
    progress: z.unknown(),
    started_at: z.coerce.date().nullable(),
    finished_at: z.coerce.date().nullable(),
  }),
);

/** How far the syncs of a school are, for an agent with an agreement in force: states and counts, never a name or a record. */
export const agentSyncProgress = defineVerb({
  name: 'sync.agent-sync-progress',
  kind: 'query',
  access: [{ agent: agentRoles, serves: 'agreement' }],
  input: z.object({ agentId: idSchema, schoolId: idSchema }),
  run: async ({ input, tx }) => {
    const rows = rowsSchema.parse(
      await tx.execute(sql`select * from across.sync_counts_for_agent(${input.agentId}, ${input.schoolId})`),
    );
    return rows.map((row) => ({
      systemId: row.system_id,
      kind: row.system_kind,
      state: row.state,
      phase: row.phase,
      counts: countsOf(row.progress),
      startedAt: row.started_at,
      finishedAt: row.finished_at,
    }));
  },
});
