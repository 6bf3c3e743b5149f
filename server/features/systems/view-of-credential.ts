import type { CredentialRow } from '#server/features/connections/load-rows.ts';
import { proofOf } from '#server/features/connections/read-proof.ts';

/** A credential as the school sees it: how it stands and what its last trial showed, never the secret. */
export function viewOfCredential(row: CredentialRow) {
  return {
    credentialId: row.id,
    state: row.state,
    hint: row.hint,
    enteredAt: row.createdAt,
    provedAt: row.provedAt,
    refusedAt: row.refusedAt,
    refusedCode: row.refusedCode,
    /** A consent over there is still to come. */
    hasTokens: row.sealedTokens !== null,
    proof: proofOf(row),
  };
}
