import { marketplaceLmsScopes, marketplaceSisScopes, type Scope, type SystemKind } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** Scopes that the marketplace may ask of such a system; none of them names a person. */
export function askableScopes(kind: SystemKind, connectorId: string): Scope[] {
  const allowed: readonly Scope[] = kind === 'sis' ? marketplaceSisScopes : marketplaceLmsScopes;
  const served = connectorById(connectorId).capabilities.scopes;
  return allowed.filter((scope) => served.includes(scope));
}

/** @throws CrosswalkError `people-not-grantable` for a scope beyond the marketplace's, `invalid-input` for an empty or doubled list */
export function assertAskable(kind: SystemKind, connectorId: string, asked: readonly { scope: Scope }[]): void {
  const askable = askableScopes(kind, connectorId);
  const beyond = asked.map(({ scope }) => scope).filter((scope) => !askable.includes(scope));
  if (beyond.length > 0) throw new CrosswalkError('people-not-grantable', { details: { scopes: beyond } });
  if (asked.length === 0 || new Set(asked.map(({ scope }) => scope)).size !== asked.length) {
    throw new CrosswalkError('invalid-input', { details: { fields: ['scopes'] } });
  }
}
