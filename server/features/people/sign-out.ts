import { z } from 'zod';
import { defineVerb } from '#server/kernel/verb.ts';
import { revokeSessionsOf } from './revoke-sessions-of.ts';
import { signedInUser } from './signed-in-user.ts';

/** Ends the session that asks. */
export const signOut = defineVerb({
  name: 'people.sign-out',
  kind: 'command',
  access: [{ signedIn: true, half: true }],
  input: z.object({}),
  run: async (work) => {
    const user = signedInUser(work.ctx);
    await revokeSessionsOf(work, user.userId, { only: user.sessionId });
    work.audit({ action: 'people.session-closed', subjectKind: 'session', subjectId: user.sessionId });
    return { signedOut: true };
  },
});
