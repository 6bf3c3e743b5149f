import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, organisation } from '#db/schema/index.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { foldEmail } from './email-address.ts';
import { findLink } from './find-link.ts';

/**
 * What an invitation says, for whoever holds its link, and what he can do with it. Looking does not use it up. A link that
 * was used, withdrawn, ran out or never was has only its state.
 */
export const viewInvitation = defineLongVerb({
  name: 'people.view-invitation',
  kind: 'query',
  access: [{ anyone: true }],
  input: z.object({ token: z.string().min(20).max(200) }),
  run: async ({ ctx, input, transact }) => {
    const { state, link } = await findLink(ctx, input.token, ['invitation', 'first-operator']);
    if (state !== 'open') return { state, invitation: null };
    const folded = link.email === null ? null : foldEmail(link.email);
    return transact(
      async ({ tx }) => {
        const body =
          link.organisation_id === null
            ? undefined
            : await tx.query.organisation.findFirst({ where: eq(organisation.id, link.organisation_id) });
        const inviter =
          link.created_by === null
            ? undefined
            : await tx.query.appUser.findFirst({ where: eq(appUser.id, link.created_by) });
        const account =
          folded === null ? undefined : await tx.query.appUser.findFirst({ where: eq(appUser.emailFolded, folded) });
        const { actor } = ctx;
        return {
          state,
          invitation: {
            firstOperator: link.purpose === 'first-operator',
            organisation: body?.name ?? null,
            organisationKind: body?.kind ?? 'operator',
            inviter: inviter?.name ?? null,
            email: link.email,
            name: link.name,
            roles: link.roles,
            expiresAt: link.expires_at,
            accountExists: account !== undefined,
            signedIn:
              actor.kind !== 'user'
                ? ('nobody' as const)
                : folded === null || foldEmail(actor.email) === folded
                  ? ('invited' as const)
                  : ('another' as const),
            signedInAs: actor.kind === 'user' ? actor.email : null,
          },
        };
      },
      { schoolId: link.school_id },
    );
  },
});
