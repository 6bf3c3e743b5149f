import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { request } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { advance } from './advance.ts';
import {
  agreementToAskUnder,
  askers,
  askersOrganisation,
  assertMaySend,
  assertOwnRequest,
  assertTerm,
} from './asking-party.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type Locked, lockRequest, type RequestRow } from './load-rows.ts';
import { approversOf } from './recipients.ts';
import { recordConsent } from './record-consent.ts';
import { readSituation } from './situation.ts';
import { mailTo, schoolPaths } from './tell-whose-turn.ts';

/**
 * Sends a drafted request to the school: the consumer side's consent, and the approver's turn.
 * @throws CrosswalkError `forbidden` where only an agent administrator sends, `state-forbids`, `agreement-not-in-force`
 *   (here and once more by the database), `stopped-by-school`
 */
export const sendRequest = defineVerb({
  name: 'connections.send-request',
  kind: 'command',
  access: askers,
  input: z.object({ schoolId: idSchema, agentId: idSchema.optional(), requestId: idSchema }),
  async run(call) {
    const { tx, party, input } = call;
    const { schoolId, requestId } = input;
    const locked = await lockRequest(tx, schoolId, requestId);
    const { request: row, system } = locked;
    assertOwnRequest(party, row);
    assertMaySend(party, system.kind);
    if (row.state !== 'draft') throw new CrosswalkError('state-forbids', { details: { state: row.state } });
    const situation = await readSituation(tx, locked);
    // The one that it was drafted under may have ended since.
    const agreementId = await agreementToAskUnder(tx, schoolId, party);
    const organisation = await askersOrganisation(tx, party, situation.school);
    return sendDraft(call, locked, { agreementId, organisation });
  },
});

/**
 * Sends a locked draft, whoever asks.
 * @throws CrosswalkError `agreement-not-in-force`, `stopped-by-school`, `invalid-input` where its term is over
 */
export async function sendDraft(
  work: Work,
  locked: Locked & { readonly request: RequestRow },
  { agreementId, organisation }: { readonly agreementId: string; readonly organisation: string },
): Promise<{ requestId: string; connectionId: string; fingerprint: string }> {
  const { ctx, tx, audit } = work;
  const { request: row, system } = locked;
  const { schoolId, id: requestId } = row;
  const situation = await readSituation(tx, locked);
  const now = ctx.clock.now();
  assertTerm(row.until, situation.school, now);
  if (situation.facts.stoppedBySchool) throw new CrosswalkError('stopped-by-school');
  const sent = {
    ...row,
    state: 'requested' as const,
    sentBy: userIdOf(ctx),
    sentAt: now,
    origins: system.origins,
    consumerOrigins: situation.lms?.origins ?? [],
    agreementId,
  };
  const fingerprint = await fingerprintOf(tx, situation, sent);
  await tx
    .update(request)
    .set({
      state: sent.state,
      sentBy: sent.sentBy,
      sentAt: now,
      origins: sent.origins,
      consumerOrigins: sent.consumerOrigins,
      agreementId,
      fingerprint,
    })
    .where(eq(request.id, requestId));
  await recordConsent(work, sent, {
    side: 'consumer',
    status: 'accepted',
    organisation,
    ...(row.askerName === null ? {} : { byName: row.askerName }),
  });
  audit({
    action: 'request.sent',
    subjectKind: 'request',
    subjectId: requestId,
    details: { connectionId: row.connectionId, fingerprint, scopes: row.scopes.map(({ scope }) => scope) },
  });
  if (row.kind === 'open') {
    await advance(work, locked, { type: 'send' });
  } else {
    const approvers = await approversOf(tx, schoolId, system.id);
    await mailTo(work, situation, 'request-arrived', approvers, schoolPaths.decision(schoolId, requestId));
  }
  return { requestId, connectionId: row.connectionId, fingerprint };
}
