import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { credential, oauthAttempt } from '#db/schema/index.ts';
import type { ConsentResult } from '#server/connectors/contract.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, type ErrorCode } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { openText, sealJson } from '#server/kernel/sealed.ts';
import { defineLongVerb, type Transact } from '#server/kernel/verb.ts';
import { placeOfTokens, placeOfVerifier } from './credential-places.ts';
import { lockSystem, only } from './load-rows.ts';
import { beginAttempt, binderOf, hashOfState } from './oauth-attempt.ts';
import { scopesToProve, type Trial, tryCredential } from './prove-credential.ts';
import { openCredential } from './use-credential.ts';

type Attempt = typeof oauthAttempt.$inferSelect;

export type Finished =
  | { readonly kind: 'tried'; readonly schoolId: string; readonly systemId: string; readonly trial: Trial }
  /** The system knows no PKCE: the administrator is sent there once more. */
  | { readonly kind: 'start-again'; readonly schoolId: string; readonly systemId: string; readonly url: string };

/** Answers of an authorization server (RFC 6749 §4.1.2.1) that have an explanation of their own. */
const refusals: Readonly<Record<string, ErrorCode>> = {
  access_denied: 'consent-denied',
  invalid_scope: 'consent-scope-refused',
};
const knownErrors = ['access_denied', 'invalid_scope', 'unauthorized_client', 'invalid_request', 'server_error'];

/**
 * Takes the answer of the foreign consent page: checks that it belongs to an attempt of this session, not used, not run
 * out; buys the tokens; proves them.
 * @throws CrosswalkError `consent-unknown`, `consent-not-yours`, `consent-used`, `consent-expired`, `consent-denied`,
 *   `consent-scope-refused`; details name school and system where the attempt is known and is the caller's
 */
export const finishConsent = defineLongVerb({
  name: 'connections.finish-consent',
  kind: 'command',
  access: [{ signedIn: true }, { link: 'technical-contact' }],
  input: z
    .object({
      state: z.string().min(1).max(500),
      code: z.string().min(1).max(4000).optional(),
      error: z.string().max(200).optional(),
    })
    .refine(({ code, error }) => (code === undefined) !== (error === undefined)),
  async run({ ctx, transact, input }): Promise<Finished> {
    const found = await findAttempt(ctx, input.state);
    const attempt = await takeAttempt(ctx, transact, found, input.error ?? null);
    const { schoolId, systemId, credentialId } = attempt;
    if (input.code === undefined) {
      throw new CrosswalkError(refusals[input.error ?? ''] ?? 'consent-denied', { details: { schoolId, systemId } });
    }
    const result = await exchange(ctx, attempt, input.code).catch((error: unknown) => {
      if (!(error instanceof CrosswalkError)) throw error;
      throw new CrosswalkError(error.code, { details: { ...error.details, schoolId, systemId }, cause: error });
    });
    if (result.kind === 'start-again') {
      const url = await transact(
        async (work) => {
          const system = await lockSystem(work.tx, schoolId, systemId);
          const [row] = await work.tx.select().from(credential).where(eq(credential.id, credentialId));
          work.audit({
            action: 'credential.consent-started',
            subjectKind: 'credential',
            subjectId: credentialId,
            details: { systemId, withPkce: false },
          });
          return beginAttempt(
            work,
            system,
            only(row === undefined ? [] : [row]),
            await scopesToProve(work, system),
            false,
          );
        },
        { schoolId },
      );
      return { kind: 'start-again', schoolId, systemId, url };
    }
    await transact(
      async ({ tx, audit }) => {
        const system = await lockSystem(tx, schoolId, systemId);
        const owner = { schoolId, credentialId, origins: system.origins };
        const kept = await tx
          .update(credential)
          .set({
            sealedTokens: sealJson(ctx.keyring, result.tokens, placeOfTokens(owner)),
            tokensExpireAt: result.tokens.expiresAt,
            tokenGeneration: sql`${credential.tokenGeneration} + 1`,
          })
          .where(eq(credential.id, credentialId))
          .returning({ destroyedAt: credential.destroyedAt });
        if (only(kept).destroyedAt !== null) throw new CrosswalkError('changed-meanwhile');
        audit({
          action: 'credential.consented',
          subjectKind: 'credential',
          subjectId: credentialId,
          details: { systemId },
        });
      },
      { schoolId },
    );
    const trial = await tryCredential(ctx, transact, { schoolId, systemId, credentialId });
    return { kind: 'tried', schoolId, systemId, trial };
  },
});

async function findAttempt(ctx: Context, state: string): Promise<{ id: string; schoolId: string }> {
  const rows = z
    .array(z.object({ id: idSchema, school_id: idSchema }))
    .parse(
      await ctx.database.withoutSchool((tx) =>
        tx.execute(sql`select id, school_id from across.oauth_attempt_by_state(${hashOfState(state)})`),
      ),
    );
  const [row] = rows;
  if (row === undefined) throw new CrosswalkError('consent-unknown');
  return { id: row.id, schoolId: row.school_id };
}

/** Uses the attempt up, once, by whoever began it; a second answer to it finds it used. */
function takeAttempt(
  ctx: Context,
  transact: Transact,
  { id, schoolId }: { id: string; schoolId: string },
  error: string | null,
): Promise<Attempt> {
  return transact(
    async ({ tx, audit }) => {
      const row = only(await tx.select().from(oauthAttempt).where(eq(oauthAttempt.id, id)).for('no key update'));
      if (row.sessionId === null || row.sessionId !== binderOf(ctx.actor)) {
        throw new CrosswalkError('consent-not-yours');
      }
      const details = { schoolId, systemId: row.systemId };
      if (row.usedAt !== null) throw new CrosswalkError('consent-used', { details });
      if (row.expiresAt <= ctx.clock.now()) throw new CrosswalkError('consent-expired', { details });
      await tx
        .update(oauthAttempt)
        .set({ usedAt: ctx.clock.now(), sealedVerifier: null })
        .where(eq(oauthAttempt.id, id));
      audit({
        action: error === null ? 'credential.consent-answered' : 'credential.consent-refused',
        subjectKind: 'credential',
        subjectId: row.credentialId,
        details: {
          systemId: row.systemId,
          error: error === null ? null : knownErrors.includes(error) ? error : 'other',
        },
      });
      return row;
    },
    { schoolId },
  );
}

async function exchange(ctx: Context, attempt: Attempt, code: string): Promise<ConsentResult> {
  const { schoolId, systemId, credentialId } = attempt;
  const opened = await openCredential(ctx, { schoolId, systemId, credentialId, purpose: 'token', syncRunId: null });
  const { consent } = connectorById(opened.system.connector);
  if (consent === null) throw new CrosswalkError('state-forbids');
  const place = placeOfVerifier(schoolId, attempt.id, opened.system.origins);
  try {
    return await consent.exchange(opened.session, {
      code,
      redirectUri: attempt.redirectUri,
      codeVerifier: attempt.sealedVerifier === null ? null : openText(ctx.keyring, attempt.sealedVerifier, place),
    });
  } finally {
    await opened.close();
  }
}
