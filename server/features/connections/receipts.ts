import { desc, eq } from 'drizzle-orm';
import { z } from 'zod';
import { receipt } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

/** What was destroyed or ended at the school: what, how much, when, why; newest first. */
export const receipts = defineVerb({
  name: 'connections.receipts',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, limit: z.int().min(1).max(200).default(50) }),
  run: ({ tx, input: { schoolId, limit } }) =>
    tx
      .select({
        id: receipt.id,
        kind: receipt.kind,
        subjectId: receipt.subjectId,
        facts: receipt.facts,
        reason: receipt.reason,
        at: receipt.at,
      })
      .from(receipt)
      .where(eq(receipt.schoolId, schoolId))
      .orderBy(desc(receipt.at), desc(receipt.id))
      .limit(limit),
});
