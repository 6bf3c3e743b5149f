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

/** Who is there, and in what: so that nobody is made a second time. */
export const peopleScopes = [
  'url:GET|/api/v1/accounts',
  'url:GET|/api/v1/accounts/:account_id/users',
  'url:GET|/api/v1/users/:user_id/logins',
  'url:GET|/api/v1/courses/:course_id/sections',
  'url:GET|/api/v1/courses/:course_id/enrollments',
  'url:GET|/api/v1/accounts/:account_id/groups',
  'url:GET|/api/v1/groups/:group_id/users',
] as const;

/** SIS imports, and the SIS id of what is adopted. */
export const writeScopes = [
  ...courseScopes,
  'url:POST|/api/v1/accounts/:account_id/sis_imports',
  'url:GET|/api/v1/accounts/:account_id/sis_imports',
  'url:GET|/api/v1/accounts/:account_id/sis_imports/:id',
  'url:GET|/api/v1/accounts/:account_id/sis_imports/:id/errors',
  'url:GET|/api/v1/accounts/:id',
  'url:PUT|/api/v1/accounts/:id',
  'url:GET|/api/v1/accounts/:account_id/terms/:id',
  'url:PUT|/api/v1/accounts/:account_id/terms/:id',
  'url:GET|/api/v1/courses/:id',
  'url:PUT|/api/v1/courses/:id',
  'url:GET|/api/v1/sections/:id',
  'url:PUT|/api/v1/sections/:id',
  'url:GET|/api/v1/groups/:group_id',
  'url:PUT|/api/v1/groups/:group_id',
  'url:PUT|/api/v1/accounts/:account_id/logins/:id',
] as const;
