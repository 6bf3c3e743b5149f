import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { prospect } from '#db/schema/index.ts';
import { registers } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { registerNumberSchema } from './school-details.ts';

/** Whether the agent has a school with this number already. Says nothing about anybody else's. */
export const checkRegisterNumber = defineVerb({
  name: 'schools.check-register-number',
  kind: 'query',
  access: [{ agent: ['agent', 'agent-administrator'] }],
  input: z.object({ agentId: idSchema, register: z.enum(registers), registerNumber: registerNumberSchema }),
  run: async ({ tx, input }) => {
    const own = await tx.query.prospect.findFirst({
      where: and(
        eq(prospect.agentId, input.agentId),
        eq(prospect.register, input.register),
        eq(prospect.registerNumber, input.registerNumber),
      ),
    });
    if (own === undefined) return null;
    return { schoolId: own.schoolId, name: own.name, archived: own.archivedAt !== null };
  },
});
