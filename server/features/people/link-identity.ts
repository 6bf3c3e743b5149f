import { z } from 'zod';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { linkIdentityTo } from './link-identity-to.ts';
import { identityFields } from './sign-in-with-oidc.ts';
import { signedInUser } from './signed-in-user.ts';

/**
 * Links an OpenID account to the one that is signed in. The page begins it by a POST of its own, so that nobody can make
 * somebody else link a stranger's account; Auth.js calls it after it has validated the ID token. The person is told by
 * mail. `duplicate` where it is linked to another account.
 */
export const linkIdentity = defineVerb({
  name: 'people.link-identity',
  kind: 'command',
  access: [{ signedIn: true }],
  input: z.object({ ...identityFields, label: z.string().max(200) }),
  run: async (work) => {
    const user = signedInUser(work.ctx);
    await linkIdentityTo(work, user.userId, work.input);
    await enqueueMail(work, {
      template: 'identity-linked',
      to: { email: user.email, name: user.name },
      schoolId: null,
      parameters: { provider: work.input.label, url: `${work.ctx.baseUrl}/account` },
    });
    return { linked: true };
  },
});
