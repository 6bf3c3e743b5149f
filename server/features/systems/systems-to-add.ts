import { z } from 'zod';
import { systemKinds } from '#db/schema/vocabulary.ts';
import { connectors } from '#server/connectors/registry.ts';
import { askableScopes } from '#server/features/connections/askable-scopes.ts';
import { defineVerb } from '#server/kernel/verb.ts';

/** The products that a SIS or LMS can be, each with the fields of its form and what may be asked of it. */
export const systemsToAdd = defineVerb({
  name: 'systems.to-add',
  kind: 'query',
  access: [{ signedIn: true }],
  input: z.object({ kind: z.enum(systemKinds).optional() }),
  async run({ input }) {
    return connectors
      .filter(({ kind }) => input.kind === undefined || kind === input.kind)
      .flatMap((connector) =>
        connector.products.map((product) => ({
          product: product.id,
          name: product.name,
          kind: connector.kind,
          connector: connector.id,
          authentication: connector.authentication.kind,
          settingsFields: connector.settingsFields.filter(({ name, onlyWhen }) => {
            const preset = onlyWhen === undefined ? undefined : product.preset[onlyWhen.field];
            return !(name in product.preset) && (preset === undefined || onlyWhen?.is.includes(preset) === true);
          }),
          scopes: askableScopes('marketplace', connector.kind, connector.id),
        })),
      );
  },
});
