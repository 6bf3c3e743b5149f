import { z } from 'zod';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { emailSchema } from './email-address.ts';

export const personFields = { email: emailSchema, name: z.string().trim().min(1).max(200) } as const;

/** A set of a school's roles: an approver can be limited to a system or a site, a technical contact to a system. */
export const schoolRoleFields = {
  roles: z.array(z.enum(schoolRoles)).min(1).max(schoolRoles.length),
  systemId: idSchema.nullable().default(null),
  siteId: idSchema.nullable().default(null),
} as const;
