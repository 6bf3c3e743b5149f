import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { membership } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const input = z.object({ schoolId: idSchema, systemId: idSchema, userId: idSchema });

/** Names somebody of the school as technical contact of this one system. Somebody new is invited first, or gets a link. */
export const nameTechnicalContact = defineVerb({
  name: 'systems.name-technical-contact',
  kind: 'command',
  access: [{ school: ['school-administrator'] }, { system: true }],
  input,
  async run({ ctx, tx, audit, input: { schoolId, systemId, userId } }) {
    await systemInSchool(tx, schoolId, systemId);
    const held = await tx
      .select({ role: membership.role, systemId: membership.systemId })
      .from(membership)
      .where(and(eq(membership.schoolId, schoolId), eq(membership.userId, userId), isNull(membership.endedAt)));
    if (held.length === 0) throw new CrosswalkError('not-found');
    const already = held.some(
      (row) => row.role === 'technical-contact' && (row.systemId === null || row.systemId === systemId),
    );
    if (already) throw new CrosswalkError('duplicate');
    await tx.insert(membership).values({
      id: newId(),
      organisationId: schoolId,
      schoolId,
      userId,
      role: 'technical-contact',
      systemId,
      createdAt: ctx.clock.now(),
    });
    audit({
      action: 'system.technical-contact-named',
      subjectKind: 'system',
      subjectId: systemId,
      details: { userId },
    });
    return { systemId };
  },
});

/** Ends somebody's being technical contact of this one system; a role for all systems is ended on the people page. */
export const dismissTechnicalContact = defineVerb({
  name: 'systems.dismiss-technical-contact',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input,
  async run({ ctx, tx, audit, input: { schoolId, systemId, userId } }) {
    const ended = await tx
      .update(membership)
      .set({ endedAt: ctx.clock.now() })
      .where(
        and(
          eq(membership.schoolId, schoolId),
          eq(membership.userId, userId),
          eq(membership.systemId, systemId),
          eq(membership.role, 'technical-contact'),
          isNull(membership.endedAt),
        ),
      )
      .returning({ id: membership.id });
    if (ended.length === 0) throw new CrosswalkError('not-found');
    audit({
      action: 'system.technical-contact-dismissed',
      subjectKind: 'system',
      subjectId: systemId,
      details: { userId },
    });
    return { systemId };
  },
});
