import { z } from 'zod';

/** Canvas's JSON with `Accept: application/json+canvas-string-ids`: only what is read is named, the rest is cut here. */
const leaf = z.unknown().optional();
const id = z.union([z.string().min(1), z.int().transform(String)]);

export const accountSchema = z.object({
  id,
  name: z.string().catch(''),
  parent_account_id: id.nullish(),
  root_account_id: id.nullish(),
});
export type Account = z.infer<typeof accountSchema>;

export const termsSchema = z.object({
  enrollment_terms: z.array(z.object({ id, name: z.string().nullish() })),
});

export const courseSchema = z.object({
  id: leaf,
  name: leaf,
  course_code: leaf,
  sis_course_id: leaf,
  workflow_state: leaf,
  account_id: leaf,
  enrollment_term_id: leaf,
});

export const tokenAnswerSchema = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional().catch(undefined),
  expires_in: z.number().optional().catch(undefined),
  /** Who consented: named to the school, kept sealed with the tokens. */
  user: z.object({ name: z.string() }).optional().catch(undefined),
});

export const tokenErrorSchema = z.object({ error: z.string().regex(/^[a-z_]{1,40}$/) });

/** What tells a missing right (`status: unauthorized`) from a scope that the developer key lacks (no `status`). */
export const refusalSchema = z.object({ status: z.string().optional(), errors: z.unknown().optional() });
