import { eq } from 'drizzle-orm';
import { credential } from '#db/schema/index.ts';
import { pushScopes, type Scope } from '#db/schema/vocabulary.ts';
import type { Proof } from '#server/connectors/contract.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, type ErrorCode, errorCodes, isCrosswalkError } from '#server/kernel/errors.ts';
import { runWork, type Transact, type Work } from '#server/kernel/verb.ts';
import { neededOfSource, withoutPeople } from '#server/roster/live-grants.ts';
import { advanceIfAllowed } from './advance.ts';
import { askableScopes } from './askable-scopes.ts';
import { bidFarewell, destroyCredentials, type Farewell } from './destroy-credentials.ts';
import {
  credentialsOf,
  liveGrantOf,
  lockConnectionsOf,
  lockSystem,
  openRequestOf,
  type SystemRow,
} from './load-rows.ts';
import { isPushedInto, reviewPushesInto } from './pushed-into.ts';
import { spendLinks } from './system-links.ts';
import { withOpened } from './use-credential.ts';

/** What a trial came to, in words that the page looks up: an error code or none per scope, advice keys, who it acts as. */
export interface Trial {
  readonly credentialId: string;
  readonly outcome: 'proved' | 'refused' | 'consent-needed';
  readonly proof: Proof | null;
}

/**
 * Scopes to try: all that is granted on the system, what an approved push into it needs, and what is asked for, people apart, whom nobody
 * reads without a grant; else all that the marketplace could ask.
 */
export async function scopesToProve(work: Pick<Work, 'tx'>, system: SystemRow): Promise<Scope[]> {
  const wanted = new Set<string>((await isPushedInto(work.tx, system)) ? pushScopes : []);
  for (const row of await lockConnectionsOf(work.tx, system.schoolId, system.id)) {
    const grant = await liveGrantOf(work.tx, system.schoolId, row.id);
    const open = await openRequestOf(work.tx, system.schoolId, row.id);
    for (const scope of neededOfSource(row.way, grant?.scopes ?? [])) wanted.add(scope);
    for (const scope of withoutPeople((open?.scopes ?? []).map((asked) => asked.scope))) wanted.add(scope);
  }
  const chosen = connectorById(system.connector).capabilities.scopes.filter((scope) => wanted.has(scope));
  return chosen.length > 0 ? chosen : askableScopes('marketplace', system.kind, system.connector);
}

/**
 * Tries a credential for real: token, then a read of each scope (DESIGN.md §2), and writes what came of it. No
 * transaction is open while the system is asked. A refusal keeps approval and connection where they are.
 * @throws CrosswalkError what hinders the trial itself: `stopped-by-school`, `host-not-confirmed`, `secret-unreadable`
 */
export async function tryCredential(
  ctx: Context,
  transact: Transact,
  which: { readonly schoolId: string; readonly systemId: string; readonly credentialId: string },
): Promise<Trial> {
  const { schoolId, systemId, credentialId } = which;
  const { scopes, origins, needsConsent } = await transact(
    async (work) => {
      const system = await lockSystem(work.tx, schoolId, systemId);
      const [row] = await work.tx.select().from(credential).where(eq(credential.id, credentialId));
      return {
        scopes: await scopesToProve(work, system),
        origins: system.origins,
        needsConsent: connectorById(system.connector).consent !== null && row?.sealedTokens === null,
      };
    },
    { schoolId },
  );
  if (needsConsent) return { credentialId, outcome: 'consent-needed', proof: null };
  const proof = await withOpened(ctx, { ...which, purpose: 'proof', syncRunId: null }, async (connector) => {
    try {
      return await connector.prove(scopes);
    } catch (error) {
      // A connector explains what the system answers; a timeout of ours or an address refused is told the same way.
      if (isCrosswalkError(error) && error.http !== 500) return refusedProof(scopes, error);
      throw error;
    }
  });
  const farewells = await transact((work) => recordProof(work, { ...which, origins }, proof), { schoolId });
  await bidFarewell(ctx, farewells);
  await reviewPushesInto(transact, { schoolId, systemId });
  return { credentialId, outcome: proof.ok ? 'proved' : 'refused', proof };
}

