import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { systemReplacement } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lockReplacement } from './load-replacement.ts';
import { proposeLinks } from './propose-links.ts';

/** Looks again for links among those who have none, after syncs have brought more. @throws CrosswalkError `not-found`, `state-forbids` */
export const proposeAgain = defineVerb({
  name: 'replacement.propose-again',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, replacementId: idSchema }),
  run: async ({ ctx, tx, audit, input }) => {
    const row = await lockReplacement(tx, input, 'reviewing');
    await proposeLinks(tx, row);
    await tx.update(systemReplacement).set({ proposedAt: ctx.clock.now() }).where(eq(systemReplacement.id, row.id));
    audit({
      action: 'replacement.proposed-again',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id },
    });
    return { replacementId: row.id };
  },
});
