import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { rosterPerson, rosterPersonAlias } from '#db/schema/index.ts';
import { only } from '#server/features/connections/load-rows.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { type ToWithhold, withhold } from './withhold.ts';

/** Why, in the school's own words; for its own list alone. */
export const reasonSchema = z.string().trim().max(500).nullable().default(null);

/** What is known of somebody in the roster. @throws CrosswalkError `not-found` */
export async function knownPerson(
  tx: Tx,
  { schoolId, personId }: { schoolId: string; personId: string },
): Promise<Omit<ToWithhold, 'reason'>> {
  const row = only(
    await tx
      .select()
      .from(rosterPerson)
      .where(and(eq(rosterPerson.schoolId, schoolId), eq(rosterPerson.id, personId))),
  );
  const aliases = await tx
    .select({ sourceId: rosterPersonAlias.sourceId })
    .from(rosterPersonAlias)
    .where(and(eq(rosterPersonAlias.schoolId, schoolId), eq(rosterPersonAlias.personId, personId)));
  const name = [row.preferredGivenName ?? row.givenName, row.preferredFamilyName ?? row.familyName]
    .filter((part) => part !== null)
    .join(' ');
  return {
    schoolId,
    systemId: row.systemId,
    sourceIds: [row.sourceId, ...aliases.map(({ sourceId }) => sourceId)],
    number: row.identifier,
    kind: row.kind === 'other' ? null : row.kind,
    name: name === '' ? (row.username ?? row.sourceId) : name,
    personId,
  };
}

/**
 * Withholds somebody of the roster from every consumer, whatever was granted: what rests of him is deleted at once, and every later run
 * leaves him out.
 * @throws CrosswalkError `not-found`, `duplicate` where he is withheld already
 */
export const withholdPerson = defineVerb({
  name: 'withheld.withhold',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, personId: idSchema, reason: reasonSchema }),
  run: async ({ input, party: _party, ...work }) => {
    const userId = userIdOf(work.ctx);
    if (userId === null) throw new CrosswalkError('forbidden');
    const person = await knownPerson(work.tx, input);
    return withhold(work, { ...person, reason: input.reason === '' ? null : input.reason, userId });
  },
});
