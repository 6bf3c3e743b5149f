import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, oidcIdentity } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { deviceSchema } from './device-schema.ts';
import { foldEmail } from './email-address.ts';
import { findOpenLink } from './find-link.ts';
import { joinByLink, makeAccount } from './join-organisation.ts';
import { linkIdentityTo } from './link-identity-to.ts';
import { type OpenedSession, openSession } from './open-session.ts';
import { identityFields } from './sign-in-with-oidc.ts';

/**
 * Takes an invitation with an OpenID account: whoever opened the mailed link and then signed in there gets an account
 * for the invited address, linked to that (issuer, subject). The address in the token is not asked. Where the OpenID
 * account is linked already it must be to the invited address (`invitation-for-another`); where the invited address has
 * an account, that one signs in first and links on its own page (`not-signed-in`).
 */
export const acceptInvitationWithOidc = defineLongVerb({
  name: 'people.accept-invitation-with-oidc',
  kind: 'command',
  access: [{ anyone: true }],
  input: z.object({
    token: z.string().min(20).max(200),
    ...identityFields,
    name: z.string().max(200).nullable(),
    device: deviceSchema,
  }),
  run: async ({ ctx, input, transact }): Promise<OpenedSession> => {
    const link = await findOpenLink(ctx, input.token, ['invitation', 'first-operator']);
    const { email } = link;
    const folded = email === null ? null : foldEmail(email);
    if (email === null || folded === null)
      throw new CrosswalkError('invalid-input', { details: { fields: ['email'] } });
    return transact(
      async (work) => {
        const { tx } = work;
        const linked = await tx.query.oidcIdentity.findFirst({
          where: and(eq(oidcIdentity.issuer, input.issuer), eq(oidcIdentity.subject, input.subject)),
        });
        const account = await tx.query.appUser.findFirst({ where: eq(appUser.emailFolded, folded) });
        if (linked !== undefined && linked.userId !== account?.id) throw new CrosswalkError('invitation-for-another');
        if (linked === undefined && account !== undefined) {
          throw new CrosswalkError('not-signed-in', { details: { problem: 'account-exists' } });
        }
        if (account !== undefined && account.disabledAt !== null) throw new CrosswalkError('identity-not-linked');
        const typedName = input.name?.trim() ?? '';
        const userId =
          account?.id ??
          (await makeAccount(work, {
            email,
            name: link.name ?? (typedName === '' ? email : typedName),
            passwordHash: null,
          }));
        if (linked === undefined) await linkIdentityTo(work, userId, input);
        await joinByLink(work, link, userId);
        return openSession(work, { userId, method: 'invitation', device: input.device });
      },
      { schoolId: link.school_id },
    );
  },
});
