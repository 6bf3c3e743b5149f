import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { replacementLink, systemReplacement } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lockReplacement } from './load-replacement.ts';

/** Ends a replacement before its switch; the links are forgotten, both systems go on as they are. @throws CrosswalkError `not-found`, `state-forbids` */
export const giveUpReplacement = defineVerb({
  name: 'replacement.give-up',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, replacementId: idSchema }),
  run: async ({ tx, audit, input }) => {
    const row = await lockReplacement(tx, input, 'reviewing');
    await tx.update(systemReplacement).set({ state: 'given-up' }).where(eq(systemReplacement.id, row.id));
    await tx
      .delete(replacementLink)
      .where(and(eq(replacementLink.schoolId, input.schoolId), eq(replacementLink.replacementId, row.id)));
    audit({
      action: 'replacement.given-up',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id },
    });
    return { replacementId: row.id };
  },
});
