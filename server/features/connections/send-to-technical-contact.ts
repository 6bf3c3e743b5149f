import { assertMayServe, systemRoles } from '#server/features/systems/system-party.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { advanceIfAllowed } from './advance.ts';
import { lockConnectionsOf, lockSystem } from './load-rows.ts';
import { linkOrderSchema, mailLink } from './mail-link.ts';
import { withdrawLinks } from './system-links.ts';

/**
 * Sends whoever runs the system a link to its set-up page. It works until the test succeeds, at most seven days; a new
 * one takes the place of the old. The token goes into the mail and nowhere else.
 * @throws CrosswalkError `conflict-of-interest` for an address of an agent that serves the school
 */
export const sendToTechnicalContact = defineVerb({
  name: 'connections.send-to-technical-contact',
  kind: 'command',
  access: [{ school: systemRoles }],
  input: linkOrderSchema,
  async run(call) {
    const { ctx, tx, audit, party, input } = call;
    const { schoolId, systemId } = input;
    assertMayServe(ctx, party, systemId);
    const system = await lockSystem(tx, schoolId, systemId);
    const replaced = await withdrawLinks(call, schoolId, systemId);
    const { linkId } = await mailLink(call, 'technical-contact', input, system);
    audit({
      action: 'system.technical-contact-link-sent',
      subjectKind: 'system',
      subjectId: systemId,
      details: { linkId, replaced },
    });
    for (const connection of await lockConnectionsOf(tx, schoolId, systemId)) {
      await advanceIfAllowed(call, { system, connection }, { type: 'begin-connecting' }, { quiet: true });
    }
    return { linkId };
  },
});
