import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { streamChoice } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { streamInSystem } from './read-streams.ts';
import { dropEmptyChoices, noteOf, writeChoice } from './write-choice.ts';

/**
 * Groups of a stream are of another one from the next run on; `into: null` parts them again. What was merged into the first goes along, so
 * that no chain arises.
 * @throws CrosswalkError `not-found`; `invalid-input` with `into` for itself; `state-forbids` for one that is merged away itself
 */
export const mergeStream = defineVerb({
  name: 'streams.merge',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    sourceId: z.string().min(1).max(500),
    into: z.string().min(1).max(500).nullable(),
  }),
  run: async (call) => {
    const { sourceId, into, ...of } = call.input;
    const { tx } = call;
    await systemInSchool(tx, of.schoolId, of.systemId);
    await streamInSystem(tx, of, sourceId);
    if (into === sourceId) throw new CrosswalkError('invalid-input', { details: { fields: ['into'] } });
    if (into !== null && (await streamInSystem(tx, of, into)).mergedInto !== null) {
      throw new CrosswalkError('state-forbids', { details: { problem: 'merged-away' } });
    }
    await writeChoice(call, of, sourceId, { mergedInto: into });
    if (into !== null) {
      await tx
        .update(streamChoice)
        .set({ mergedInto: into })
        .where(
          and(
            eq(streamChoice.schoolId, of.schoolId),
            eq(streamChoice.systemId, of.systemId),
            eq(streamChoice.mergedInto, sourceId),
          ),
        );
    }
    await dropEmptyChoices(call, of);
    call.audit(noteOf(into === null ? 'parted' : 'merged', of.systemId, { stream: sourceId, into }));
    return { sourceId };
  },
});
