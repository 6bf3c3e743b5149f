import { z } from 'zod';
import { pushLeavers, pushShapes } from '#db/schema/vocabulary.ts';
import { isInvalidHost, isUsernamePattern } from '#server/roster/push/account-rules.ts';

/** How accounts are made, as a form types it. Empty: whoever lacks one is set aside. */
export const accountRulesSchema = z.object({
  signIn: z.string().min(1).max(60),
  usernamePattern: z.string().trim().max(80).refine(isUsernamePattern, 'pattern').nullable(),
  emailHost: z.string().trim().toLowerCase().refine(isInvalidHost, 'host').nullable(),
});

export const pushSettingsSchema = accountRulesSchema.extend({
  courses: z.enum(pushShapes),
  leavers: z.enum(pushLeavers),
  guardLeaving: z.number().min(0).max(1),
  guardChanged: z.number().min(0).max(1),
});
