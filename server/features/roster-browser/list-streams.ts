import { and, count, eq, inArray, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rosterGroup, rosterStream } from '#db/schema/index.ts';
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

/** The streams that were derived from what the systems tell, a page at a time, each with how many groups it has. */
export const listStreams = defineVerb({
  name: 'data.streams',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    ...browseFields,
    sort: z.enum(['name', 'programme', 'level', 'year']).default('name'),
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
      name: sql<string>`lower(${rosterStream.name})`,
      programme: sql<string>`lower(coalesce(${rosterStream.programme}, ''))`,
      level: sql<string>`lower(coalesce(${rosterStream.level}, ''))`,
      year: sql<string>`lower(coalesce(${rosterStream.year}, ''))`,
    }[input.sort];
    const rows = await tx
      .select({
        id: rosterStream.id,
        key: by,
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
        lastSeenAt: lastSeen(rosterStream, 'streams', 'groups'),
        goneAt: rosterStream.goneAt,
      })
      .from(rosterStream)
      .where(and(wanted, behind(by, rosterStream.id, input)))
      .orderBy(...inOrder(by, rosterStream.id, input))
      .limit(recordsPerPage + 1);
    const counted = await countRows(
      tx,
      tx
        .select({ one: sql`1` })
        .from(rosterStream)
        .where(wanted)
        .limit(countedUpTo + 1),
    );
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
    return pageOf(
      rows.map((row) => ({ ...row, groups: groupsOf.get(`${row.systemId} ${row.sourceId}`) ?? 0 })),
      counted,
    );
  },
});
