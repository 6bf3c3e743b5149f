import { z } from 'zod';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { createSingleUseLink, day } from '#server/features/people/create-single-use-link.ts';
import { emailSchema } from '#server/features/people/email-address.ts';
import { refuseAddressOfAgent } from '#server/features/people/invitation-links.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import { schoolRow } from './load-rows.ts';

const validDays = 7;

/** To whom the school sends a link that has to do with one of its systems. */
export const linkOrderSchema = z.object({
  schoolId: idSchema,
  systemId: idSchema,
  name: z.string().trim().min(1).max(120),
  email: emailSchema,
  locale: z.string().max(10).default('en'),
});

const kinds = {
  'technical-contact': { template: 'technical-contact-link', path: 'connect' },
  pairing: { template: 'pairing-link', path: 'pair' },
} as const;

/**
 * Mails a link that is valid for seven days and needs no account. Its token goes into the mail and nowhere else.
 * @throws CrosswalkError `conflict-of-interest` for an address of an agent that serves the school, `stopped-by-school`
 */
export async function mailLink(
  work: Work,
  purpose: keyof typeof kinds,
  order: z.infer<typeof linkOrderSchema>,
  system: { readonly name: string },
): Promise<{ readonly linkId: string }> {
  const { ctx, tx } = work;
  const { schoolId, systemId, name, email, locale } = order;
  const { template, path } = kinds[purpose];
  const school = await schoolRow(tx, schoolId);
  if (school.stoppedAt !== null) throw new CrosswalkError('stopped-by-school');
  await refuseAddressOfAgent(work, schoolId, email);
  const { linkId, token } = await createSingleUseLink(work, {
    purpose,
    validMilliseconds: validDays * day,
    organisationId: schoolId,
    schoolId,
    systemId,
    email,
    name,
    needsSignIn: false,
  });
  await enqueueMail(work, {
    template,
    to: { email, name },
    schoolId,
    locale,
    parameters: {
      school: school.name,
      system: system.name,
      inviter: ctx.actor.kind === 'user' ? ctx.actor.name : school.name,
      url: `${ctx.baseUrl}/${path}/${token}`,
      days: validDays,
    },
  });
  return { linkId };
}
