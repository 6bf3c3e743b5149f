import { and, asc, eq, gt, inArray } from 'drizzle-orm';
import { z } from 'zod';
import { pushChoice, pushRow } from '#db/schema/index.ts';
import { pushRowActions, pushRowStates, schoolRoles } from '#db/schema/vocabulary.ts';
import { pushEntities } from '#server/connectors/push-contract.ts';
import { seesPeople } from '#server/features/roster-browser/who-sees-people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { getPushInSchool } from './load-push.ts';
import { isOfPeople, namesOfPushed } from './names-of-pushed.ts';

const pageSize = 50;

/**
 * Rows of a push of one entity, with the names that the roster still has for them; a page at a time, `after` is the `next` of the page before. Rows
 * about somebody are for whoever sees people.
 * @throws CrosswalkError `not-found`, `forbidden`
 */
export const listPushRows = defineVerb({
  name: 'push.list-rows',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    schoolId: idSchema,
    pushRunId: idSchema,
    entity: z.enum(pushEntities),
    action: z.enum(pushRowActions).optional(),
    states: z.array(z.enum(pushRowStates)).max(5).optional(),
    after: z.string().max(600).optional(),
  }),
  run: async ({ tx, party, input }) => {
    const { schoolId, pushRunId, entity, action, states, after } = input;
    const run = await getPushInSchool(tx, schoolId, pushRunId);
    if (isOfPeople(entity) && !seesPeople(party))
      throw new CrosswalkError('forbidden', { details: { limit: 'people' } });
    const rows = await tx
      .select()
      .from(pushRow)
      .where(
        and(
          eq(pushRow.schoolId, schoolId),
          eq(pushRow.pushRunId, pushRunId),
          eq(pushRow.entity, entity),
          action === undefined ? undefined : eq(pushRow.action, action),
          states === undefined ? undefined : inArray(pushRow.state, states),
          after === undefined ? undefined : gt(pushRow.key, after),
        ),
      )
      .orderBy(asc(pushRow.key))
      .limit(pageSize + 1);
    const shown = rows.slice(0, pageSize);
    const names = await namesOfPushed(tx, schoolId, shown);
    const choices = await tx
      .select()
      .from(pushChoice)
      .where(
        and(
          eq(pushChoice.schoolId, schoolId),
          eq(pushChoice.connectionId, run.connectionId),
          eq(pushChoice.entity, entity),
          inArray(
            pushChoice.key,
            shown.map(({ key }) => key),
          ),
        ),
      );
    return {
      rows: shown.map((row) => ({
        key: row.key,
        name: row.recordId === null ? null : (names.get(row.recordId) ?? null),
        action: row.action,
        reason: row.reason,
        state: row.state,
        foreignId: row.foreignId,
        problem: row.problem,
        answer: choices.find(({ key }) => key === row.key)?.answer ?? null,
      })),
      next: rows.length > pageSize ? (shown.at(-1)?.key ?? null) : null,
    };
  },
});
