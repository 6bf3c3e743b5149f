import { and, eq, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rosterPerson, rosterPersonAlias } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { numberMark, withhold } from './withhold.ts';
import { reasonSchema, withholdKnown } from './withhold-person.ts';

/**
 * Withholds somebody by the id that the system gives him, or by his student or staff number, also before he comes. Who is in the roster
 * already is withheld like anybody there.
 * @throws CrosswalkError `not-found` for a system, `duplicate` where he is withheld already, `ambiguous-number` where several people of the
 *   system have that number
 */
export const withholdAhead = defineVerb({
  name: 'withheld.withhold-ahead',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    by: z.enum(['source-id', 'number']),
    value: z.string().trim().min(1).max(200),
    /** Whose number it is, where students and staff are numbered apart. */
    kind: z.enum(['student', 'teacher', 'guardian']).nullable().default(null),
    name: z.string().trim().min(1).max(200),
    reason: reasonSchema,
  }),
  run: async ({ input, party: _party, ...work }) => {
    const { schoolId, systemId, by, value, kind, name } = input;
    const { tx } = work;
    const userId = userIdOf(work.ctx);
    if (userId === null) throw new CrosswalkError('forbidden');
    await systemInSchool(tx, schoolId, systemId);
    const reason = input.reason === '' ? null : input.reason;
    const here = and(eq(rosterPerson.schoolId, schoolId), eq(rosterPerson.systemId, systemId));
    const found = await tx
      .select({ id: rosterPerson.id })
      .from(rosterPerson)
      .where(
        by === 'number'
          ? and(here, eq(rosterPerson.identifier, value), kind === null ? undefined : eq(rosterPerson.kind, kind))
          : and(
              here,
              or(
                eq(rosterPerson.sourceId, value),
                sql`${rosterPerson.id} in (select ${rosterPersonAlias.personId} from ${rosterPersonAlias}
                      where ${rosterPersonAlias.schoolId} = ${schoolId} and ${rosterPersonAlias.systemId} = ${systemId}
                        and ${rosterPersonAlias.sourceId} = ${value})`,
              ),
            ),
      )
      .limit(2);
    if (found.length > 1) throw new CrosswalkError('ambiguous-number');
    const [person] = found;
    if (person !== undefined) {
      return { ...(await withholdKnown(work, { schoolId, personId: person.id, reason, userId })), wasHere: true };
    }
    const done = await withhold(work, {
      schoolId,
      systemId,
      sourceIds: [by === 'number' ? `${numberMark}${kind ?? ''}:${value}` : value],
      number: by === 'number' ? value : null,
      kind,
      name,
      reason,
      personId: null,
      userId,
    });
    return { ...done, wasHere: false };
  },
});
