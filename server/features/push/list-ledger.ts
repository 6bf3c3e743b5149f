import { and, asc, eq, gt, isNotNull } from 'drizzle-orm';
import { z } from 'zod';
import { pushLedger } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { pushEntities } from '#server/connectors/push-contract.ts';
import { seesPeople } from '#server/features/roster-browser/who-sees-people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { connectionToPush } from './load-push.ts';
import { isOfPeople, namesOfPushed } from './names-of-pushed.ts';

const pageSize = 50;

/** What Crosswalk made or adopted in the LMS, of one entity; a page at a time. @throws CrosswalkError `not-found`, `forbidden` */
export const listLedger = defineVerb({
  name: 'push.list-ledger',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    schoolId: idSchema,
    connectionId: idSchema,
    entity: z.enum(pushEntities),
    after: z.string().max(600).optional(),
  }),
  run: async ({ tx, party, input: { schoolId, connectionId, entity, after } }) => {
    if (isOfPeople(entity) && !seesPeople(party))
      throw new CrosswalkError('forbidden', { details: { limit: 'people' } });
    await connectionToPush(tx, schoolId, connectionId);
    const rows = await tx
      .select()
      .from(pushLedger)
      .where(
        and(
          eq(pushLedger.schoolId, schoolId),
          eq(pushLedger.connectionId, connectionId),
          eq(pushLedger.entity, entity),
          isNotNull(pushLedger.writtenAt),
          after === undefined ? undefined : gt(pushLedger.key, after),
        ),
      )
      .orderBy(asc(pushLedger.key))
      .limit(pageSize + 1);
    const shown = rows.slice(0, pageSize);
    const names = await namesOfPushed(tx, schoolId, shown);
    return {
      rows: shown.map((row) => ({
        key: row.key,
        name: row.recordId === null ? null : (names.get(row.recordId) ?? null),
        foreignId: row.foreignId,
        origin: row.origin,
        suspended: row.suspended,
        writtenAt: row.writtenAt,
        goneAt: row.goneAt,
      })),
      next: rows.length > pageSize ? (shown.at(-1)?.key ?? null) : null,
    };
  },
});
