import { z } from 'zod';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { revokeSessionsOf } from './revoke-sessions-of.ts';
import { signedInUser } from './signed-in-user.ts';

/** Ends one of the caller's own sessions; another's does not exist for him. */
export const revokeSession = defineVerb({
  name: 'people.revoke-session',
  kind: 'command',
  access: [{ signedIn: true }],
  input: z.object({ sessionId: idSchema }),
  run: async (work) => {
    const user = signedInUser(work.ctx);
    const revoked = await revokeSessionsOf(work, user.userId, { only: work.input.sessionId });
    if (revoked.length === 0) throw new CrosswalkError('not-found');
    work.audit({ action: 'people.session-revoked', subjectKind: 'session', subjectId: work.input.sessionId });
    return { revoked: revoked.length };
  },
});
