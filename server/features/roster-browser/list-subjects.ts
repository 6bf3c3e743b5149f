import { and, count, eq, inArray, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rosterGroup, rosterSite, rosterSubject } from '#db/schema/index.ts';
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

/** The subjects that were received of the school's systems, a page at a time, each with how many groups follow it. */
export const listSubjects = defineVerb({
  name: 'data.subjects',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ ...browseFields, sort: z.enum(['title', 'code']).default('title') }),
  run: async ({ tx, input }) => {
    const wanted = matching(rosterSubject, input, [
      rosterSubject.title,
      rosterSubject.courseCode,
      sql`array_to_string(${rosterSubject.subjects} || ${rosterSubject.subjectCodes} || ${rosterSubject.grades}, ' ')`,
    ]);
    const by = {
      title: sql<string>`lower(${rosterSubject.title})`,
      code: sql<string>`lower(coalesce(${rosterSubject.courseCode}, ''))`,
    }[input.sort];
    const rows = await tx
      .select({
        id: rosterSubject.id,
        key: by,
        systemId: rosterSubject.systemId,
        sourceId: rosterSubject.sourceId,
        title: rosterSubject.title,
        code: rosterSubject.courseCode,
        grades: rosterSubject.grades,
        subjects: rosterSubject.subjects,
        subjectCodes: rosterSubject.subjectCodes,
        siteName: rosterSite.name,
        missedFetches: rosterSubject.missedFetches,
        firstSeenAt: rosterSubject.firstSeenAt,
        lastSeenAt: lastSeen(rosterSubject, 'subjects'),
        goneAt: rosterSubject.goneAt,
      })
      .from(rosterSubject)
      .leftJoin(
        rosterSite,
        and(
          eq(rosterSite.schoolId, rosterSubject.schoolId),
          eq(rosterSite.systemId, rosterSubject.systemId),
          eq(rosterSite.sourceId, rosterSubject.siteSourceId),
        ),
      )
      .where(and(wanted, behind(by, rosterSubject.id, input)))
      .orderBy(...inOrder(by, rosterSubject.id, input))
      .limit(recordsPerPage + 1);
    const counted = await countRows(
      tx,
      tx
        .select({ one: sql`1` })
        .from(rosterSubject)
        .where(wanted)
        .limit(countedUpTo + 1),
    );
    const groups = await tx
      .select({ systemId: rosterGroup.systemId, subject: rosterGroup.subjectSourceId, groups: count() })
      .from(rosterGroup)
      .where(
        and(
          eq(rosterGroup.schoolId, input.schoolId),
          isNull(rosterGroup.goneAt),
          inArray(
            rosterGroup.subjectSourceId,
            rows.map(({ sourceId }) => sourceId),
          ),
        ),
      )
      .groupBy(rosterGroup.systemId, rosterGroup.subjectSourceId);
    const groupsOf = new Map(groups.map((row) => [`${row.systemId} ${row.subject}`, row.groups]));
    return pageOf(
      rows.map((row) => ({ ...row, groups: groupsOf.get(`${row.systemId} ${row.sourceId}`) ?? 0 })),
      counted,
    );
  },
});
