import { credential } from '#db/schema/index.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import type { Party } from '#server/kernel/access.ts';
import { newId } from '#server/kernel/ids.ts';
import { sealJson } from '#server/kernel/sealed.ts';
import type { Work } from '#server/kernel/verb.ts';
import { advanceIfAllowed } from './advance.ts';
import { placeOfSecret } from './credential-places.ts';
import { destroyCredentials, type Farewell } from './destroy-credentials.ts';
import { credentialsOf, lockConnectionsOf, type SystemRow } from './load-rows.ts';

/**
 * Seals a credential for the origins of a locked system, in place of attempts that came to nothing; one that works stays in use until this one
 * is proved. Connections that waited for it set out.
 */
export async function writeCredential(
  work: Work,
  system: SystemRow,
  secret: Record<string, unknown>,
  as: Party['as'],
): Promise<{ credentialId: string; farewells: Farewell[] }> {
  const { ctx, tx } = work;
  const { schoolId, id: systemId, origins } = system;
  const held = await credentialsOf(tx, schoolId, systemId);
  const unproved = held.filter((row) => row.state !== 'proved');
  const farewells = await destroyCredentials(work, system, unproved, 'replaced');
  const credentialId = newId();
  await tx.insert(credential).values({
    id: credentialId,
    schoolId,
    systemId,
    state: 'entered',
    sealed: sealJson(ctx.keyring, secret, placeOfSecret({ schoolId, credentialId, origins })),
    hint: connectorById(system.connector).hint(secret),
    enteredBy: userIdOf(ctx),
    createdAt: ctx.clock.now(),
  });
  work.audit({
    action: 'credential.entered',
    subjectKind: 'credential',
    subjectId: credentialId,
    details: { systemId, origins, as },
  });
  for (const connection of await lockConnectionsOf(tx, schoolId, systemId)) {
    await advanceIfAllowed(work, { system, connection }, { type: 'begin-connecting' }, { quiet: true });
  }
  return { credentialId, farewells };
}
