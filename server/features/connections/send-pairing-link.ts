import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lockSystem } from './load-rows.ts';
import { linkOrderSchema, mailLink } from './mail-link.ts';
import { withdrawLinks } from './system-links.ts';

/**
 * Sends the administrator of an LMS a link to ask for the roster of a SIS. It works once, at most seven days; a new one to the same
 * address takes the place of the old. The token goes into the mail and nowhere else.
 * @throws CrosswalkError `conflict-of-interest` for an address of an agent that serves the school, `invalid-input`,
 *   `stopped-by-school`
 */
export const sendPairingLink = defineVerb({
  name: 'connections.send-pairing-link',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  /** `systemId` is the SIS. */
  input: linkOrderSchema,
  async run(call) {
    const { tx, audit, input } = call;
    const { schoolId, systemId, email } = input;
    const system = await lockSystem(tx, schoolId, systemId);
    if (system.kind !== 'sis') throw new CrosswalkError('invalid-input', { details: { fields: ['systemId'] } });
    await withdrawLinks(call, schoolId, systemId, { purpose: 'pairing', email });
    const { linkId } = await mailLink(call, 'pairing', input, system);
    audit({ action: 'system.pairing-link-sent', subjectKind: 'system', subjectId: systemId, details: { linkId } });
    return { linkId };
  },
});
