import { and, asc, count, eq, ilike, isNull, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rosterGroup, rosterSite, rosterSubject, streamAssignment } from '#db/schema/index.ts';
import { systemRoles } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const perPage = 25;
const literally = (word: string) => word.replaceAll(/[\\%_]/g, '\\$&');

/** Groups to file under a stream, a page at a time: those searched for, of one stream, of none, or filed by hand. */
export const groupsToFile = defineVerb({
  name: 'streams.groups',
  kind: 'query',
  access: [{ school: systemRoles }],
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    search: z
      .string()
      .max(200)
      .default('')
      .transform((text) => text.replaceAll('\0', '').trim()),
    show: z.enum(['all', 'none', 'by-hand']).default('all'),
    stream: z.string().max(500).optional(),
    page: z.int().min(1).max(10_000).default(1),
  }),
  run: async ({ tx, input }) => {
    const { schoolId, systemId, search, show, stream, page } = input;
    const words = search.split(/\s+/u).filter((word) => word !== '');
    const assigned = and(
      eq(streamAssignment.schoolId, rosterGroup.schoolId),
      eq(streamAssignment.systemId, rosterGroup.systemId),
      eq(streamAssignment.groupSourceId, rosterGroup.sourceId),
    );
    const wanted = and(
      eq(rosterGroup.schoolId, schoolId),
      eq(rosterGroup.systemId, systemId),
      isNull(rosterGroup.goneAt),
      show === 'none' ? isNull(rosterGroup.streamSourceId) : undefined,
      show === 'by-hand' ? sql`${streamAssignment.groupSourceId} is not null` : undefined,
      stream === undefined
        ? undefined
        : or(eq(rosterGroup.streamSourceId, stream), eq(streamAssignment.streamSourceId, stream)),
      ...words
        .slice(0, 8)
        .map((word) =>
          or(ilike(rosterGroup.title, `%${literally(word)}%`), ilike(rosterGroup.code, `%${literally(word)}%`)),
        ),
    );
    const from = tx
      .select({
        id: rosterGroup.id,
        title: rosterGroup.title,
        code: rosterGroup.code,
        kind: rosterGroup.kind,
        stream: rosterGroup.streamSourceId,
        byHand: streamAssignment.streamSourceId,
        subject: rosterSubject.title,
        site: rosterSite.name,
      })
      .from(rosterGroup)
      .leftJoin(streamAssignment, assigned)
      .leftJoin(
        rosterSubject,
        and(
          eq(rosterSubject.schoolId, rosterGroup.schoolId),
          eq(rosterSubject.systemId, rosterGroup.systemId),
          eq(rosterSubject.sourceId, rosterGroup.subjectSourceId),
        ),
      )
      .leftJoin(
        rosterSite,
        and(
          eq(rosterSite.schoolId, rosterGroup.schoolId),
          eq(rosterSite.systemId, rosterGroup.systemId),
          eq(rosterSite.sourceId, rosterGroup.siteSourceId),
        ),
      );
    const rows = await from
      .where(wanted)
      .orderBy(sql`lower(${rosterGroup.title})`, asc(rosterGroup.id))
      .limit(perPage)
      .offset((page - 1) * perPage);
    const [total] = await tx
      .select({ rows: count() })
      .from(rosterGroup)
      .leftJoin(streamAssignment, assigned)
      .where(wanted);
    return { rows, total: total?.rows ?? 0, perPage };
  },
});
