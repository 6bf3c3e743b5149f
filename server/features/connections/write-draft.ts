import { and, eq, isNull } from 'drizzle-orm';
import { connection, request } from '#db/schema/index.ts';
import type { ConnectionWay, Scope } from '#db/schema/vocabulary.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { localDate } from '#server/kernel/local-date.ts';
import type { Work } from '#server/kernel/verb.ts';
import { assertAskable } from './askable-scopes.ts';
import { type AskedAs, assertTerm, storedScopes } from './asking-party.ts';
import { liveGrantOf, openRequestOf, type SchoolRow, type SystemRow } from './load-rows.ts';
import { productOf } from './product-of-system.ts';
import { standingOf } from './state-machine.ts';
import { defaultUntil } from './term.ts';

/** Whom the data would go to. */
export type DraftConsumer =
  | { readonly kind: 'marketplace' }
  | { readonly kind: 'lms'; readonly systemId: string; readonly way: ConnectionWay };

export interface Draft {
  readonly school: SchoolRow;
  /** The producer, locked. */
  readonly system: SystemRow;
  readonly consumer: DraftConsumer;
  readonly agreementId: string;
  readonly as: AskedAs;
  readonly agentId: string | null;
  readonly scopes: readonly { readonly scope: Scope; readonly required: boolean }[];
  readonly purpose: string;
  readonly until: string | undefined;
  /** Who asks without an account. */
  readonly asker?: { readonly name: string; readonly email: string };
}

/**
 * Writes a request as a draft: opens the edge, or asks to amend one that has a grant, which stands meanwhile.
 * @throws CrosswalkError `people-not-grantable`, `invalid-input`, `duplicate` where one is open already
 */
export async function writeDraft(
  { ctx, tx, audit, emit }: Work,
  draft: Draft,
): Promise<{ requestId: string; connectionId: string; kind: 'open' | 'amend' }> {
  const { school, system, consumer, as } = draft;
  const schoolId = school.id;
  assertAskable(consumer.kind, system, draft.scopes);
  const now = ctx.clock.now();
  const until = draft.until ?? defaultUntil(localDate(now, school.timeZone));
  assertTerm(until, school, now);
  const [living] = await tx
    .select()
    .from(connection)
    .where(
      and(
        eq(connection.schoolId, schoolId),
        eq(connection.consumerKind, consumer.kind),
        consumer.kind === 'lms' ? eq(connection.consumerSystemId, consumer.systemId) : undefined,
        eq(connection.producerSystemId, system.id),
        isNull(connection.endedAt),
      ),
    )
    .for('no key update');
  const granted = living !== undefined && (await liveGrantOf(tx, schoolId, living.id)) !== null;
  if (living !== undefined && (!granted || (await openRequestOf(tx, schoolId, living.id)) !== null)) {
    throw new CrosswalkError('duplicate', { details: { connectionId: living.id, state: living.state } });
  }
  const connectionId = living?.id ?? newId();
  if (living === undefined) {
    const standing = standingOf({ state: 'draft', cause: 'drafted' }, { draftedAs: as, producerKind: system.kind });
    await tx.insert(connection).values({
      id: connectionId,
      schoolId,
      consumerKind: consumer.kind,
      consumerSystemId: consumer.kind === 'lms' ? consumer.systemId : null,
      producerSystemId: system.id,
      way: consumer.kind === 'lms' ? consumer.way : null,
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
    scopes: storedScopes(draft.scopes),
    purpose: draft.purpose,
    until,
    product: productOf(system).name,
    origins: system.origins,
    agreementId: draft.agreementId,
    draftedBy: userIdOf(ctx),
    draftedAs: as,
    agentId: draft.agentId,
    askerName: draft.asker?.name ?? null,
    askerEmail: draft.asker?.email ?? null,
    fingerprint: '',
    createdAt: now,
  });
  audit({
    action: 'request.drafted',
    subjectKind: 'request',
    subjectId: requestId,
    details: {
      connectionId,
      systemId: system.id,
      ...(consumer.kind === 'lms' ? { consumerSystemId: consumer.systemId, way: consumer.way } : {}),
      kind,
      as,
      scopes: draft.scopes.map(({ scope }) => scope),
      until,
    },
  });
  return { requestId, connectionId, kind };
}
