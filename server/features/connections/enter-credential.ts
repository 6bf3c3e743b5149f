import { z } from 'zod';
import { credential } from '#db/schema/index.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { assertMayServe, setUpAccess, userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { sealJson } from '#server/kernel/sealed.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { advanceIfAllowed } from './advance.ts';
import { placeOfSecret } from './credential-places.ts';
import { bidFarewell, destroyCredentials } from './destroy-credentials.ts';
import { credentialsOf, lockConnectionsOf, lockSystem, schoolRow } from './load-rows.ts';
import { tryCredential } from './prove-credential.ts';

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
        const held = await credentialsOf(tx, schoolId, systemId);
        const unproved = held.filter((row) => row.state !== 'proved');
        const farewells = await destroyCredentials(work, system, unproved, 'replaced');
        const credentialId = newId();
        await tx.insert(credential).values({
          id: credentialId,
          schoolId,
          systemId,
          state: 'entered',
          sealed: sealJson(ctx.keyring, secret, placeOfSecret({ schoolId, credentialId, origins: system.origins })),
          hint: connector.hint(secret),
          enteredBy: userIdOf(ctx),
          createdAt: ctx.clock.now(),
        });
        work.audit({
          action: 'credential.entered',
          subjectKind: 'credential',
          subjectId: credentialId,
          details: { systemId, origins: system.origins, as: party.as },
        });
        for (const connection of await lockConnectionsOf(tx, schoolId, systemId)) {
          await advanceIfAllowed(work, { system, connection }, { type: 'begin-connecting' }, { quiet: true });
        }
        return { credentialId, farewells };
      },
      { schoolId },
    );
    await bidFarewell(ctx, entered.farewells);
    return tryCredential(ctx, transact, { schoolId, systemId, credentialId: entered.credentialId });
  },
});
