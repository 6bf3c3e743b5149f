import { z } from 'zod';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { seesPeople } from '#server/features/roster-browser/who-sees-people.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { getRunInSchool } from './load-run.ts';
import { readSetAside, setAsideFields } from './set-aside-rows.ts';

const pageSize = 50;

/** Records of a run that could not be read, a page at a time; `after` is the `next` of the page before. */
export const listSetAside = defineVerb({
  name: 'sync.list-set-aside',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ ...setAsideFields, after: idSchema.optional() }),
  run: async ({ input, party, tx }) => {
    await getRunInSchool(tx, input.schoolId, input.syncRunId);
    const found = await readSetAside(tx, input, {
      seesPeople: seesPeople(party),
      limit: pageSize + 1,
      after: input.after,
    });
    const rows = found.slice(0, pageSize);
    return { rows, next: found.length > pageSize ? (rows.at(-1)?.id ?? null) : null };
  },
});
