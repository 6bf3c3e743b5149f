import { z } from 'zod';
import { assertMayServe, setUpAccess } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { credentialsOf, lockSystem, schoolRow } from './load-rows.ts';
import { beginAttempt, binderOf } from './oauth-attempt.ts';
import { scopesToProve } from './prove-credential.ts';

/**
 * Begins the consent at the foreign system (Canvas) for the newest credential: single use, ten minutes, bound to this
 * session.
 * @throws CrosswalkError `credential-not-proved` where no developer key was entered, `stopped-by-school`
 */
export const startConsent = defineVerb({
  name: 'connections.start-consent',
  kind: 'command',
  access: setUpAccess,
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  async run(call) {
    const {
      ctx,
      tx,
      audit,
      party,
      input: { schoolId, systemId },
    } = call;
    assertMayServe(ctx, party, systemId);
    const system = await lockSystem(tx, schoolId, systemId);
    if ((await schoolRow(tx, schoolId)).stoppedAt !== null) throw new CrosswalkError('stopped-by-school');
    const rows = await credentialsOf(tx, schoolId, systemId);
    const newest = rows.find(({ state }) => state !== 'proved') ?? rows[0];
    if (newest === undefined)
      throw new CrosswalkError('credential-not-proved', { details: { problem: 'none-entered' } });
    if (binderOf(ctx.actor) === null) throw new CrosswalkError('forbidden');
    const url = await beginAttempt(call, system, newest, await scopesToProve(call, system), true);
    audit({
      action: 'credential.consent-started',
      subjectKind: 'credential',
      subjectId: newest.id,
      details: { systemId, as: party.as },
    });
    return { url };
  },
});
