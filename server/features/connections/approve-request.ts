import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { preview, request, system } from '#db/schema/index.ts';
import { pushScopes, scopes } from '#db/schema/vocabulary.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { neededOfSource } from '#server/roster/live-grants.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { advance, after } from './advance.ts';
import { approverReach, assertWithinReach } from './approver-limits.ts';
import { assertDecidable } from './decision.ts';
import { replaceGrant } from './give-grant.ts';
import { credentialsOf, lockRequest } from './load-rows.ts';
import { suffices } from './read-proof.ts';
import { account } from './recipients.ts';
import { recordConsent } from './record-consent.ts';
import { assertNarrowing, narrowingFields } from './sharing-rule.ts';
import { readSituation, type Situation, sameOrigins } from './situation.ts';
import { mailTo, schoolPaths } from './tell-whose-turn.ts';

/**
 * The school's yes to exactly what was shown, or to less of it. Connecting is another act, unless the system's
 * credential is proved already and suffices.
 * @throws CrosswalkError `changed-meanwhile`, `already-decided`, `approver-limited`, `school-not-trusted`,
 *   `agreement-not-in-force`, `stopped-by-school`, `host-missing`, `host-not-confirmed`, `invalid-input`
 */
export const approveRequest = defineVerb({
  name: 'connections.approve-request',
  kind: 'command',
  access: [{ school: ['approver'] }],
  input: z.object({
    schoolId: idSchema,
    requestId: idSchema,
    /** Of the decision page: SHA-256, hex. */
    fingerprint: z.string().length(64),
    /** Release what belongs to these alone; empty: to all. */
    sites: narrowingFields.sites.default([]),
    streams: narrowingFields.streams.default([]),
    subjects: narrowingFields.subjects.default([]),
    groups: narrowingFields.groups.default([]),
    /** Single fields that are not released, `scope:field`. */
    withoutFields: narrowingFields.withoutFields.default([]),
    /** Optional scopes that are not released. */
    withoutScopes: z.array(z.enum(scopes)).default([]),
    /** The origins that the approver was shown, where he confirms them himself in place of the technical contact. */
    confirmedOrigins: z.array(z.string().max(300)).optional(),
  }),
  async run(call) {
    const { ctx, tx, audit, emit, party, input } = call;
    const { schoolId, requestId } = input;
    let locked = await lockRequest(tx, schoolId, requestId);
    const { request: row } = locked;
    const reach = approverReach(party, locked.system.id);
    let situation = await readSituation(tx, locked);
    await assertDecidable(call, situation, row, input.fingerprint);
    assertWithinReach(reach, input.sites);
    const granted = grantedScopes(row.scopes, input.withoutScopes);
    const { sites, streams, subjects, groups, withoutFields } = input;
    const rule = { sites, streams, subjects, groups };
    await assertNarrowing(tx, locked.system, granted, { rule, withoutFields });
    const now = ctx.clock.now();
    const decidedBy = userIdOf(ctx);
    if (decidedBy === null) throw new CrosswalkError('forbidden');

    if (!situation.facts.hostConfirmed && sameOrigins(locked.system.origins, input.confirmedOrigins ?? [])) {
      const confirmed = { hostConfirmedBy: decidedBy, hostConfirmedAt: now };
      await tx.update(system).set(confirmed).where(eq(system.id, locked.system.id));
      locked = { ...locked, system: { ...locked.system, ...confirmed } };
      situation = await readSituation(tx, locked);
    }
    const connects = suffices(situation.credential, neededOfSource(locked.connection.way, granted));
    const opened = row.kind === 'open' ? await advance(call, locked, { type: 'approve' }, { quiet: connects }) : null;
    if (opened === null) assertAmendable(situation.facts);
    const previews = await tx.select({ id: preview.id }).from(preview).where(eq(preview.requestId, requestId)).limit(1);
    await tx
      .update(request)
      .set({
        state: 'approved',
        decidedBy,
        decidedAt: now,
        origins: locked.system.origins,
        consumerOrigins: situation.lms?.origins ?? [],
        previewSkipped: previews.length === 0,
      })
      .where(eq(request.id, requestId));
    await recordConsent(call, row, { side: 'producer', status: 'accepted', organisation: situation.school.name });
    const terms = { scopes: granted, sharingRule: rule, withoutFields, validUntil: row.until, grantedBy: decidedBy };
    const reason = row.kind === 'renew' ? 'renewed' : 'amended';
    const grantId = await replaceGrant(call, row, situation.grant, terms, reason);
    audit({
      action: 'request.approved',
      subjectKind: 'request',
      subjectId: requestId,
      details: {
        connectionId: row.connectionId,
        grantId,
        fingerprint: input.fingerprint,
        scopes: granted,
        ...rule,
        withoutFields,
        until: row.until,
        previewSkipped: previews.length === 0,
      },
    });
    if (opened === null) {
      const { next } = await advance(call, locked, { type: 'amend' });
      // A run that is under way began under the old grant.
      if (connects && next.state !== 'paused') {
        await requestRun(call, { schoolId, systemId: locked.system.id, trigger: 'amended', requestedBy: decidedBy });
      }
    } else if (connects) {
      await advance(call, after(locked, opened), { type: 'prove' });
    }
    const { credential } = situation;
    if (!connects && credential?.state === 'proved') {
      // It may permit more than it was tried for: nobody is asked for another one before that is known.
      await emit('credential/entered', { schoolId, systemId: locked.system.id, credentialId: credential.id });
    }
    await tryForPush(call, situation);
    const asker = await account(tx, row.sentBy);
    if (asker !== null && asker.userId !== decidedBy) {
      const path = row.agentId === null ? schoolPaths.connection(schoolId, row.connectionId) : `/agent/${row.agentId}`;
      await mailTo(call, situation, 'request-approved', [asker], path);
    }
    if (row.askerEmail !== null) {
      await enqueueMail(call, {
        template: 'pairing-approved',
        to: { email: row.askerEmail, name: row.askerName ?? '' },
        schoolId,
        locale: 'en',
        parameters: { school: situation.school.name, system: locked.system.name },
      });
    }
    return { grantId, connectionId: row.connectionId, connects };
  },
});

