import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { appUser } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { emailSchema, foldEmail } from './email-address.ts';
import { findOpenLink } from './find-link.ts';
import { joinByLink, makeAccount } from './join-organisation.ts';
import { hashPassword } from './password-hash.ts';
import { passwordProblem } from './password-rules.ts';

/**
 * Takes an invitation: as the account that is signed in with the invited address, or with a new account for it (name
 * and password). Works once.
 * @throws CrosswalkError `link-unusable`; `invitation-for-another` where another address is signed in; `not-signed-in`
 *   where the address has an account already; `second-factor-needed`; `conflict-of-interest`.
 */
export const acceptInvitation = defineLongVerb({
  name: 'people.accept-invitation',
  kind: 'command',
  access: [{ anyone: true }],
  input: z.object({
    token: z.string().min(20).max(200),
    account: z
      .object({
        name: z.string().trim().min(1).max(200),
        password: z.string().max(1000),
        /** Only where the link names none: the printed link of the first operator. */
        email: emailSchema.optional(),
      })
      .optional(),
  }),
  run: async ({ ctx, input, transact }) => {
    const link = await findOpenLink(ctx, input.token, ['invitation', 'first-operator']);
    const scope = { schoolId: link.school_id };
    const { actor } = ctx;
    if (actor.kind === 'user') {
      if (link.email !== null && foldEmail(link.email) !== foldEmail(actor.email)) {
        throw new CrosswalkError('invitation-for-another');
      }
      if (actor.assurance !== 'full') throw new CrosswalkError('second-factor-needed');
      const { organisationId } = await transact((work) => joinByLink(work, link, actor.userId), scope);
      return { organisationId, email: actor.email, newAccount: false };
    }
    const email = link.email ?? input.account?.email;
    const fields = [
      ...(email === undefined ? ['account.email'] : []),
      ...(input.account === undefined ? ['account'] : []),
    ];
    if (email === undefined || input.account === undefined) {
      throw new CrosswalkError('invalid-input', { details: { fields } });
    }
    const { name, password } = input.account;
    const folded = foldEmail(email) ?? '';
    const existing = await transact(({ tx }) => tx.query.appUser.findFirst({ where: eq(appUser.emailFolded, folded) }));
    if (existing !== undefined) throw new CrosswalkError('not-signed-in', { details: { problem: 'account-exists' } });
    const problem = passwordProblem(password, [name, email]);
    if (problem !== null)
      throw new CrosswalkError('invalid-input', { details: { fields: ['account.password'], problem } });
    const passwordHash = await hashPassword(password);
    const { organisationId } = await transact(async (work) => {
      const userId = await makeAccount(work, { email, name, passwordHash });
      return joinByLink(work, link, userId);
    }, scope);
    return { organisationId, email, newAccount: true };
  },
});
