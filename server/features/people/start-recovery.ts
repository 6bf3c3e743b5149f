import { and, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { organisation, recovery } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { hour } from './create-single-use-link.ts';
import { personFields } from './invitation-input.ts';
import { refuseAddressOfAgent } from './invitation-links.ts';
import { tellEverybodyOf } from './recovery-notice.ts';
import { signedInUser } from './signed-in-user.ts';

export const recoveryHours = 72;

/**
 * The operator begins to name a new administrator for a school whose only one left. Every member and every contact of
 * the school is told by mail at once; nothing happens for 72 hours, and any member can stop it. An address of an agent
 * that knows or serves the school is refused.
 */
export const startRecovery = defineVerb({
  name: 'people.start-recovery',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({ schoolId: idSchema, ...personFields, reason: z.string().trim().min(10).max(2000) }),
  run: async (work) => {
    const { ctx, tx, input } = work;
    const school = await tx.query.organisation.findFirst({
      where: and(eq(organisation.id, input.schoolId), eq(organisation.kind, 'school')),
    });
    if (school === undefined) throw new CrosswalkError('not-found');
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${input.schoolId}, 12))`);
    const open = await tx.query.recovery.findFirst({
      where: and(eq(recovery.schoolId, input.schoolId), isNull(recovery.stoppedAt), isNull(recovery.completedAt)),
    });
    if (open !== undefined) throw new CrosswalkError('duplicate', { details: { recoveryId: open.id } });
    await refuseAddressOfAgent(work, input.schoolId, input.email);
    const now = ctx.clock.now();
    const notBefore = new Date(now.getTime() + recoveryHours * hour);
    const recoveryId = newId();
    await tx.insert(recovery).values({
      id: recoveryId,
      schoolId: input.schoolId,
      newAdministratorEmail: input.email,
      newAdministratorName: input.name,
      reason: input.reason,
      startedBy: signedInUser(ctx).userId,
      startedAt: now,
      notBefore,
    });
    const told = await tellEverybodyOf(work, input.schoolId, 'recovery-started', {
      organisation: school.name,
      reason: input.reason,
      notBefore: `${notBefore.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
      url: `${ctx.baseUrl}/school/${input.schoolId}`,
    });
    work.audit({
      action: 'people.recovery-started',
      subjectKind: 'recovery',
      subjectId: recoveryId,
      details: { told, notBefore: notBefore.toISOString() },
    });
    return { recoveryId, notBefore, told };
  },
});
