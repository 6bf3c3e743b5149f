import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { trustStates } from '#db/schema/vocabulary.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const rowsSchema = z.array(
  z.object({
    agreementId: z.uuid(),
    schoolId: z.uuid(),
    schoolName: z.string(),
    trust: z.enum(trustStates),
    agentName: z.string().nullable(),
    agentMayCountersign: z.boolean(),
    signedName: z.string().nullable(),
    signedAt: z.coerce.date().nullable(),
    onPaper: z.boolean(),
    termStart: z.string(),
    termEnd: z.string(),
  }),
);

/** What the school has signed and nobody has countersigned, the oldest first. */
export const listToCountersign = defineVerb({
  name: 'agreements.list-to-countersign',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({}),
  run: async ({ tx }) =>
    rowsSchema.parse(
      await tx.execute(sql`
        select agreement_id as "agreementId", school_id as "schoolId", school_name as "schoolName", trust, agent_name as "agentName",
               agent_may_countersign as "agentMayCountersign", signed_name as "signedName", signed_at as "signedAt", on_paper as "onPaper",
               term_start::text as "termStart", term_end::text as "termEnd"
          from across.agreements_to_countersign()`),
    ),
});
