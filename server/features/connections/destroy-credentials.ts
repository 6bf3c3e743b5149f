import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { credential, receipt } from '#db/schema/index.ts';
import { type Tokens, tokensSchema } from '#server/connectors/contract.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { outboundOfProcess } from '#server/kernel/outbound/client-of-process.ts';
import { openJson } from '#server/kernel/sealed.ts';
import type { Work } from '#server/kernel/verb.ts';
import { placeOfSecret, placeOfTokens } from './credential-places.ts';
import type { CredentialRow, SystemRow } from './load-rows.ts';
import { callLog, heldTo } from './use-credential.ts';

export type DestructionReason =
  | 'replaced'
  | 'address-changed'
  | 'last-connection-ended'
  | 'no-approved-connection'
  | 'system-removed'
  | 'by-school';

/** What is left to do over there once the rows are empty: held in memory for that one call. */
export interface Farewell {
  readonly system: SystemRow;
  readonly credentialId: string;
  readonly secret: Record<string, unknown>;
  readonly tokens: Tokens;
}

/**
 * Empties the credentials' sealed columns, with a receipt. What can be revoked over there comes back, to be done after
 * the transaction by `bidFarewell`: a system that does not answer keeps nobody from being rid of a secret.
 */
export async function destroyCredentials(
  work: Work,
  system: SystemRow,
  rows: readonly CredentialRow[],
  reason: DestructionReason,
): Promise<Farewell[]> {
  const { ctx, tx } = work;
  const now = ctx.clock.now();
  const farewells: Farewell[] = [];
  for (const row of rows) {
    const farewell = farewellOf(ctx, system, row);
    if (farewell !== null) farewells.push(farewell);
    await tx
      .update(credential)
      .set({
        state: 'destroyed',
        destroyedAt: now,
        sealed: null,
        sealedTokens: null,
        tokensExpireAt: null,
        refreshLeaseHolder: null,
        refreshLeaseUntil: null,
      })
      .where(eq(credential.id, row.id));
    await tx.insert(receipt).values({
      id: newId(),
      schoolId: row.schoolId,
      kind: 'credential-destroyed',
      subjectId: row.id,
      facts: {
        system: system.name,
        systemId: system.id,
        connector: system.connector,
        hint: row.hint,
        tokens: row.sealedTokens === null ? 0 : 1,
      },
      reason,
      at: now,
    });
    work.audit({
      action: 'credential.destroyed',
      subjectKind: 'credential',
      subjectId: row.id,
      details: { systemId: system.id, reason },
    });
  }
  return farewells;
}

function farewellOf(ctx: Context, system: SystemRow, row: CredentialRow): Farewell | null {
  if (connectorById(system.connector).consent === null || row.sealed === null || row.sealedTokens === null) return null;
  const owner = { schoolId: row.schoolId, credentialId: row.id, origins: system.origins };
  try {
    return {
      system,
      credentialId: row.id,
      secret: openJson(ctx.keyring, row.sealed, placeOfSecret(owner), z.record(z.string(), z.unknown())),
      tokens: openJson(ctx.keyring, row.sealedTokens, placeOfTokens(owner), tokensSchema),
    };
  } catch (error) {
    // One that does not open here cannot be revoked from here, and must not outlive its destruction for that.
    if (isCrosswalkError(error, 'secret-unreadable')) return null;
    throw error;
  }
}

/** Ends the tokens over there, each at most once and best effort; what came of it stands in the school's call log. */
export async function bidFarewell(ctx: Context, farewells: readonly Farewell[]): Promise<void> {
  for (const { system, secret, tokens } of farewells) {
    const log = callLog(ctx, { schoolId: system.schoolId, systemId: system.id, purpose: 'token', syncRunId: null });
    try {
      await connectorById(system.connector).consent?.revoke(
        {
          settings: system.settings,
          secret,
          http: heldTo(outboundOfProcess(), system.origins),
          clock: ctx.clock,
          purpose: 'token',
          record: log.record,
        },
        tokens,
      );
    } catch (error) {
      if (!(error instanceof CrosswalkError)) throw error;
      const at = ctx.clock.now();
      log.record({
        at,
        purpose: 'token',
        method: 'DELETE',
        path: '',
        status: null,
        rows: null,
        milliseconds: 0,
        errorCode: error.code,
      });
    } finally {
      await log.close();
    }
  }
}
