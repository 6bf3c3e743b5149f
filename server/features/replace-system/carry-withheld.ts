import { and, eq, isNotNull, isNull } from 'drizzle-orm';
import { rosterPerson, withheldPerson } from '#db/schema/index.ts';
import { numberMark, withhold } from '#server/features/withheld/withhold.ts';
import { withholdKnown } from '#server/features/withheld/withhold-person.ts';
import type { Work } from '#server/kernel/verb.ts';

/**
 * Who is withheld in one system is withheld in the other too, found by number: whoever it names there is deleted, and whoever comes under
 * it is cut. Those without a number must be withheld by hand.
 * @returns how many were carried over, and how many have no number
 */
export async function carryWithheld(
  work: Work,
  { schoolId, from, to, userId }: { schoolId: string; from: string; to: string; userId: string },
): Promise<{ carried: number; withoutNumber: number }> {
  const { tx } = work;
  const living = (systemId: string) =>
    and(
      eq(withheldPerson.schoolId, schoolId),
      eq(withheldPerson.systemId, systemId),
      isNull(withheldPerson.releasedAt),
    );
  const known = await tx.select().from(withheldPerson).where(living(to));
  const rows = await tx.select().from(withheldPerson).where(living(from));
  const acts = new Map(rows.map((row) => [row.act, row]));
  let carried = 0;
  let withoutNumber = 0;
  for (const { number, kind, name, reason } of acts.values()) {
    if (number === null) {
      withoutNumber += 1;
      continue;
    }
    const people = await tx
      .select({ id: rosterPerson.id })
      .from(rosterPerson)
      .where(
        and(
          eq(rosterPerson.schoolId, schoolId),
          eq(rosterPerson.systemId, to),
          isNotNull(rosterPerson.identifier),
          eq(rosterPerson.identifier, number),
          kind === null ? undefined : eq(rosterPerson.kind, kind),
        ),
      );
    for (const { id } of people) {
      await withholdKnown(work, { schoolId, personId: id, reason, userId });
      carried += 1;
    }
    if (people.length > 0 || known.some((row) => row.number === number && row.kind === kind)) continue;
    await withhold(work, {
      schoolId,
      systemId: to,
      sourceIds: [`${numberMark}${kind ?? ''}:${number}`],
      number,
      kind,
      name,
      reason,
      personId: null,
      userId,
    });
    carried += 1;
  }
  return { carried, withoutNumber };
}
