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

/** An SIS import: how far it is, and by what it is known again. */
export const sisImportSchema = z.object({
  id,
  created_at: z.coerce.date().nullish().catch(null),
  started_at: z.coerce.date().nullish().catch(null),
  ended_at: z.coerce.date().nullish().catch(null),
  workflow_state: z.string(),
  progress: z.coerce.number().min(0).max(100).nullish().catch(null),
  diffing_data_set_identifier: z.string().nullish(),
  diff_row_count_threshold: z.number().nullish().catch(null),
  /** Canvas has said where it stood under two names; both are looked at. */
  diffed_against_import_id: id.nullish(),
  data: z
    .object({
      diffed_against_sis_batch_id: id.nullish(),
      supplied_batches: z.array(z.string()).nullish().catch(null),
    })
    .nullish()
    .catch(null),
  csv_attachments: z
    .array(z.object({ display_name: z.string().nullish(), filename: z.string().nullish() }))
    .nullish()
    .catch(null),
});
export type SisImport = z.infer<typeof sisImportSchema>;
export const sisImportsSchema = z.object({ sis_imports: z.array(sisImportSchema) });

/** What an import complained of. `row_info` is the row itself, in newer installs: it is read for our key, and kept nowhere. */
export const sisErrorSchema = z.object({
  file: z
    .string()
    .nullish()
    .transform((text) => text ?? null),
  message: z.string(),
  row: z
    .int()
    .nullish()
    .transform((row) => row ?? null),
  row_info: z
    .string()
    .nullish()
    .catch(null)
    .transform((text) => text ?? null),
});
export type SisError = z.infer<typeof sisErrorSchema>;
export const sisErrorsSchema = z.object({ sis_import_errors: z.array(sisErrorSchema) });

const text = z.string().nullish().catch(null);
/** What is there already: only what tells whether it is somebody's, and whose. SIS ids are absent, not null, for who may not read them. */
export const termRecordSchema = z.object({ id, name: text, sis_term_id: text, workflow_state: text });
export const termRecordsSchema = z.object({ enrollment_terms: z.array(termRecordSchema) });
export const accountRecordSchema = z.object({ id, name: text, sis_account_id: text });
export const courseRecordSchema = z.object({
  id,
  name: text,
  course_code: text,
  sis_course_id: text,
  workflow_state: text,
});
export const sectionRecordSchema = z.object({ id, name: text, sis_section_id: text, course_id: id.nullish() });
export const groupRecordSchema = z.object({ id, name: text, sis_group_id: text });
export const userRecordSchema = z.object({ id, name: text, sis_user_id: text, login_id: text, email: text });
export const enrolmentRecordSchema = z.object({
  id,
  user_id: id,
  course_id: id,
  type: z.string(),
  enrollment_state: text,
});
export const loginRecordSchema = z.object({ id, sis_user_id: text, unique_id: text, workflow_state: text });
