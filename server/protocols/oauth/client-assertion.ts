import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { z } from 'zod';

/** A client's public keys (RFC 7517 §5). A private or a symmetric one is refused: it is nobody's to hand out. */
export const jwksSchema = z.object({
  keys: z
    .array(
      z
        .looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']) })
        .refine((key) => !['d', 'p', 'q', 'k'].some((secret) => secret in key)),
    )
    .min(1)
    .max(20),
});

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const clockToleranceSeconds = 60;
/** An assertion that lives longer than this was not made for this call. */
const longestLifeSeconds = 60 * 60;

/** Its `jti` and when it would be refused for its age: until then it may come once. */
export interface CheckedAssertion {
  readonly jti: string;
  readonly expiresAt: Date;
}

/** Checks a client's assertion (RFC 7523 §3): signature, issuer, subject, audience, times. Null where any of them is wrong. */
export async function checkAssertion(
  assertion: string,
  expected: {
    readonly clientId: string;
    readonly audiences: readonly string[];
    readonly keys: z.output<typeof jwksSchema>;
    readonly now: Date;
  },
): Promise<CheckedAssertion | null> {
  try {
    const keys: JSONWebKeySet = { keys: expected.keys.keys.map((key) => ({ ...key })) };
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(keys), {
      algorithms,
      issuer: expected.clientId,
      subject: expected.clientId,
      audience: [...expected.audiences],
      requiredClaims: ['exp', 'jti'],
      clockTolerance: clockToleranceSeconds,
      currentDate: expected.now,
    });
    const { jti, exp } = payload;
    if (typeof jti !== 'string' || jti === '' || jti.length > 500 || exp === undefined) return null;
    if (exp > expected.now.getTime() / 1000 + longestLifeSeconds + clockToleranceSeconds) return null;
    return { jti, expiresAt: new Date((exp + clockToleranceSeconds) * 1000) };
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}
