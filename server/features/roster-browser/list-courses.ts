import { asc, count, desc, isNotNull, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { lmsCourse } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { browseFields, matching, pageOf, recordsPerPage } from './browse-records.ts';

/** The courses that were received of the school's LMSs, a page at a time. `sisId`: only those with, or without, one. */
export const listCourses = defineVerb({
  name: 'data.courses',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    ...browseFields,
    sisId: z.enum(['with', 'without']).optional(),
    sort: z.enum(['name', 'code', 'sisId', 'term', 'lastSeen']).default('name'),
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
      name: sql`lower(${lmsCourse.name})`,
      code: sql`lower(coalesce(${lmsCourse.code}, ''))`,
      sisId: sql`lower(coalesce(${lmsCourse.sisId}, ''))`,
      term: sql`lower(coalesce(${lmsCourse.termName}, ''))`,
      lastSeen: sql`${lmsCourse.lastSeenAt}`,
    }[input.sort];
    const { limit, offset } = pageOf(input);
    const rows = await tx
      .select({
        id: lmsCourse.id,
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
        lastSeenAt: lmsCourse.lastSeenAt,
        goneAt: lmsCourse.goneAt,
      })
      .from(lmsCourse)
      .where(wanted)
      .orderBy(input.descending ? desc(by) : asc(by), asc(lmsCourse.id))
      .limit(limit)
      .offset(offset);
    const [total] = await tx.select({ rows: count() }).from(lmsCourse).where(wanted);
    return { rows, total: total?.rows ?? 0, perPage: recordsPerPage };
  },
});
