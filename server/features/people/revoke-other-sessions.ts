import { z } from 'zod';
import { defineVerb } from '#server/kernel/verb.ts';
import { revokeSessionsOf } from './revoke-sessions-of.ts';
import { signedInUser } from './signed-in-user.ts';

/** Ends all of the caller's sessions but this one. */
export const revokeOtherSessions = defineVerb({
  name: 'people.revoke-other-sessions',
  kind: 'command',
  access: [{ signedIn: true }],
  input: z.object({}),
  run: async (work) => {
    const user = signedInUser(work.ctx);
    const revoked = await revokeSessionsOf(work, user.userId, { except: user.sessionId });
    work.audit({
      action: 'people.other-sessions-revoked',
      subjectKind: 'user',
      subjectId: user.userId,
      details: { count: revoked.length },
    });
    return { revoked: revoked.length };
  },
});
