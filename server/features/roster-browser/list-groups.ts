import { and, arrayContains, eq, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rosterGroup, rosterSite, rosterStream, rosterSubject, rosterTerm } from '#db/schema/index.ts';
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

const sourceIdSchema = z.string().min(1).max(500);

/**
 * The teaching groups and home classes that were received, a page at a time, with subject, stream, site and terms by name.
 * `subject`, `stream`, `site` and `term` are the source's own ids.
 */
export const listGroups = defineVerb({
  name: 'data.groups',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    ...browseFields,
    kind: z.enum(['group', 'class']).optional(),
    subject: sourceIdSchema.optional(),
    stream: sourceIdSchema.optional(),
    site: sourceIdSchema.optional(),
    term: sourceIdSchema.optional(),
    sort: z.enum(['title', 'subject', 'stream', 'site']).default('title'),
  }),
  run: async ({ tx, input }) => {
    const wanted = matching(
      rosterGroup,
      input,
      [
        rosterGroup.title,
        rosterGroup.code,
        rosterSubject.title,
        rosterStream.name,
        sql`array_to_string(${rosterGroup.grades} || ${rosterGroup.subjects}, ' ')`,
      ],
      input.kind === undefined ? undefined : eq(rosterGroup.kind, input.kind),
      input.subject === undefined ? undefined : eq(rosterGroup.subjectSourceId, input.subject),
      input.stream === undefined ? undefined : eq(rosterGroup.streamSourceId, input.stream),
      input.site === undefined ? undefined : eq(rosterGroup.siteSourceId, input.site),
      input.term === undefined ? undefined : arrayContains(rosterGroup.termSourceIds, [input.term]),
    );
    const by = {
      title: sql<string>`lower(${rosterGroup.title})`,
      subject: sql<string>`lower(coalesce(${rosterSubject.title}, ''))`,
      stream: sql<string>`lower(coalesce(${rosterStream.name}, ''))`,
      site: sql<string>`lower(coalesce(${rosterSite.name}, ''))`,
    }[input.sort];
    const ofSubject = and(
      eq(rosterSubject.schoolId, rosterGroup.schoolId),
      eq(rosterSubject.systemId, rosterGroup.systemId),
      eq(rosterSubject.sourceId, rosterGroup.subjectSourceId),
    );
    const ofStream = and(
      eq(rosterStream.schoolId, rosterGroup.schoolId),
      eq(rosterStream.systemId, rosterGroup.systemId),
      eq(rosterStream.sourceId, rosterGroup.streamSourceId),
    );
    const rows = await tx
      .select({
        id: rosterGroup.id,
        key: by,
        systemId: rosterGroup.systemId,
        sourceId: rosterGroup.sourceId,
        kind: rosterGroup.kind,
        title: rosterGroup.title,
        code: rosterGroup.code,
        grades: rosterGroup.grades,
        subjectName: rosterSubject.title,
        streamName: rosterStream.name,
        siteName: rosterSite.name,
        termSourceIds: rosterGroup.termSourceIds,
        missedFetches: rosterGroup.missedFetches,
        firstSeenAt: rosterGroup.firstSeenAt,
        lastSeenAt: lastSeen(rosterGroup, 'groups', 'classes'),
        goneAt: rosterGroup.goneAt,
      })
      .from(rosterGroup)
      .leftJoin(rosterSubject, ofSubject)
      .leftJoin(rosterStream, ofStream)
      .leftJoin(
        rosterSite,
        and(
          eq(rosterSite.schoolId, rosterGroup.schoolId),
          eq(rosterSite.systemId, rosterGroup.systemId),
          eq(rosterSite.sourceId, rosterGroup.siteSourceId),
        ),
      )
      .where(and(wanted, behind(by, rosterGroup.id, input)))
      .orderBy(...inOrder(by, rosterGroup.id, input))
      .limit(recordsPerPage + 1);
    const counted = await countRows(
      tx,
      tx
        .select({ one: sql`1` })
        .from(rosterGroup)
        .leftJoin(rosterSubject, ofSubject)
        .leftJoin(rosterStream, ofStream)
        .where(wanted)
        .limit(countedUpTo + 1),
    );
    const termIds = [...new Set(rows.flatMap((row) => row.termSourceIds))];
    const terms = await tx
      .select({ systemId: rosterTerm.systemId, sourceId: rosterTerm.sourceId, name: rosterTerm.name })
      .from(rosterTerm)
      .where(and(eq(rosterTerm.schoolId, input.schoolId), inArray(rosterTerm.sourceId, termIds)));
    const termNames = new Map(terms.map((term) => [`${term.systemId} ${term.sourceId}`, term.name]));
    return pageOf(
      rows.map(({ termSourceIds, ...row }) => ({
        ...row,
        terms: termSourceIds.map((sourceId) => termNames.get(`${row.systemId} ${sourceId}`) ?? sourceId),
      })),
      counted,
    );
  },
});
