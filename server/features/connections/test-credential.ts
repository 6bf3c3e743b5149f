import { z } from 'zod';
import { assertMayServe, setUpAccess } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { credentialsOf, systemInSchool } from './load-rows.ts';
import { tryCredential } from './prove-credential.ts';

/**
 * Tries the credential that is there once more, the newest attempt first: after something was mended over there.
 * @throws CrosswalkError `credential-not-proved` where none was entered
 */
export const testCredential = defineLongVerb({
  name: 'connections.test-credential',
  kind: 'command',
  access: setUpAccess,
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  unaudited: 'a credential that still waits for its consent over there is not tried; every trial is audited',
  async run({ ctx, party, transact, input: { schoolId, systemId } }) {
    assertMayServe(ctx, party, systemId);
    const row = await transact(
      async ({ tx }) => {
        await systemInSchool(tx, schoolId, systemId);
        const rows = await credentialsOf(tx, schoolId, systemId);
        return rows.find(({ state }) => state !== 'proved') ?? rows[0];
      },
      { schoolId },
    );
    if (row === undefined) throw new CrosswalkError('credential-not-proved', { details: { problem: 'none-entered' } });
    return tryCredential(ctx, transact, { schoolId, systemId, credentialId: row.id });
  },
});
