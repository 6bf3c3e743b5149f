import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { defineVerb } from '#server/kernel/verb.ts';

const rowsSchema = z.array(
  z.object({
    schools: z.number(),
    inReview: z.number(),
    toCountersign: z.number(),
    agentsToReview: z.number(),
    live: z.number(),
    failing: z.number(),
    failingSchools: z.number(),
  }),
);

/** What waits for the operator, and how the connections stand: counts. */
export const operatorOverview = defineVerb({
  name: 'operations.overview',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({}),
  run: async ({ tx }) => {
    const [row] = rowsSchema.parse(
      await tx.execute(sql`
        select schools, in_review as "inReview", to_countersign as "toCountersign", agents_to_review as "agentsToReview", live, failing,
               failing_schools as "failingSchools" from across.operator_counts()`),
    );
    return (
      row ?? { schools: 0, inReview: 0, toCountersign: 0, agentsToReview: 0, live: 0, failing: 0, failingSchools: 0 }
    );
  },
});
