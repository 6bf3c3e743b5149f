import { eq } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { site, system } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { personFields, schoolRoleFields } from './invitation-input.ts';
import { inviteByMail, refuseAddressOfAgent } from './invitation-links.ts';

/**
 * A school administrator invites somebody to roles of the school. An address of an agent that serves the school is
 * refused (`conflict-of-interest`); a system or site of another school does not exist (`not-found`).
 */
export const inviteSchoolMember = defineVerb({
  name: 'people.invite-school-member',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, ...personFields, ...schoolRoleFields }),
  run: async (work) => {
    const { input } = work;
    await refuseForeignLimits(work.tx, input);
    await refuseAddressOfAgent(work, input.schoolId, input.email);
    return inviteByMail(work, { ...input, organisationId: input.schoolId });
  },
});

/** Limits must be the school's own system and site: in its scope no others exist. */
export async function refuseForeignLimits(
  tx: Tx,
  limits: { systemId: string | null; siteId: string | null },
): Promise<void> {
  if (limits.systemId !== null && !(await tx.query.system.findFirst({ where: eq(system.id, limits.systemId) }))) {
    throw new CrosswalkError('not-found', { details: { fields: ['systemId'] } });
  }
  if (limits.siteId !== null && !(await tx.query.site.findFirst({ where: eq(site.id, limits.siteId) }))) {
    throw new CrosswalkError('not-found', { details: { fields: ['siteId'] } });
  }
}
