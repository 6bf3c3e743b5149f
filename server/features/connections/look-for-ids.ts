import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { connection, type DirectProof } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { advanceIfAllowed } from './advance.ts';
import { type Locked, lockConnection } from './load-rows.ts';

const countsSchema = z.array(
  z.object({
    courses: z.coerce.number(),
    groups: z.coerce.number(),
    groups_found: z.coerce.number(),
    subjects: z.coerce.number(),
    subjects_found: z.coerce.number(),
  }),
);

/** How many of the SIS's groups and subjects stand with their id or code in a course of the LMS. */
async function compare({ ctx, tx }: Work, { connection: row }: Locked): Promise<DirectProof> {
  const { schoolId, producerSystemId, consumerSystemId } = row;
  const [counts] = countsSchema.parse(
    await tx.execute(sql`
      with over_there as (select distinct sis_id from lms_course
                           where school_id = ${schoolId} and system_id = ${consumerSystemId} and gone_at is null and sis_id <> ''),
           groups as (select source_id, code from roster_group
                       where school_id = ${schoolId} and system_id = ${producerSystemId} and gone_at is null),
           subjects as (select source_id, course_code from roster_subject
                         where school_id = ${schoolId} and system_id = ${producerSystemId} and gone_at is null)
      select (select count(*) from lms_course where school_id = ${schoolId} and system_id = ${consumerSystemId} and gone_at is null) as courses,
             (select count(*) from groups) as groups,
             (select count(*) from groups g where exists (select 1 from over_there o where o.sis_id = g.source_id or o.sis_id = g.code)) as groups_found,
             (select count(*) from subjects) as subjects,
             (select count(*) from subjects s where exists (select 1 from over_there o where o.sis_id = s.source_id or o.sis_id = s.course_code)) as subjects_found`),
  );
  return {
    at: ctx.clock.now().toISOString(),
    courses: counts?.courses ?? 0,
    groups: { found: counts?.groups_found ?? 0, of: counts?.groups ?? 0 },
    subjects: { found: counts?.subjects_found ?? 0, of: counts?.subjects ?? 0 },
  };
}

/** Compares and keeps what was found; what was found makes the edge live. The connection is locked. */
export async function lookForIdsIn(work: Work, locked: Locked): Promise<DirectProof> {
  const proof = await compare(work, locked);
  const found = proof.groups.found + proof.subjects.found > 0;
  const proved = { ...locked, connection: { ...locked.connection, directProof: found ? proof : null } };
  await work.tx
    .update(connection)
    .set({ directProof: found ? proof : locked.connection.directProof })
    .where(eq(connection.id, locked.connection.id));
  if (found) await advanceIfAllowed(work, proved, { type: 'receive' });
  return proof;
}

/**
 * Looks once more for the SIS's ids in the courses of an LMS that is said to be connected with it directly. Nothing is sent anywhere:
 * both sides' records are here for the marketplace's own edges.
 * @throws CrosswalkError `state-forbids`, `not-found`
 */
export const lookForIds = defineVerb({
  name: 'connections.look-for-ids',
  kind: 'command',
  access: [{ school: ['school-administrator', 'approver', 'technical-contact'] }],
  input: z.object({ schoolId: idSchema, connectionId: idSchema }),
  async run(call) {
    const { tx, audit, input } = call;
    const locked = await lockConnection(tx, input.schoolId, input.connectionId);
    const { way, state } = locked.connection;
    if (way !== 'direct' || !['connecting', 'live', 'failing'].includes(state)) {
      throw new CrosswalkError('state-forbids', { details: { state } });
    }
    const proof = await lookForIdsIn(call, locked);
    audit({
      action: 'connection.ids-looked-for',
      subjectKind: 'connection',
      subjectId: input.connectionId,
      details: { courses: proof.courses, groups: proof.groups.found, subjects: proof.subjects.found },
    });
    return proof;
  },
});
