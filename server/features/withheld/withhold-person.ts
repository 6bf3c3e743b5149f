import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { rosterPerson, rosterPersonAlias } from '#db/schema/index.ts';
import { only } from '#server/features/connections/load-rows.ts';
import { retiredRowOf } from '#server/features/replace-system/retired-row.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { type ToWithhold, withhold } from './withhold.ts';

/** Why, in the school's own words; for its own list alone. */
export const reasonSchema = z.string().trim().max(500).nullable().default(null);

/** What is known of somebody in the roster. @throws CrosswalkError `not-found` */
async function knownPerson(
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
 * Withholds somebody of the roster, also where a system that was replaced keeps him for an undo.
 * @throws CrosswalkError `not-found`, `duplicate`
 */
export async function withholdKnown(
  work: Work,
  { schoolId, personId, ...how }: { schoolId: string; personId: string; reason: string | null; userId: string },
): ReturnType<typeof withhold> {
  const known = await knownPerson(work.tx, { schoolId, personId });
  const retired = await retiredRowOf(work.tx, { schoolId, systemId: known.systemId, personId });
  const done = await withhold(work, { ...known, ...how });
  if (retired !== null) {
    const before = await knownPerson(work.tx, { schoolId, personId: retired.personId });
    await withhold(work, { ...before, ...how, alsoAs: personId });
  }
  return done;
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
    const { schoolId, personId, reason } = input;
    return withholdKnown(work, { schoolId, personId, reason: reason === '' ? null : reason, userId });
  },
});
