import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { streamChoice } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { facetsSchema, nameSchema, ownIdOf } from './stream-words.ts';
import { noteOf, writeChoice } from './write-choice.ts';

/** A stream of the school's own list, to file groups under. @throws CrosswalkError `not-found`, `duplicate` */
export const addStream = defineVerb({
  name: 'streams.add',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema, name: nameSchema, ...facetsSchema.shape }),
  run: async (call) => {
    const { name, programme, level, year, ...of } = call.input;
    await systemInSchool(call.tx, of.schoolId, of.systemId);
    const sourceId = ownIdOf(name);
    const [known] = await call.tx
      .select({ id: streamChoice.id })
      .from(streamChoice)
      .where(
        and(
          eq(streamChoice.schoolId, of.schoolId),
          eq(streamChoice.systemId, of.systemId),
          eq(streamChoice.sourceId, sourceId),
        ),
      );
    if (known !== undefined) throw new CrosswalkError('duplicate');
    await writeChoice(call, of, sourceId, { name, programme, level, year });
    call.audit(noteOf('added', of.systemId, { stream: sourceId, name, programme, level, year }));
    return { sourceId };
  },
});