/** The credential of an LMS that is to be written into may permit more than it was tried for: it is tried before anybody is asked for another. */
async function tryForPush({ tx, emit }: Pick<Work, 'tx' | 'emit'>, { lms }: Situation): Promise<void> {
  if (lms === null) return;
  const [held] = await credentialsOf(tx, lms.schoolId, lms.id);
  if (held?.state !== 'proved' || suffices(held, pushScopes)) return;
  await emit('credential/entered', { schoolId: lms.schoolId, systemId: lms.id, credentialId: held.id });
}

/** What is left of the question after the approver left out some of what was optional. */
function grantedScopes(
  asked: readonly { scope: string; required: boolean }[],
  without: readonly string[],
): readonly string[] {
  const optional = asked.filter(({ required }) => !required).map(({ scope }) => scope);
  const granted = asked.map(({ scope }) => scope).filter((scope) => !without.includes(scope));
  if (granted.length === 0 || without.some((scope) => !optional.includes(scope))) {
    throw new CrosswalkError('invalid-input', { details: { fields: ['withoutScopes'] } });
  }
  return granted;
}

/** The guards of an approval, for a request whose connection has been approved before. */
function assertAmendable(facts: Awaited<ReturnType<typeof readSituation>>['facts']): void {
  if (!facts.agreementInForce) throw new CrosswalkError('agreement-not-in-force');
  if (!facts.schoolTrusted) throw new CrosswalkError('school-not-trusted');
  if (facts.stoppedBySchool) throw new CrosswalkError('stopped-by-school');
  if (!facts.hostEntered) throw new CrosswalkError('host-missing');
  if (!facts.hostConfirmed) throw new CrosswalkError('host-not-confirmed');
}
