import { z } from 'zod';
import { webAddressSchema } from '#server/connectors/exchange/web-address.ts';

export const settingsSchema = z.object({
  /** Where the school's Canvas is: `https://school.instructure.com`. */
  baseUrl: webAddressSchema,
});
export type Settings = z.infer<typeof settingsSchema>;

/** The developer key that the school's Canvas administrator makes. */
export const secretSchema = z.object({
  clientId: z.string().trim().min(1).max(100),
  clientSecret: z.string().trim().min(1).max(500),
});
export type Secret = z.infer<typeof secretSchema>;

/** The routes that courses and their ids need, in Canvas's own spelling (developer key → "Enforce Scopes"). */
export const courseScopes = [
  'url:GET|/api/v1/accounts',
  'url:GET|/api/v1/accounts/:account_id/sub_accounts',
  'url:GET|/api/v1/accounts/:account_id/terms',
  'url:GET|/api/v1/accounts/:account_id/courses',
] as const;
