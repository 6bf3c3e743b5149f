import { desc, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { prospect } from '#db/schema/index.ts';
import { agreementStates } from '#db/schema/vocabulary.ts';
import { agentMayCountersign } from '#server/features/agreements/ask-for-countersignature.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { daysBetween, localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { standingOf } from './pipeline-stage.ts';

const count = z.number();
const rowsSchema = z.array(
  z.object({
    prospect_id: z.uuid(),
    agreement_id: z.uuid().nullable(),
    agreement_state: z.enum(agreementStates).nullable(),
    countersigned_at: z.coerce.date().nullable(),
    paper_entered_at: z.boolean().nullable(),
    ends_on: z.string().nullable(),
    in_force: z.boolean(),
    successor: z.boolean(),
    live: count,
    waiting: count,
    failing: count,
    paused: count,
    agents_turn: count,
    last_change: z.coerce.date().nullable(),
  }),
);

/** The pipeline facts of the agent in scope by prospect: states and counts, nothing of a school's own. */
export async function pipelineFacts(tx: Tx) {
  const rows = rowsSchema.parse(
    await tx.execute(sql`
      select prospect_id, agreement_id, agreement_state, countersigned_at, paper_entered_at, ends_on::text as ends_on, in_force, successor,
             live, waiting, failing, paused, agents_turn, last_change
        from across.agent_pipeline()`),
  );
  return new Map(rows.map((row) => [row.prospect_id, row]));
}

/** The agent's schools with stage, what comes next and whose turn it is; the latest change first. */
export const listPipeline = defineVerb({
  name: 'schools.list-pipeline',
  kind: 'query',
  access: [{ agent: ['agent', 'agent-administrator'] }],
  input: z.object({ agentId: idSchema }),
  run: async ({ ctx, tx, input }) => {
    const known = await tx.select().from(prospect).where(isNull(prospect.archivedAt)).orderBy(desc(prospect.createdAt));
    const facts = await pipelineFacts(tx);
    const mayCountersign = await agentMayCountersign(tx, input.agentId);
    const now = ctx.clock.now();
    return known.map((row) => {
      const of = facts.get(row.id);
      const today = localDate(now, row.timeZone);
      const endsOn = of?.ends_on ?? null;
      const standing = standingOf({
        agreement:
          of === undefined || of.agreement_state === null
            ? null
            : {
                state: of.agreement_state,
                paperWaits: of.agreement_state === 'sent' && of.paper_entered_at === true,
                countersigned: of.countersigned_at !== null,
                daysLeft: endsOn === null ? 0 : daysBetween(today, endsOn),
              },
        inForce: of?.in_force ?? false,
        renewed: of?.successor ?? false,
        mayCountersign,
        connections: {
          live: of?.live ?? 0,
          waiting: of?.waiting ?? 0,
          failing: of?.failing ?? 0,
          paused: of?.paused ?? 0,
          agentsTurn: of?.agents_turn ?? 0,
        },
      });
      return {
        schoolId: row.schoolId,
        name: row.name,
        register: row.register,
        registerNumber: row.registerNumber,
        country: row.country,
        sites: row.sites.length,
        contact: row.contacts[0]?.name ?? null,
        agreementId: of?.agreement_id ?? null,
        agreementState: of?.agreement_state ?? null,
        endsOn,
        live: of?.live ?? 0,
        lastChange: of?.last_change ?? row.createdAt,
        ...standing,
      };
    });
  },
});
