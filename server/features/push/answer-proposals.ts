import { and, eq, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { pushRow } from '#db/schema/index.ts';
import { pushEntities } from '#server/connectors/push-contract.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { getPushInSchool } from './load-push.ts';

const counted = z.array(z.object({ n: z.coerce.number() }));

/**
 * Answers what a push asks, for some rows or for all of an entity: `adopt`, the record over there is this one; `separate`, it is another, and
 * ours is made besides; `remake`, what was deleted over there is made again. The answer outlives this push. A record over there is
 * adopted for one of ours alone.
 * @throws CrosswalkError `not-found`, `state-forbids` where it is settled already
 */
export const answerProposals = defineVerb({
  name: 'push.answer-proposals',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    pushRunId: idSchema,
    entity: z.enum(pushEntities),
    answer: z.enum(['adopt', 'separate', 'remake']),
    /** Absent: all that are asked of this entity. */
    keys: z.array(z.string().min(1).max(600)).max(500).optional(),
  }),
  run: async ({ ctx, tx, audit, input }) => {
    const { schoolId, pushRunId, entity, answer, keys } = input;
    const run = await getPushInSchool(tx, schoolId, pushRunId);
    if (run.state === 'running' || run.state === 'queued') {
      throw new CrosswalkError('state-forbids', { details: { state: run.state } });
    }
    const asked = and(
      eq(pushRow.schoolId, schoolId),
      eq(pushRow.pushRunId, pushRunId),
      eq(pushRow.entity, entity),
      eq(pushRow.action, answer === 'remake' ? 'ask' : 'propose'),
      keys === undefined ? undefined : inArray(pushRow.key, keys),
    );
    const which = tx.select({ key: pushRow.key }).from(pushRow).where(asked);
    const chosenBy = userIdOf(ctx);
    const [answered] = counted.parse(
      await tx.execute(sql`
        with answered as (
          insert into push_choice (school_id, connection_id, entity, key, answer, foreign_id, chosen_by, chosen_at)
          select r.school_id, ${run.connectionId}::uuid, r.entity, r.key, ${answer}, r.foreign_id, ${chosenBy}::uuid, ${ctx.clock.now().toISOString()}::timestamptz
            from push_row r
           where r.school_id = ${schoolId}::uuid and r.push_run_id = ${pushRunId}::uuid and r.entity = ${entity} and r.key in ${which}
             -- One record over there for one of ours.
             and (${answer} <> 'adopt' or not exists (
                   select 1 from push_row o where o.school_id = r.school_id and o.push_run_id = r.push_run_id and o.entity = r.entity and o.foreign_id = r.foreign_id
                      and o.key < r.key and o.action = 'propose' and (o.key in ${which})))
             and (${answer} <> 'adopt' or not exists (
                   select 1 from push_choice c where c.school_id = r.school_id and c.connection_id = ${run.connectionId}::uuid and c.entity = r.entity and c.foreign_id = r.foreign_id
                      and c.answer = 'adopt' and c.key <> r.key))
             and (${answer} <> 'adopt' or not exists (
                   select 1 from push_ledger l where l.school_id = r.school_id and l.system_id = ${run.systemId}::uuid and l.entity = r.entity and l.foreign_id = r.foreign_id))
          on conflict (connection_id, entity, key) do update
             set answer = excluded.answer, foreign_id = excluded.foreign_id, chosen_by = excluded.chosen_by, chosen_at = excluded.chosen_at
          returning key)
        select count(*) as n from answered`),
    );
    audit({
      action: 'push.proposals-answered',
      subjectKind: 'connection',
      subjectId: run.connectionId,
      details: { pushRunId, entity, answer, answered: answered?.n ?? 0 },
    });
    return { answered: answered?.n ?? 0 };
  },
});