function refusedProof(scopes: readonly Scope[], { code, details }: CrosswalkError): Proof {
  return {
    ok: false,
    results: scopes.map((scope) => ({ scope, ok: false, errorCode: code, details })),
    actsAs: null,
    about: {},
    advice: [],
  };
}

/** Writes what a trial showed, ends what it replaces and takes the event to every connection of the system. */
async function recordProof(
  work: Work,
  tried: {
    readonly schoolId: string;
    readonly systemId: string;
    readonly credentialId: string;
    readonly origins: readonly string[];
  },
  proof: Proof,
): Promise<Farewell[]> {
  const { ctx, tx } = work;
  const { schoolId, systemId, credentialId } = tried;
  const system = await lockSystem(tx, schoolId, systemId);
  const held = await credentialsOf(tx, schoolId, systemId);
  const row = held.find(({ id }) => id === credentialId);
  // The address changed, or the secret was destroyed, while the system was asked: what was proved is gone.
  if (row === undefined || system.origins.join(' ') !== tried.origins.join(' '))
    throw new CrosswalkError('changed-meanwhile');
  const now = ctx.clock.now();
  const refusedCode: ErrorCode | null = proof.results.find(({ ok }) => !ok)?.errorCode ?? null;
  // A proved credential is not doubted because the system was out of reach for a moment.
  const unreached = row.state === 'proved' && proof.results.every(({ ok, errorCode }) => ok || isPassing(errorCode));
  if (!proof.ok && unreached) {
    work.audit({
      action: 'credential.not-tried',
      subjectKind: 'credential',
      subjectId: credentialId,
      details: { systemId, code: refusedCode },
    });
    return [];
  }
  const serves =
    proof.ok || (lacksPushAlone(proof) && !held.some(({ id, state }) => id !== credentialId && state === 'proved'));
  await tx
    .update(credential)
    .set(
      serves
        ? { state: 'proved', proof, provedAt: now, refusedAt: null, refusedCode: null }
        : { state: 'refused', proof, refusedAt: now, refusedCode },
    )
    .where(eq(credential.id, credentialId));
  work.audit({
    action: proof.ok ? 'credential.proved' : 'credential.refused',
    subjectKind: 'credential',
    subjectId: credentialId,
    details: {
      systemId,
      scopes: proof.results.map(({ scope }) => scope),
      refused: proof.results
        .filter(({ ok }) => !ok)
        .map(({ scope, errorCode }) => `${scope}: ${errorCode ?? 'internal'}`),
    },
  });
  const others = serves ? held.filter(({ id }) => id !== credentialId) : [];
  const farewells = await destroyCredentials(work, system, others, 'replaced');
  if (proof.ok) await spendLinks(work, schoolId, systemId);
  for (const connection of await lockConnectionsOf(tx, schoolId, systemId)) {
    await advanceIfAllowed(work, { system, connection }, { type: serves ? 'prove' : 'refuse-proof' });
  }
  return farewells;
}

/** What a push lacks takes nothing from what the system gives: each leg stands alone (DESIGN.md §2). */
const lacksPushAlone = ({ results }: Proof) => {
  const isOfPush = (scope: Scope) => pushScopes.some((of) => of === scope);
  const lacks = results
    .filter(({ ok }) => !ok)
    .every(({ scope, errorCode }) => isOfPush(scope) && !isPassing(errorCode));
  return lacks && results.some(({ ok, scope }) => ok && !isOfPush(scope));
};

const isPassing = (code: ErrorCode | null) => code !== null && errorCodes[code].disposition === 'retry';

/** `tryCredential` from a job or a callback, which have no verb's `transact`. */
export function tryCredentialOutsideVerb(
  ctx: Context,
  which: { readonly schoolId: string; readonly systemId: string; readonly credentialId: string },
): Promise<Trial> {
  return tryCredential(ctx, (work, scope) => runWork(ctx, scope ?? { schoolId: which.schoolId }, work), which);
}
