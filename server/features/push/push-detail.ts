import { and, eq, inArray, notExists } from 'drizzle-orm';
import { z } from 'zod';
import { pushChoice, pushRow } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { pushEntities } from '#server/connectors/push-contract.ts';
import { seesPeople } from '#server/features/roster-browser/who-sees-people.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { countPush } from '#server/roster/push/plan.ts';
import { connectionToPush, getPushInSchool } from './load-push.ts';
import { viewOfPush } from './push-view.ts';

/** One push: what it would do or did by entity and action with the reasons, and why it waits. Counts alone. */
export const pushDetail = defineVerb({
  name: 'push.detail',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, pushRunId: idSchema }),
  run: async ({ ctx, tx, party, input: { schoolId, pushRunId } }) => {
    const row = await getPushInSchool(tx, schoolId, pushRunId);
    const { lms, facts } = await connectionToPush(tx, schoolId, row.connectionId);
    const answered = tx
      .select()
      .from(pushChoice)
      .where(
        and(
          eq(pushChoice.schoolId, schoolId),
          eq(pushChoice.connectionId, row.connectionId),
          eq(pushChoice.entity, pushRow.entity),
          eq(pushChoice.key, pushRow.key),
        ),
      );
    return {
      ...viewOfPush(row, ctx.clock.now()),
      connectionId: row.connectionId,
      lms: { id: lms.id, name: lms.name, connector: lms.connector },
      entities: facts?.entities ?? pushEntities,
      carries: facts?.carries ?? [],
      rows: await countPush(tx, { schoolId, pushRunId }),
      /** Rows of which it is asked what they are, and nobody has said. */
      unanswered: await tx.$count(
        pushRow,
        and(
          eq(pushRow.schoolId, schoolId),
          eq(pushRow.pushRunId, pushRunId),
          inArray(pushRow.action, ['propose', 'ask']),
          notExists(answered),
        ),
      ),
      mayDecide: party.memberships.some(({ role }) => role === 'school-administrator'),
      seesPeople: seesPeople(party),
    };
  },
});
