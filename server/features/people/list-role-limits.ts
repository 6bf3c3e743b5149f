import { and, asc, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { site, system } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

/** The school's sites and systems by name: what a role or a release can be limited to. */
export const listRoleLimits = defineVerb({
  name: 'people.list-role-limits',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ tx, input: { schoolId } }) => ({
    sites: await tx
      .select({ id: site.id, name: site.name })
      .from(site)
      .where(eq(site.schoolId, schoolId))
      .orderBy(asc(site.name)),
    systems: await tx
      .select({ id: system.id, name: system.name, kind: system.kind })
      .from(system)
      .where(and(eq(system.schoolId, schoolId), isNull(system.removedAt)))
      .orderBy(asc(system.name)),
  }),
});
