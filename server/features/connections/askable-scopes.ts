import {
  type ConsumerKind,
  lmsSisScopes,
  marketplaceLmsScopes,
  marketplaceSisScopes,
  type Scope,
  type SystemKind,
} from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { ConnectionRow, SystemRow } from './load-rows.ts';

/** What each consumer may ask of a system of that kind (DESIGN.md §2); for the marketplace none of it names a person. */
const askable: Record<ConsumerKind, Record<SystemKind, readonly Scope[]>> = {
  marketplace: { sis: marketplaceSisScopes, lms: marketplaceLmsScopes },
  lms: { sis: lmsSisScopes, lms: [] },
  app: { sis: [], lms: [] },
};

/** Scopes that such a consumer may ask of a system, as far as its connector serves them. */
export function askableScopes(consumer: ConsumerKind, kind: SystemKind, connectorId: string): Scope[] {
  const served = connectorById(connectorId).capabilities.scopes;
  return askable[consumer][kind].filter((scope) => served.includes(scope));
}

/** The same of an edge that there is. */
export const askableOn = ({ consumerKind }: Pick<ConnectionRow, 'consumerKind'>, system: SystemRow): Scope[] =>
  askableScopes(consumerKind, system.kind, system.connector);

/** @throws CrosswalkError `people-not-grantable` for a scope beyond the consumer's, `invalid-input` for an empty or doubled list */
export function assertAskable(
  consumer: ConsumerKind,
  { kind, connector }: Pick<SystemRow, 'kind' | 'connector'>,
  asked: readonly { scope: Scope }[],
): void {
  const scopes = askableScopes(consumer, kind, connector);
  const beyond = asked.map(({ scope }) => scope).filter((scope) => !scopes.includes(scope));
  if (beyond.length > 0 && consumer === 'marketplace') {
    throw new CrosswalkError('people-not-grantable', { details: { scopes: beyond } });
  }
  if (beyond.length > 0 || asked.length === 0 || new Set(asked.map(({ scope }) => scope)).size !== asked.length) {
    throw new CrosswalkError('invalid-input', { details: { fields: ['scopes'] } });
  }
}
