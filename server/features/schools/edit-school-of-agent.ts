import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { organisation, prospect, school, site } from '#db/schema/index.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { ownProspect } from './own-prospect.ts';
import { schoolDetailsSchema } from './school-details.ts';

const answer = z.array(z.object({ own: z.boolean() }));

/**
 * An agent corrects what it says of a school: its own row. As long as nobody has come aboard and no other agent knows
 * the school, the tenant takes the correction too; afterwards the school's data are the school's. The register number
 * stays: another number is another school.
 */
export const editSchoolOfAgent = defineVerb({
  name: 'schools.edit-school-of-agent',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'], serves: 'prospect' }],
  input: schoolDetailsSchema
    .omit({ register: true, registerNumber: true })
    .extend({ agentId: idSchema, schoolId: idSchema }),
  run: async ({ tx, input, audit }) => {
    const { agentId, schoolId, ...details } = input;
    const own = await ownProspect(tx, { agentId, schoolId });
    await tx.update(prospect).set(details).where(eq(prospect.id, own.id));
    const [row] = answer.parse(
      await tx.execute(sql`select across.school_known_only_to(${agentId}, ${schoolId}) as own`),
    );
    if (row?.own === true) {
      const { name, country, timeZone, sites } = details;
      await tx.update(organisation).set({ name, country }).where(eq(organisation.id, schoolId));
      await tx.update(school).set({ name, country, timeZone }).where(eq(school.id, schoolId));
      await tx.delete(site).where(eq(site.schoolId, schoolId));
      if (sites.length > 0) await tx.insert(site).values(sites.map((entry) => ({ id: newId(), schoolId, ...entry })));
    }
    audit({
      action: 'schools.edited',
      subjectKind: 'prospect',
      subjectId: own.id,
      chain: 'operator',
      details: { agentId },
    });
    return { prospectId: own.id };
  },
});
