import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { request } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { advance } from './advance.ts';
import { askers, askersOrganisation, assertOwnRequest } from './asking-party.ts';
import { dropAmendment } from './drop-amendment.ts';
import { lockRequest, schoolRow } from './load-rows.ts';
import { recordConsent } from './record-consent.ts';

/** Takes a request back before it is decided. @throws CrosswalkError `already-decided`, `state-forbids` */
export const withdrawRequest = defineVerb({
  name: 'connections.withdraw-request',
  kind: 'command',
  access: askers,
  input: z.object({ schoolId: idSchema, agentId: idSchema.optional(), requestId: idSchema }),
  async run(call) {
    const { tx, audit, party, input } = call;
    const { schoolId, requestId } = input;
    const locked = await lockRequest(tx, schoolId, requestId);
    const { request: row } = locked;
    assertOwnRequest(party, row);
    if (row.state === 'approved' || row.state === 'declined') throw new CrosswalkError('already-decided');
    if (row.state !== 'draft' && row.state !== 'requested') {
      throw new CrosswalkError('state-forbids', { details: { state: row.state } });
    }
    if (row.kind === 'open') {
      await advance(call, locked, { type: 'withdraw', by: party.as === 'school' ? 'school' : 'asker' });
    }
    await tx.update(request).set({ state: 'withdrawn' }).where(eq(request.id, requestId));
    if (row.kind !== 'open') await dropAmendment(call, locked);
    if (row.state === 'requested') {
      await recordConsent(call, row, {
        side: 'consumer',
        status: 'revoked',
        organisation: await askersOrganisation(tx, party, await schoolRow(tx, schoolId)),
      });
    }
    audit({
      action: 'request.withdrawn',
      subjectKind: 'request',
      subjectId: requestId,
      details: { connectionId: row.connectionId },
    });
    return { requestId };
  },
});
