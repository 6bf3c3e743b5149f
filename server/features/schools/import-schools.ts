import { z } from 'zod';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { addOwnSchool } from './add-school.ts';
import { bytesOfList, listFileSchema } from './list-input.ts';
import { newSchoolId } from './open-school.ts';
import { parseSchoolList } from './parse-school-list.ts';

/**
 * Imports every usable row of a list, each in a transaction of its own: a repeated import adds nothing twice, and rows that
 * the agent has already stay as they are. Rows with errors are left out, as the preview said.
 */
export const importSchools = defineLongVerb({
  name: 'schools.import-list',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'] }],
  input: z.object({ agentId: idSchema, file: listFileSchema }),
  run: async ({ ctx, input, transact }) => {
    const { agentId } = input;
    const { rows, errors } = parseSchoolList(bytesOfList(input.file));
    let [added, known] = [0, 0];
    for (const { details } of rows) {
      const freeId = newSchoolId(ctx.clock.now());
      try {
        await transact((work) => addOwnSchool(work, { agentId, freeId, details }), { agentId, schoolId: freeId });
        added += 1;
      } catch (error) {
        if (!isCrosswalkError(error, 'duplicate')) throw error;
        known += 1;
      }
    }
    const leftOut = new Set(errors.map((error) => error.line)).size;
    await transact(
      async ({ audit }) => {
        audit({
          action: 'schools.imported',
          subjectKind: 'organisation',
          subjectId: agentId,
          details: { added, known, leftOut },
        });
      },
      { agentId },
    );
    return { added, known, leftOut };
  },
});
