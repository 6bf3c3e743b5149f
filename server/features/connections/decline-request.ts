import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { request } from '#db/schema/index.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { advance } from './advance.ts';
import { approverReach } from './approver-limits.ts';
import { assertDecidable } from './decision.ts';
import { dropAmendment } from './drop-amendment.ts';
import { lockRequest } from './load-rows.ts';
import { account } from './recipients.ts';
import { recordConsent } from './record-consent.ts';
import { readSituation } from './situation.ts';
import { mailTo, schoolPaths } from './tell-whose-turn.ts';

/**
 * The school's no, with a reason for whoever asked. It is a no for the whole school, so that an approver for one site
 * leaves it to another.
 * @throws CrosswalkError `changed-meanwhile`, `already-decided`, `approver-limited`
 */
export const declineRequest = defineVerb({
  name: 'connections.decline-request',
  kind: 'command',
  access: [{ school: ['approver'] }],
  input: z.object({
    schoolId: idSchema,
    requestId: idSchema,
    fingerprint: z.string().length(64),
    reason: z.string().trim().min(3).max(1000),
  }),
  async run(call) {
    const { ctx, tx, audit, party, input } = call;
    const { schoolId, requestId } = input;
    const locked = await lockRequest(tx, schoolId, requestId);
    const { request: row } = locked;
    const reach = approverReach(party, locked.system.id);
    const situation = await readSituation(tx, locked);
    await assertDecidable(call, situation, row, input.fingerprint);
    if (reach.kind === 'sites') throw new CrosswalkError('approver-limited', { details: { limit: 'site' } });
    if (row.kind === 'open') await advance(call, locked, { type: 'decline' });
    await tx
      .update(request)
      .set({
        state: 'declined',
        decidedBy: userIdOf(ctx),
        decidedAt: ctx.clock.now(),
        declineReason: input.reason,
      })
      .where(eq(request.id, requestId));
    await recordConsent(call, row, { side: 'producer', status: 'declined', organisation: situation.school.name });
    if (row.kind !== 'open') {
      await dropAmendment(call, locked);
      const asker = await account(tx, row.sentBy);
      const path = row.agentId === null ? schoolPaths.connection(schoolId, row.connectionId) : `/agent/${row.agentId}`;
      if (asker !== null) await mailTo(call, situation, 'request-declined', [asker], path);
    }
    audit({
      action: 'request.declined',
      subjectKind: 'request',
      subjectId: requestId,
      details: { connectionId: row.connectionId, fingerprint: input.fingerprint },
    });
    if (row.askerEmail !== null) {
      await enqueueMail(call, {
        template: 'pairing-declined',
        to: { email: row.askerEmail, name: row.askerName ?? '' },
        schoolId,
        locale: 'en',
        parameters: { school: situation.school.name, system: locked.system.name, reason: input.reason },
      });
    }
    return { connectionId: row.connectionId };
  },
});
