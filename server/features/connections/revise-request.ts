import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { request } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { assertAskable } from './askable-scopes.ts';
import {
  askers,
  askersOrganisation,
  assertMaySend,
  assertOwnRequest,
  assertTerm,
  questionFields,
  storedScopes,
} from './asking-party.ts';
import { fingerprintOf } from './fingerprint.ts';
import { lockRequest } from './load-rows.ts';
import { recordConsent } from './record-consent.ts';
import { readSituation } from './situation.ts';

/**
 * Corrects a request before it is decided. Somebody who is looking at one that was sent decides about what he was shown:
 * his decision then fails with `changed-meanwhile`.
 * @throws CrosswalkError `state-forbids`, `people-not-grantable`, `invalid-input`
 */
export const reviseRequest = defineVerb({
  name: 'connections.revise-request',
  kind: 'command',
  access: askers,
  input: z.object({ schoolId: idSchema, agentId: idSchema.optional(), requestId: idSchema, ...questionFields }),
  async run(call) {
    const { ctx, tx, audit, party, input } = call;
    const { schoolId, requestId } = input;
    const locked = await lockRequest(tx, schoolId, requestId);
    const { request: row, system } = locked;
    assertOwnRequest(party, row);
    if (row.state === 'requested') assertMaySend(party, system.kind);
    if (row.state !== 'draft' && row.state !== 'requested') {
      throw new CrosswalkError('state-forbids', { details: { state: row.state } });
    }
    assertAskable(locked.connection.consumerKind, system, input.scopes);
    const situation = await readSituation(tx, locked);
    const now = ctx.clock.now();
    const revised = {
      ...row,
      scopes: storedScopes(input.scopes),
      purpose: input.purpose,
      until: input.until ?? row.until,
    };
    assertTerm(revised.until, situation.school, now);
    const fingerprint = row.state === 'draft' ? '' : await fingerprintOf(tx, situation, revised);
    await tx
      .update(request)
      .set({ scopes: revised.scopes, purpose: revised.purpose, until: revised.until, fingerprint })
      .where(eq(request.id, requestId));
    if (row.state === 'requested') {
      await recordConsent(call, revised, {
        side: 'consumer',
        status: 'accepted',
        organisation: await askersOrganisation(tx, party, situation.school),
      });
    }
    audit({
      action: 'request.revised',
      subjectKind: 'request',
      subjectId: requestId,
      details: { state: row.state, scopes: revised.scopes.map(({ scope }) => scope), until: revised.until },
    });
    return { requestId };
  },
});
