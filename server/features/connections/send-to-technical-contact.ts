import { z } from 'zod';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { createSingleUseLink, day } from '#server/features/people/create-single-use-link.ts';
import { emailSchema } from '#server/features/people/email-address.ts';
import { refuseAddressOfAgent } from '#server/features/people/invitation-links.ts';
import { assertMayServe, systemRoles } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { advanceIfAllowed } from './advance.ts';
import { lockConnectionsOf, lockSystem, schoolRow } from './load-rows.ts';
import { withdrawLinks } from './technical-contact-links.ts';

const validDays = 7;

/** The page that the link opens: set-up guide, entry and test, nothing else. */
export const setUpPath = (token: string) => `/connect/${token}`;

/**
 * Sends whoever runs the system a link to its set-up page. It works until the test succeeds, at most seven days; a new
 * one takes the place of the old. The token goes into the mail and nowhere else.
 * @throws CrosswalkError `conflict-of-interest` for an address of an agent that serves the school
 */
export const sendToTechnicalContact = defineVerb({
  name: 'connections.send-to-technical-contact',
  kind: 'command',
  access: [{ school: systemRoles }],
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    name: z.string().trim().min(1).max(120),
    email: emailSchema,
    locale: z.string().max(10).default('en'),
  }),
  async run(call) {
    const { ctx, tx, audit, party, input } = call;
    const { schoolId, systemId, name, email } = input;
    assertMayServe(ctx, party, systemId);
    const system = await lockSystem(tx, schoolId, systemId);
    const school = await schoolRow(tx, schoolId);
    if (school.stoppedAt !== null) throw new CrosswalkError('stopped-by-school');
    await refuseAddressOfAgent(call, schoolId, email);
    const replaced = await withdrawLinks(call, schoolId, systemId);
    const { linkId, token } = await createSingleUseLink(call, {
      purpose: 'technical-contact',
      validMilliseconds: validDays * day,
      organisationId: schoolId,
      schoolId,
      systemId,
      email,
      name,
      needsSignIn: false,
    });
    await enqueueMail(call, {
      template: 'technical-contact-link',
      to: { email, name },
      schoolId,
      locale: input.locale,
      parameters: {
        school: school.name,
        system: system.name,
        inviter: ctx.actor.kind === 'user' ? ctx.actor.name : school.name,
        url: `${ctx.baseUrl}${setUpPath(token)}`,
        days: validDays,
      },
    });
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
