import { originsAsOne, type SealedPlace } from '#server/kernel/sealed.ts';

interface Owner {
  readonly schoolId: string;
  readonly credentialId: string;
  readonly origins: readonly string[];
}

/** Where a credential's secret is sealed: bound to its school, row and the origins it may be sent to. */
export const placeOfSecret = ({ schoolId, credentialId, origins }: Owner): SealedPlace => ({
  table: 'credential',
  column: 'sealed',
  schoolId,
  rowId: credentialId,
  origin: originsAsOne(origins),
});

/** Where the tokens are sealed that the credential bought. */
export const placeOfTokens = (owner: Owner): SealedPlace => ({ ...placeOfSecret(owner), column: 'sealed_tokens' });

/** Where the PKCE verifier of a consent under way is sealed. */
export const placeOfVerifier = (schoolId: string, attemptId: string, origins: readonly string[]): SealedPlace => ({
  table: 'oauth_attempt',
  column: 'sealed_verifier',
  schoolId,
  rowId: attemptId,
  origin: originsAsOne(origins),
});
