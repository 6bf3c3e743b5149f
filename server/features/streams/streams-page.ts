import { and, count, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { rosterGroup } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { systemRoles } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { readStreams, unappliedSince } from './read-streams.ts';

/** A system's streams, where each came from, what the school made of them, and whether a run has applied it. */
export const streamsPage = defineVerb({
  name: 'streams.page',
  kind: 'query',
  access: [{ school: systemRoles }],
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  run: async ({ tx, party, input }) => {
    const { schoolId, systemId } = input;
    const system = await systemInSchool(tx, schoolId, systemId);
    const [without] = await tx
      .select({ groups: count() })
      .from(rosterGroup)
      .where(
        and(
          eq(rosterGroup.schoolId, schoolId),
          eq(rosterGroup.systemId, systemId),
          isNull(rosterGroup.goneAt),
          isNull(rosterGroup.streamSourceId),
        ),
      );
    return {
      system: { id: system.id, name: system.name, kind: system.kind },
      streams: await readStreams(tx, input),
      groupsWithout: without?.groups ?? 0,
      unappliedSince: await unappliedSince(tx, input),
      mayChange: party.memberships.some(({ role }) => role === 'school-administrator'),
    };
  },
});
