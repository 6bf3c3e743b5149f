import { z } from 'zod';
import { system } from '#db/schema/index.ts';
import { systemKinds } from '#db/schema/vocabulary.ts';
import { connectorOfProduct } from '#server/connectors/registry.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { readAddress } from './address.ts';
import { systemRoles, userIdOf } from './system-party.ts';

/**
 * Adds a SIS or LMS to a school. The address may be left to the school; one that an agent or operator typed counts only
 * once the school has confirmed it.
 * @throws CrosswalkError `invalid-input` (product, settings), `address-refused`
 */
export const addSystem = defineVerb({
  name: 'systems.add',
  kind: 'command',
  access: [
    { school: systemRoles },
    { agent: ['agent', 'agent-administrator'], serves: 'agreement' },
    { operator: true },
    { system: true },
  ],
  input: z.object({
    schoolId: idSchema,
    agentId: idSchema.optional(),
    kind: z.enum(systemKinds),
    /** A product of the registry: `oneroster-1.2`, `canvas`, `moodle`. */
    product: z.string().max(100),
    /** As the school calls it. */
    name: z.string().trim().min(1).max(120),
    settings: z.record(z.string().max(60), z.string().max(2000)).optional(),
  }),
  async run({ ctx, tx, audit, party, input }) {
    const connector = connectorOfProduct(input.product);
    const product = connector?.products.find(({ id }) => id === input.product);
    if (connector === null || product === undefined || connector.kind !== input.kind) {
      throw new CrosswalkError('invalid-input', { details: { fields: ['product'] } });
    }
    const address =
      input.settings === undefined
        ? { settings: { ...product.preset }, origins: [] }
        : readAddress(connector.id, { ...input.settings, ...product.preset });
    const systemId = newId();
    const now = ctx.clock.now();
    const confirmed = party.as === 'school' && address.origins.length > 0;
    await tx.insert(system).values({
      id: systemId,
      schoolId: input.schoolId,
      kind: input.kind,
      connector: connector.id,
      name: input.name,
      ...address,
      hostConfirmedBy: confirmed ? userIdOf(ctx) : null,
      hostConfirmedAt: confirmed ? now : null,
      createdBy: userIdOf(ctx),
      createdAt: now,
    });
    audit({
      action: 'system.added',
      subjectKind: 'system',
      subjectId: systemId,
      details: {
        kind: input.kind,
        connector: connector.id,
        product: product.id,
        origins: address.origins,
        as: party.as,
      },
    });
    return { systemId };
  },
});
