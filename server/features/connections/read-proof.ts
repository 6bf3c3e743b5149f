import { z } from 'zod';
import { pushScopes, type Scope, scopes } from '#db/schema/vocabulary.ts';
import { type ErrorCode, errorCodes } from '#server/kernel/errors.ts';
import type { CredentialRow } from './load-rows.ts';
import type { LmsCredential } from './state-machine.ts';

const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorCodes, text);
const detail = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);

/** A proof as it rests in `credential.proof`. */
export const storedProofSchema = z.object({
  ok: z.boolean(),
  results: z.array(
    z.object({
      scope: z.enum(scopes),
      ok: z.boolean(),
      errorCode: z
        .string()
        .transform((code): ErrorCode => (isErrorCode(code) ? code : 'internal'))
        .nullable(),
      details: z.record(z.string(), detail),
    }),
  ),
  actsAs: z.object({ name: z.string(), isServiceAccount: z.boolean().nullable() }).nullable(),
  about: z.record(z.string(), z.string()),
  advice: z.array(z.string()),
});
export type StoredProof = z.infer<typeof storedProofSchema>;

/** What a real call answered the last time this credential was tried; null where it never was. */
export function proofOf(row: Pick<CredentialRow, 'proof'>): StoredProof | null {
  const parsed = storedProofSchema.safeParse(row.proof);
  return parsed.success ? parsed.data : null;
}

/** Scopes that a real call of a proved credential answered for. */
export function provedScopes(row: CredentialRow | null | undefined): Scope[] {
  if (row === null || row === undefined || row.state !== 'proved') return [];
  return (
    proofOf(row)
      ?.results.filter((result) => result.ok)
      .map((result) => result.scope) ?? []
  );
}

/** A new or wider credential is asked for only where none suffices (DESIGN.md §2, "Credentials"). */
export function suffices(row: CredentialRow | null | undefined, wanted: readonly string[]): boolean {
  const has = new Set<string>(provedScopes(row));
  return wanted.every((scope) => has.has(scope));
}

/** How the credential in use of an LMS stands to a push into it. */
export function lmsCredentialOf(row: CredentialRow | undefined): LmsCredential {
  if (row === undefined || row.state === 'entered') return 'none';
  if (suffices(row, pushScopes)) return 'ready';
  const lacksRights = row.refusedCode === 'scope-missing' || row.refusedCode === 'rights-missing';
  return row.state === 'proved' || lacksRights ? 'too-narrow' : 'refused';
}
