import { CrosswalkError } from '#server/kernel/errors.ts';
import { canvas } from './canvas/index.ts';
import { moodle } from './moodle/index.ts';
import { oneRoster } from './oneroster/index.ts';
import { oneRosterCsv } from './oneroster-csv/index.ts';
import { type RegisteredConnector, register } from './open-connector.ts';
import { pullingLms } from './pulling-lms/index.ts';

/** Every connector: one folder, one line here. */
export const connectors: readonly RegisteredConnector[] = [
  register(oneRoster),
  register(oneRosterCsv),
  register(canvas),
  register(moodle),
  register(pullingLms),
];

/** @throws CrosswalkError `misconfigured` where a stored system names a connector that this version lacks */
export function connectorById(id: string): RegisteredConnector {
  const connector = connectors.find((candidate) => candidate.id === id);
  if (connector === undefined) {
    throw new CrosswalkError('misconfigured', { details: { problem: 'connector-unknown', connector: id } });
  }
  return connector;
}

/** The connector that offers a product (`oneroster-1.2`), or null. */
export function connectorOfProduct(productId: string): RegisteredConnector | null {
  return connectors.find((connector) => connector.products.some((product) => product.id === productId)) ?? null;
}
