import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { appUser } from '#db/schema/people.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { signedInUser } from './signed-in-user.ts';

/** Changes one's own name as others read it. Audit rows keep the name of their time. */
export const renameSelf = defineVerb({
  name: 'people.rename-self',
  kind: 'command',
  access: [{ signedIn: true }],
  input: z.object({ name: z.string().trim().min(1).max(200) }),
  run: async ({ ctx, tx, input, audit }) => {
    const user = signedInUser(ctx);
    await tx.update(appUser).set({ name: input.name }).where(eq(appUser.id, user.userId));
    audit({ action: 'people.renamed', subjectKind: 'user', subjectId: user.userId });
    return { name: input.name };
  },
});
