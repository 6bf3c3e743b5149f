import { z } from 'zod';
import { connectorById } from '#server/connectors/registry.ts';
import { credentialsOf, systemInSchool } from '#server/features/connections/load-rows.ts';
import { assertMayBeAsked } from '#server/features/sync/systems-with-grants.ts';
import { assertMayServe } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

/**
 * "Look into the folder now": what is new and whole there is handed in, in a minute or two.
 * @throws CrosswalkError `package-not-wanted` where there is no folder, `credential-not-proved`, `grant-not-live`, `stopped-by-school`
 */
export const lookNow = defineVerb({
  name: 'packages.look-now',
  kind: 'command',
  access: [{ school: ['school-administrator', 'technical-contact'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  async run({ ctx, tx, party, audit, emit, input: { schoolId, systemId } }) {
    assertMayServe(ctx, party, systemId);
    const system = await systemInSchool(tx, schoolId, systemId);
    if (connectorById(system.connector).wayOfPackages(system.settings) !== 'sftp') {
      throw new CrosswalkError('package-not-wanted');
    }
    await assertMayBeAsked(tx, { schoolId, systemId, now: ctx.clock.now() });
    const [held] = await credentialsOf(tx, schoolId, systemId);
    if (held?.provedAt == null) throw new CrosswalkError('credential-not-proved');
    await emit('packages/look-requested', { schoolId, systemId });
    audit({ action: 'package.looked-for', subjectKind: 'system', subjectId: systemId, details: {} });
    return { systemId };
  },
});
