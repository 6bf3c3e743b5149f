import { z } from 'zod';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { findLink } from './find-link.ts';

/** Whether a link for a new password still works. Looking does not use it up: mail scanners look, too. */
export const viewPasswordReset = defineLongVerb({
  name: 'people.view-password-reset',
  kind: 'query',
  access: [{ anyone: true }],
  input: z.object({ token: z.string().min(20).max(200) }),
  run: async ({ ctx, input }) => ({ state: (await findLink(ctx, input.token, ['password-reset'])).state }),
});
