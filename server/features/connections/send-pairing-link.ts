import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { singleUseLink } from '#db/schema/index.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { createSingleUseLink, day } from '#server/features/people/create-single-use-link.ts';
import { emailSchema } from '#server/features/people/email-address.ts';
import { refuseAddressOfAgent } from '#server/features/people/invitation-links.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lockSystem, schoolRow } from './load-rows.ts';

const validDays = 7;

/** The page on which an LMS's administrator asks for the roster of a SIS. */
const pairingPath = (token: string) => `/pair/${token}`;

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
  input: z.object({
    schoolId: idSchema,
    /** The SIS. */
    systemId: idSchema,
    name: z.string().trim().min(1).max(120),
    email: emailSchema,
    locale: z.string().max(10).default('en'),
  }),
  async run(call) {
    const { ctx, tx, audit, input } = call;
    const { schoolId, systemId, name, email } = input;
    const system = await lockSystem(tx, schoolId, systemId);
    if (system.kind !== 'sis') throw new CrosswalkError('invalid-input', { details: { fields: ['systemId'] } });
    const school = await schoolRow(tx, schoolId);
    if (school.stoppedAt !== null) throw new CrosswalkError('stopped-by-school');
    await refuseAddressOfAgent(call, schoolId, email);
    await tx
      .update(singleUseLink)
      .set({ withdrawnAt: ctx.clock.now() })
      .where(
        and(
          eq(singleUseLink.schoolId, schoolId),
          eq(singleUseLink.systemId, systemId),
          eq(singleUseLink.purpose, 'pairing'),
          eq(singleUseLink.email, email),
          isNull(singleUseLink.usedAt),
          isNull(singleUseLink.withdrawnAt),
        ),
      );
    const { linkId, token } = await createSingleUseLink(call, {
      purpose: 'pairing',
      validMilliseconds: validDays * day,
      organisationId: schoolId,
      schoolId,
      systemId,
      email,
      name,
      needsSignIn: false,
    });
    await enqueueMail(call, {
      template: 'pairing-link',
      to: { email, name },
      schoolId,
      locale: input.locale,
      parameters: {
        school: school.name,
        system: system.name,
        inviter: ctx.actor.kind === 'user' ? ctx.actor.name : school.name,
        url: `${ctx.baseUrl}${pairingPath(token)}`,
        days: validDays,
      },
    });
    audit({ action: 'system.pairing-link-sent', subjectKind: 'system', subjectId: systemId, details: { linkId } });
    return { linkId };
  },
});
