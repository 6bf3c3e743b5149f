import { and, asc, count, desc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rosterGroup, rosterStream } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { browseFields, matching, pageOf, recordsPerPage } from './browse-records.ts';

/** The streams that were derived from what the systems tell, a page at a time, each with how many groups it has. */
export const listStreams = defineVerb({
  name: 'data.streams',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    ...browseFields,
    sort: z.enum(['name', 'programme', 'level', 'year', 'lastSeen']).default('name'),
  }),
  run: async ({ tx, input }) => {
    const wanted = matching(rosterStream, input, [
      rosterStream.name,
      rosterStream.code,
      rosterStream.programme,
      rosterStream.level,
      rosterStream.year,
    ]);
    const by = {
      name: sql`lower(${rosterStream.name})`,
      programme: sql`lower(coalesce(${rosterStream.programme}, ''))`,
      level: sql`lower(coalesce(${rosterStream.level}, ''))`,
      year: sql`lower(coalesce(${rosterStream.year}, ''))`,
      lastSeen: sql`${rosterStream.lastSeenAt}`,
    }[input.sort];
    const { limit, offset } = pageOf(input);
    const rows = await tx
      .select({
        id: rosterStream.id,
        systemId: rosterStream.systemId,
        sourceId: rosterStream.sourceId,
        name: rosterStream.name,
        code: rosterStream.code,
        programme: rosterStream.programme,
        level: rosterStream.level,
        year: rosterStream.year,
        derivedFrom: rosterStream.derivedFrom,
        missedFetches: rosterStream.missedFetches,
        firstSeenAt: rosterStream.firstSeenAt,
        lastSeenAt: rosterStream.lastSeenAt,
        goneAt: rosterStream.goneAt,
      })
      .from(rosterStream)
      .where(wanted)
      .orderBy(input.descending ? desc(by) : asc(by), asc(rosterStream.id))
      .limit(limit)
      .offset(offset);
    const [total] = await tx.select({ rows: count() }).from(rosterStream).where(wanted);
    const groups = await tx
      .select({ systemId: rosterGroup.systemId, stream: rosterGroup.streamSourceId, groups: count() })
      .from(rosterGroup)
      .where(
        and(
          eq(rosterGroup.schoolId, input.schoolId),
          isNull(rosterGroup.goneAt),
          inArray(
            rosterGroup.streamSourceId,
            rows.map(({ sourceId }) => sourceId),
          ),
        ),
      )
      .groupBy(rosterGroup.systemId, rosterGroup.streamSourceId);
    const groupsOf = new Map(groups.map((row) => [`${row.systemId} ${row.stream}`, row.groups]));
    return {
      rows: rows.map((row) => ({ ...row, groups: groupsOf.get(`${row.systemId} ${row.sourceId}`) ?? 0 })),
      total: total?.rows ?? 0,
      perPage: recordsPerPage,
    };
  },
});
