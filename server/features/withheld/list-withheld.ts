import { and, asc, eq, isNull } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { z } from 'zod';
import { appUser, system, withheldPerson } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { numberMark } from './withhold.ts';

interface Withheld {
  readonly act: string;
  readonly name: string;
  readonly number: string | null;
  readonly kind: 'student' | 'teacher' | 'guardian' | 'other' | null;
  /** Ids under which the system tells of him; none while he is known by his number alone. */
  readonly sourceIds: string[];
  readonly systemId: string;
  readonly systemName: string;
  readonly reason: string | null;
  readonly withheldBy: string;
  readonly withheldAt: Date;
  readonly releasedBy: string | null;
  readonly releasedAt: Date | null;
}

/** Whom the school withholds and withheld, each once, and the systems of which somebody can be withheld. */
export const listWithheld = defineVerb({
  name: 'withheld.list',
  kind: 'query',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ tx, input: { schoolId } }) => {
    const releaser = alias(appUser, 'releaser');
    const rows = await tx
      .select({
        act: withheldPerson.act,
        name: withheldPerson.name,
        number: withheldPerson.number,
        kind: withheldPerson.kind,
        sourceId: withheldPerson.sourceId,
        systemId: withheldPerson.systemId,
        systemName: system.name,
        reason: withheldPerson.reason,
        withheldBy: appUser.name,
        withheldAt: withheldPerson.withheldAt,
        releasedBy: releaser.name,
        releasedAt: withheldPerson.releasedAt,
      })
      .from(withheldPerson)
      .innerJoin(system, eq(system.id, withheldPerson.systemId))
      .leftJoin(appUser, eq(appUser.id, withheldPerson.withheldBy))
      .leftJoin(releaser, eq(releaser.id, withheldPerson.releasedBy))
      .where(eq(withheldPerson.schoolId, schoolId))
      .orderBy(asc(withheldPerson.name), asc(withheldPerson.act), asc(withheldPerson.sourceId));
    const people = new Map<string, Withheld>();
    for (const { sourceId, withheldBy, ...row } of rows) {
      const known = people.get(row.act) ?? { ...row, withheldBy: withheldBy ?? '', sourceIds: [] };
      if (!sourceId.startsWith(numberMark)) known.sourceIds.push(sourceId);
      people.set(row.act, known);
    }
    const systems = await tx
      .select({ id: system.id, name: system.name, kind: system.kind })
      .from(system)
      .where(and(eq(system.schoolId, schoolId), isNull(system.removedAt)))
      .orderBy(asc(system.createdAt), asc(system.id));
    return { people: [...people.values()], systems: systems.filter(({ kind }) => kind === 'sis') };
  },
});
