import { and, eq } from 'drizzle-orm';
import { prospect } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineLongVerb, type Work } from '#server/kernel/verb.ts';
import { lockRegisterNumber, newSchoolId, openSchool, schoolByRegister } from './open-school.ts';
import { refuseUnreviewedAgent } from './refuse-unreviewed-agent.ts';
import { type SchoolDetails, schoolDetailsSchema } from './school-details.ts';

export interface AddedSchool {
  readonly prospectId: string;
  readonly schoolId: string;
  /** It was archived before and is back with the new details. */
  readonly restored: boolean;
}

/**
 * An agent adds a school: his own row, and the tenant behind it. Where another agent brought the school already, the row
 * points at that tenant and the answer is the very same: he learns nothing. `duplicate` where he has it himself.
 */
export const addSchool = defineLongVerb({
  name: 'schools.add-school',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'] }],
  input: schoolDetailsSchema.extend({ agentId: idSchema }),
  run: ({ ctx, input, transact }) => {
    const { agentId, ...details } = input;
    const schoolId = newSchoolId(ctx.clock.now());
    return transact((work) => addOwnSchool(work, { agentId, freeId: schoolId, details }), {
      agentId,
      schoolId,
    });
  },
});

/** The same inside an open transaction whose scope is the agent and a school's id that is not taken yet. */
export async function addOwnSchool(
  work: Work,
  { agentId, freeId, details }: { agentId: string; freeId: string; details: SchoolDetails },
): Promise<AddedSchool> {
  const { ctx, tx } = work;
  await refuseUnreviewedAgent(tx, agentId);
  await lockRegisterNumber(tx, details.register, details.registerNumber);
  const own = await tx.query.prospect.findFirst({
    where: and(
      eq(prospect.agentId, agentId),
      eq(prospect.register, details.register),
      eq(prospect.registerNumber, details.registerNumber),
    ),
  });
  if (own !== undefined && own.archivedAt === null) {
    throw new CrosswalkError('duplicate', { details: { fields: ['registerNumber'], schoolId: own.schoolId } });
  }
  if (own !== undefined) {
    await tx
      .update(prospect)
      .set({ ...details, archivedAt: null })
      .where(eq(prospect.id, own.id));
    work.audit({
      action: 'schools.restored',
      subjectKind: 'prospect',
      subjectId: own.id,
      chain: 'operator',
      details: { agentId },
    });
    return { prospectId: own.id, schoolId: own.schoolId, restored: true };
  }
  const existing = await schoolByRegister(tx, details.register, details.registerNumber);
  if (existing === null) await openSchool(tx, freeId, details);
  const prospectId = newId();
  const schoolId = existing ?? freeId;
  const createdBy = ctx.actor.kind === 'user' ? ctx.actor.userId : null;
  if (createdBy === null) throw new CrosswalkError('forbidden');
  await tx
    .insert(prospect)
    .values({ id: prospectId, agentId, schoolId, ...details, createdBy, createdAt: ctx.clock.now() });
  work.audit({
    action: 'schools.added',
    subjectKind: 'prospect',
    subjectId: prospectId,
    chain: 'operator',
    details: { agentId },
  });
  return { prospectId, schoolId, restored: false };
}
