import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { streamChoice } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { parseOwnList } from './parse-own-list.ts';
import { ownIdOf } from './stream-words.ts';
import { noteOf, writeChoice } from './write-choice.ts';

/**
 * The school's own list of streams out of CSV text: new ones are added, known ones take what the list says, none is removed. All or none.
 * @throws CrosswalkError `list-unreadable`; `invalid-input` with `problems`, e.g. `3:name-missing`, or one word for the whole list
 */
export const importOwnList = defineVerb({
  name: 'streams.import-own-list',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema, csv: z.string().max(500_000) }),
  run: async (call) => {
    const { csv, ...of } = call.input;
    await systemInSchool(call.tx, of.schoolId, of.systemId);
    const parsed = parseOwnList(csv, ownIdOf);
    if (!parsed.ok) {
      if (parsed.problem === 'unreadable') throw new CrosswalkError('list-unreadable');
      const problems =
        parsed.problem === 'lines' ? parsed.lines.map(({ line, problem }) => `${line}:${problem}`) : [parsed.problem];
      throw new CrosswalkError('invalid-input', { details: { fields: ['csv'], problems: problems.slice(0, 20) } });
    }
    const known = await call.tx
      .select({ sourceId: streamChoice.sourceId })
      .from(streamChoice)
      .where(
        and(
          eq(streamChoice.schoolId, of.schoolId),
          eq(streamChoice.systemId, of.systemId),
          sql`starts_with(${streamChoice.sourceId}, 'own:')`,
        ),
      );
    const before = new Set(known.map(({ sourceId }) => sourceId));
    for (const { name, ...facets } of parsed.streams) await writeChoice(call, of, ownIdOf(name), { name, ...facets });
    const added = parsed.streams.filter(({ name }) => !before.has(ownIdOf(name))).length;
    const updated = parsed.streams.length - added;
    call.audit(noteOf('imported', of.systemId, { added, updated }));
    return { added, updated };
  },
});
