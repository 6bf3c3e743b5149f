import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { trustStates } from '#db/schema/vocabulary.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const rowsSchema = z.array(
  z.object({
    schoolId: z.uuid(),
    name: z.string(),
    register: z.string(),
    registerNumber: z.string(),
    country: z.string(),
    trust: z.enum(trustStates),
    createdAt: z.coerce.date(),
    agents: z.number(),
    members: z.number(),
    agreementsInForce: z.number(),
    agreementsOpen: z.number(),
    live: z.number(),
    waiting: z.number(),
    failing: z.number(),
    total: z.coerce.number(),
  }),
);

export const schoolsPerPage = 50;

/** The operator's list of schools: who they are and how they stand, in counts; those that wait for a review first. */
export const listSchools = defineVerb({
  name: 'schools.list',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({
    search: z.string().trim().max(200).default(''),
    trust: z.enum(trustStates).optional(),
    page: z.number().int().min(1).max(10_000).default(1),
  }),
  run: async ({ tx, input }) => {
    const rows = rowsSchema.parse(
      await tx.execute(sql`
        select school_id as "schoolId", name, register, register_number as "registerNumber", country, trust, created_at as "createdAt", agents,
               members, agreements_in_force as "agreementsInForce", agreements_open as "agreementsOpen", live, waiting, failing, total
          from across.operator_schools(${input.search || null}, ${input.trust ?? null}, ${schoolsPerPage}, ${(input.page - 1) * schoolsPerPage})`),
    );
    return { rows: rows.map(({ total: _total, ...row }) => row), total: rows[0]?.total ?? 0, perPage: schoolsPerPage };
  },
});
