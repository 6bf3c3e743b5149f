import { z } from 'zod';
import { connectorById } from '#server/connectors/registry.ts';
import { assertMayServe, setUpAccess } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { bidFarewell } from './destroy-credentials.ts';
import { lockSystem, schoolRow } from './load-rows.ts';
import { tryCredential } from './prove-credential.ts';
import { writeCredential } from './write-credential.ts';

/**
 * Takes in what lets us into a system, seals it for the system's origins and tries it at once. A wrong one is explained
 * and can be entered anew; one that works already stays in use until the new one is proved.
 * @throws CrosswalkError `host-missing`, `host-not-confirmed`, `stopped-by-school`, `package-awaited`, `invalid-input`
 */
export const enterCredential = defineLongVerb({
  name: 'connections.enter-credential',
  kind: 'command',
  access: setUpAccess,
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    secret: z.record(z.string().max(60), z.string().max(4000)),
  }),
  async run({ ctx, party, transact, input }) {
    const { schoolId, systemId } = input;
    assertMayServe(ctx, party, systemId);
    const entered = await transact(
      async (work) => {
        const { tx } = work;
        const system = await lockSystem(tx, schoolId, systemId);
        if ((await schoolRow(tx, schoolId)).stoppedAt !== null) throw new CrosswalkError('stopped-by-school');
        if (system.origins.length === 0) throw new CrosswalkError('host-missing');
        if (system.hostConfirmedAt === null) throw new CrosswalkError('host-not-confirmed');
        const connector = connectorById(system.connector);
        // There nothing is entered: the first package shows what the SIS gives.
        if (connector.wayOfPackages(system.settings) === 'upload') throw new CrosswalkError('package-awaited');
        const secret = connector.parseSecret(input.secret);
        return writeCredential(work, system, secret, party.as);
      },
      { schoolId },
    );
    await bidFarewell(ctx, entered.farewells);
    return tryCredential(ctx, transact, { schoolId, systemId, credentialId: entered.credentialId });
  },
});
