import { connectorById } from '#server/connectors/registry.ts';
import type { SystemRow } from './load-rows.ts';

/** The product of the registry that a system is: the one whose preset its settings keep. */
export function productOf(system: Pick<SystemRow, 'connector' | 'settings'>): { id: string; name: string } {
  const { products, id } = connectorById(system.connector);
  const fitting = products.find(({ preset }) =>
    Object.entries(preset).every(([name, value]) => system.settings[name] === value),
  );
  const product = fitting ?? products[0];
  return product === undefined ? { id, name: id } : { id: product.id, name: product.name };
}
