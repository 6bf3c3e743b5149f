import { and, arrayContains, asc, count, desc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rosterGroup, rosterSite, rosterStream, rosterSubject, rosterTerm } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { browseFields, matching, pageOf, recordsPerPage } from './browse-records.ts';

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
    sort: z.enum(['title', 'subject', 'stream', 'site', 'lastSeen']).default('title'),
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
      title: sql`lower(${rosterGroup.title})`,
      subject: sql`lower(coalesce(${rosterSubject.title}, ''))`,
      stream: sql`lower(coalesce(${rosterStream.name}, ''))`,
      site: sql`lower(coalesce(${rosterSite.name}, ''))`,
      lastSeen: sql`${rosterGroup.lastSeenAt}`,
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
    const { limit, offset } = pageOf(input);
    const rows = await tx
      .select({
        id: rosterGroup.id,
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
        lastSeenAt: rosterGroup.lastSeenAt,
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
      .where(wanted)
      .orderBy(input.descending ? desc(by) : asc(by), asc(rosterGroup.id))
      .limit(limit)
      .offset(offset);
    const [total] = await tx
      .select({ rows: count() })
      .from(rosterGroup)
      .leftJoin(rosterSubject, ofSubject)
      .leftJoin(rosterStream, ofStream)
      .where(wanted);
    const terms = await tx
      .select({ systemId: rosterTerm.systemId, sourceId: rosterTerm.sourceId, name: rosterTerm.name })
      .from(rosterTerm)
      .where(eq(rosterTerm.schoolId, input.schoolId));
    const termNames = new Map(terms.map((term) => [`${term.systemId} ${term.sourceId}`, term.name]));
    return {
      rows: rows.map(({ termSourceIds, ...row }) => ({
        ...row,
        terms: termSourceIds.map((sourceId) => termNames.get(`${row.systemId} ${sourceId}`) ?? sourceId),
      })),
      total: total?.rows ?? 0,
      perPage: recordsPerPage,
    };
  },
});
