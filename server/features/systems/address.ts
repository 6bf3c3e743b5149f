import { connectorById } from '#server/connectors/registry.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { outboundOfProcess } from '#server/kernel/outbound/client-of-process.ts';

export interface Address {
  readonly settings: Record<string, unknown>;
  readonly origins: string[];
}

/**
 * Settings as typed in, parsed by the connector, and the origins that a credential would be sent to.
 * @throws CrosswalkError `invalid-input` with the fields; `address-refused` with the field whose address cannot be used
 */
export function readAddress(connectorId: string, typed: Readonly<Record<string, unknown>>): Address {
  const connector = connectorById(connectorId);
  const settings = connector.parseSettings(typed);
  for (const { name, kind } of connector.settingsFields) {
    const value = settings[name];
    if (kind === 'url' && typeof value === 'string') checkAddress(name, value);
  }
  const server = connector.packageServer(settings);
  if (server !== null) named('host', () => outboundOfProcess().checkSsh(server));
  const origins = [...new Set(connector.origins(settings))].sort();
  return { settings, origins };
}

const checkAddress = (field: string, value: string) => named(field, () => outboundOfProcess().check(value));

/** A refusal bears the name of the field. */
function named(field: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof CrosswalkError)) throw error;
    throw new CrosswalkError(error.code, { details: { ...error.details, fields: [field] }, cause: error });
  }
}
