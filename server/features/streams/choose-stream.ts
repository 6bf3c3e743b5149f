import { z } from 'zod';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { streamInSystem } from './read-streams.ts';
import { facetsSchema, isOwn, optionalNameSchema } from './stream-words.ts';
import { dropEmptyChoices, noteOf, writeChoice } from './write-choice.ts';

/**
 * Another name, programme, level or year for a stream; what is empty is as it was derived. Applied by the next run.
 * @throws CrosswalkError `not-found`; `invalid-input` where one of the school's own list would have no name
 */
export const chooseStream = defineVerb({
  name: 'streams.choose',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    sourceId: z.string().min(1).max(500),
    name: optionalNameSchema,
    ...facetsSchema.shape,
  }),
  run: async (call) => {
    const { sourceId, name, programme, level, year, ...of } = call.input;
    await systemInSchool(call.tx, of.schoolId, of.systemId);
    await streamInSystem(call.tx, of, sourceId);
    if (isOwn(sourceId) && name === null) throw new CrosswalkError('invalid-input', { details: { fields: ['name'] } });
    await writeChoice(call, of, sourceId, { name, programme, level, year });
    await dropEmptyChoices(call, of);
    call.audit(noteOf('chosen', of.systemId, { stream: sourceId, name, programme, level, year }));
    return { sourceId };
  },
});
