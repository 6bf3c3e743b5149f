import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { streamAssignment, streamChoice } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { streamInSystem } from './read-streams.ts';
import { isOwn } from './stream-words.ts';
import { dropEmptyChoices, noteOf } from './write-choice.ts';

/**
 * Back to what the system tells: of one stream (one of the school's own list is removed, and its groups are as they tell of themselves), or
 * of all with `stream: null`. Applied by the next run.
 * @throws CrosswalkError `not-found`
 */
export const resetStreams = defineVerb({
  name: 'streams.reset',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema, stream: z.string().min(1).max(500).nullable() }),
  run: async (call) => {
    const { stream, ...of } = call.input;
    const { tx } = call;
    await systemInSchool(tx, of.schoolId, of.systemId);
    const choices = and(eq(streamChoice.schoolId, of.schoolId), eq(streamChoice.systemId, of.systemId));
    const filed = and(eq(streamAssignment.schoolId, of.schoolId), eq(streamAssignment.systemId, of.systemId));
    if (stream === null) {
      await tx.delete(streamChoice).where(choices);
      await tx.delete(streamAssignment).where(filed);
    } else {
      await streamInSystem(tx, of, stream);
      await tx.delete(streamChoice).where(and(choices, eq(streamChoice.sourceId, stream)));
      if (isOwn(stream)) {
        await tx
          .update(streamChoice)
          .set({ mergedInto: null })
          .where(and(choices, eq(streamChoice.mergedInto, stream)));
        await tx.delete(streamAssignment).where(and(filed, eq(streamAssignment.streamSourceId, stream)));
        await dropEmptyChoices(call, of);
      }
    }
    call.audit(noteOf('reset', of.systemId, { stream }));
    return { stream };
  },
});
