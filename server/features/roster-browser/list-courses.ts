import { and, isNotNull, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { lmsCourse } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import {
  behind,
  browseFields,
  countedUpTo,
  countRows,
  inOrder,
  lastSeen,
  matching,
  pageOf,
  recordsPerPage,
} from './browse-records.ts';

/** The courses that were received of the school's LMSs, a page at a time. `sisId`: only those with, or without, one. */
export const listCourses = defineVerb({
  name: 'data.courses',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    ...browseFields,
    sisId: z.enum(['with', 'without']).optional(),
    sort: z.enum(['name', 'code', 'sisId', 'term']).default('name'),
  }),
  run: async ({ tx, input }) => {
    const wanted = matching(
      lmsCourse,
      input,
      [lmsCourse.name, lmsCourse.code, lmsCourse.sisId, lmsCourse.termName, lmsCourse.accountName],
      input.sisId === undefined
        ? undefined
        : input.sisId === 'with'
          ? isNotNull(lmsCourse.sisId)
          : isNull(lmsCourse.sisId),
    );
    const by = {
      name: sql<string>`lower(${lmsCourse.name})`,
      code: sql<string>`lower(coalesce(${lmsCourse.code}, ''))`,
      sisId: sql<string>`lower(coalesce(${lmsCourse.sisId}, ''))`,
      term: sql<string>`lower(coalesce(${lmsCourse.termName}, ''))`,
    }[input.sort];
    const rows = await tx
      .select({
        id: lmsCourse.id,
        key: by,
        systemId: lmsCourse.systemId,
        sourceId: lmsCourse.sourceId,
        name: lmsCourse.name,
        code: lmsCourse.code,
        sisId: lmsCourse.sisId,
        state: lmsCourse.state,
        termName: lmsCourse.termName,
        accountName: lmsCourse.accountName,
        missedFetches: lmsCourse.missedFetches,
        firstSeenAt: lmsCourse.firstSeenAt,
        lastSeenAt: lastSeen(lmsCourse, 'courses'),
        goneAt: lmsCourse.goneAt,
      })
      .from(lmsCourse)
      .where(and(wanted, behind(by, lmsCourse.id, input)))
      .orderBy(...inOrder(by, lmsCourse.id, input))
      .limit(recordsPerPage + 1);
    const counted = await countRows(
      tx,
      tx
        .select({ one: sql`1` })
        .from(lmsCourse)
        .where(wanted)
        .limit(countedUpTo + 1),
    );
    return pageOf(rows, counted);
  },
});
