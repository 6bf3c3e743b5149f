import { eq } from 'drizzle-orm';
import { request } from '#db/schema/index.ts';
import { advance } from '#server/features/connections/advance.ts';
import { agreementToAskUnder } from '#server/features/connections/asking-party.ts';
import { fingerprintOf } from '#server/features/connections/fingerprint.ts';
import type { Locked, RequestRow } from '#server/features/connections/load-rows.ts';
import { recordConsent } from '#server/features/connections/record-consent.ts';
import { readSituation } from '#server/features/connections/situation.ts';
import type { Party } from '#server/kernel/access.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import { userIdOf } from './system-party.ts';

/**
 * Another origin is another question (DESIGN.md §2, "Credentials"). What waited becomes void: an opening request goes back
 * to its asker as a draft; where something is granted, the school itself asks its approver about the new address, and
 * the old grant stands without being used meanwhile. So it is with the LMS that is written into: its address is a part of what was approved.
 */
export async function askAnewForHost(work: Work, party: Party, locked: Locked): Promise<void> {
  const { tx } = work;
  const { openRequest, grant, approvedRequest, school, facts } = await readSituation(tx, locked);
  // A draft has no address yet: it is sent with the one that there is then.
  if (openRequest?.state === 'draft' && grant === null) return;
  if (openRequest !== null) {
    await tx.update(request).set({ state: 'void', voidReason: 'host-changed' }).where(eq(request.id, openRequest.id));
    work.audit({
      action: 'request.void',
      subjectKind: 'request',
      subjectId: openRequest.id,
      details: { connectionId: locked.connection.id, reason: 'host-changed' },
    });
  }
  if (grant === null || approvedRequest === null) {
    if (openRequest !== null) await insertCopy(work, locked, openRequest);
    await advance(work, locked, { type: 'change-host' });
    return;
  }
  if (facts.hostApproved) {
    await advance(work, locked, { type: 'drop-amendment' });
    return;
  }
  const agreementId = await agreementOrNull(work, party, locked.connection.schoolId);
  if (agreementId !== null) {
    const asked = openRequest?.state === 'requested' ? openRequest : null;
    const question = asked ?? {
      ...approvedRequest,
      scopes: grant.scopes.map((scope) => ({ scope, required: true })),
      until: grant.validUntil,
    };
    const row = await insertCopy(work, locked, {
      ...question,
      kind: 'amend',
      state: 'requested',
      agreementId,
      draftedAs: 'school',
      agentId: null,
      draftedBy: userIdOf(work.ctx),
      sentBy: userIdOf(work.ctx),
      sentAt: work.ctx.clock.now(),
    });
    await recordConsent(work, row, { side: 'consumer', status: 'accepted', organisation: school.name });
  }
  await advance(work, locked, { type: 'change-host' });
}

/** The same question for the new origins; an opening request as a draft of whoever sent it. */
async function insertCopy(work: Work, locked: Locked, question: RequestRow): Promise<RequestRow> {
  const { tx } = work;
  const opens = question.kind === 'open';
  const situation = await readSituation(tx, locked);
  const row: RequestRow = {
    ...question,
    id: newId(),
    state: opens ? 'draft' : 'requested',
    origins: [...locked.system.origins],
    consumerOrigins: [...(situation.lms?.origins ?? [])],
    draftedBy: question.sentBy ?? question.draftedBy,
    sentBy: opens ? null : question.sentBy,
    sentAt: opens ? null : question.sentAt,
    decidedBy: null,
    decidedAt: null,
    declineReason: null,
    voidReason: null,
    previewSkipped: false,
    fingerprint: '',
    createdAt: work.ctx.clock.now(),
  };
  await tx.insert(request).values(row);
  if (row.state === 'draft') return row;
  const fingerprint = await fingerprintOf(tx, situation, row);
  await tx.update(request).set({ fingerprint }).where(eq(request.id, row.id));
  return { ...row, fingerprint };
}

/** Without an agreement nothing can be asked; the connection waits and says so. */
async function agreementOrNull(work: Work, party: Party, schoolId: string): Promise<string | null> {
  try {
    return await agreementToAskUnder(work.tx, schoolId, party);
  } catch (error) {
    if (isCrosswalkError(error, 'agreement-not-in-force')) return null;
    throw error;
  }
}
