import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { connection, request } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementToAskUnder, askedAs, askers, assertTerm, questionFields, storedScopes } from './asking-party.ts';
import { liveGrantOf, lockSystem, openRequestOf, schoolRow } from './load-rows.ts';
import { assertAskable } from './marketplace-scopes.ts';
import { productOf } from './product-of-system.ts';
import { standingOf } from './state-machine.ts';
import { defaultUntil } from './term.ts';

/**
 * Drafts an API token request for the marketplace's edge to a system: opens the connection, or asks to amend one that
 * has a grant, which stands meanwhile.
 * @throws CrosswalkError `agreement-not-in-force`, `people-not-grantable`, `duplicate` where one is open already
 */
export const draftRequest = defineVerb({
  name: 'connections.draft-request',
  kind: 'command',
  access: askers,
  input: z.object({ schoolId: idSchema, agentId: idSchema.optional(), systemId: idSchema, ...questionFields }),
  async run({ ctx, tx, audit, emit, party, input }) {
    const { schoolId, systemId } = input;
    const school = await schoolRow(tx, schoolId);
    const system = await lockSystem(tx, schoolId, systemId);
    const agreementId = await agreementToAskUnder(tx, schoolId, party);
    assertAskable(system.kind, system.connector, input.scopes);
    const now = ctx.clock.now();
    const until = input.until ?? defaultUntil(localDate(now, school.timeZone));
    assertTerm(until, school, now);
    const [living] = await tx
      .select()
      .from(connection)
      .where(
        and(
          eq(connection.schoolId, schoolId),
          eq(connection.consumerKind, 'marketplace'),
          eq(connection.producerSystemId, systemId),
          isNull(connection.endedAt),
        ),
      )
      .for('no key update');
    const granted = living !== undefined && (await liveGrantOf(tx, schoolId, living.id)) !== null;
    if (living !== undefined && (!granted || (await openRequestOf(tx, schoolId, living.id)) !== null)) {
      throw new CrosswalkError('duplicate', { details: { connectionId: living.id, state: living.state } });
    }
    const as = askedAs(party);
    const connectionId = living?.id ?? newId();
    if (living === undefined) {
      const standing = standingOf({ state: 'draft', cause: 'drafted' }, { draftedAs: as, producerKind: system.kind });
      await tx.insert(connection).values({
        id: connectionId,
        schoolId,
        consumerKind: 'marketplace',
        producerSystemId: systemId,
        state: standing.state,
        turn: standing.turn,
        cause: standing.cause,
        stateChangedAt: now,
        createdAt: now,
      });
      await emit('connection/changed', { schoolId, connectionId });
    }
    const requestId = newId();
    const kind = living === undefined ? 'open' : 'amend';
    await tx.insert(request).values({
      id: requestId,
      schoolId,
      connectionId,
      kind,
      state: 'draft',
      scopes: storedScopes(input.scopes),
      purpose: input.purpose,
      until,
      product: productOf(system).name,
      origins: system.origins,
      agreementId,
      draftedBy: userIdOf(ctx),
      draftedAs: as,
      agentId: as === 'agent' ? party.agentId : null,
      fingerprint: '',
      createdAt: now,
    });
    audit({
      action: 'request.drafted',
      subjectKind: 'request',
      subjectId: requestId,
      details: { connectionId, systemId, kind, as, scopes: input.scopes.map(({ scope }) => scope), until },
    });
    return { requestId, connectionId, kind };
  },
});
