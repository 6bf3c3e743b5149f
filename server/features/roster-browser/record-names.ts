import { and, eq, inArray } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import {
  lmsCourse,
  rosterDemographics,
  rosterEnrolment,
  rosterGroup,
  rosterPerson,
  rosterSite,
  rosterStream,
  rosterSubject,
  rosterTerm,
} from '#db/schema/index.ts';
import type { RosterCollection } from '#server/roster/collections.ts';

/** "Emma de Vries"; empty where no name is kept. */
export const nameOfPerson = (person: {
  readonly givenName: string | null;
  readonly middleName: string | null;
  readonly familyName: string | null;
}): string =>
  [person.givenName, person.middleName, person.familyName].filter((part) => part !== null && part !== '').join(' ');

type Names = ReadonlyMap<string, string>;

const named = {
  sites: { table: rosterSite, name: rosterSite.name },
  terms: { table: rosterTerm, name: rosterTerm.name },
  subjects: { table: rosterSubject, name: rosterSubject.title },
  streams: { table: rosterStream, name: rosterStream.name },
  groups: { table: rosterGroup, name: rosterGroup.title },
  courses: { table: lmsCourse, name: lmsCourse.name },
} as const;

/** Names of records by Crosswalk's id; who is not in it is no longer kept. */
export async function namesOfRecords(
  tx: Tx,
  schoolId: string,
  collection: RosterCollection,
  ids: readonly string[],
): Promise<Names> {
  if (ids.length === 0) return new Map();
  const wanted = [...ids];
  switch (collection) {
    case 'teachers':
    case 'students':
    case 'guardians': {
      const rows = await tx
        .select()
        .from(rosterPerson)
        .where(and(eq(rosterPerson.schoolId, schoolId), inArray(rosterPerson.id, wanted)));
      return new Map(rows.map((row) => [row.id, nameOfPerson(row)]));
    }
    case 'enrolments': {
      const rows = await tx
        .select({ id: rosterEnrolment.id, person: rosterPerson, group: rosterGroup.title })
        .from(rosterEnrolment)
        .leftJoin(rosterPerson, eq(rosterPerson.id, rosterEnrolment.personId))
        .leftJoin(rosterGroup, eq(rosterGroup.id, rosterEnrolment.groupId))
        .where(and(eq(rosterEnrolment.schoolId, schoolId), inArray(rosterEnrolment.id, wanted)));
      return new Map(
        rows.map(({ id, person, group }) => [
          id,
          [person === null ? '' : nameOfPerson(person), group ?? ''].filter((part) => part !== '').join(' · '),
        ]),
      );
    }
    case 'demographics': {
      const rows = await tx
        .select({ id: rosterDemographics.id, person: rosterPerson })
        .from(rosterDemographics)
        .innerJoin(rosterPerson, eq(rosterPerson.id, rosterDemographics.personId))
        .where(and(eq(rosterDemographics.schoolId, schoolId), inArray(rosterDemographics.id, wanted)));
      return new Map(rows.map(({ id, person }) => [id, nameOfPerson(person)]));
    }
    default: {
      const { table, name } = named[collection === 'classes' ? 'groups' : collection];
      const rows = await tx
        .select({ id: table.id, name })
        .from(table)
        .where(and(eq(table.schoolId, schoolId), inArray(table.id, wanted)));
      return new Map(rows.map((row) => [row.id, row.name]));
    }
  }
}

/** What a record's reference by source id leads to. */
export type Referred = keyof typeof named | 'people';

/** Names of records of one system by the source's id. */
export async function namesOfSources(
  tx: Tx,
  of: { readonly schoolId: string; readonly systemId: string },
  referred: Referred,
  sourceIds: readonly string[],
): Promise<Names> {
  const wanted = [...new Set(sourceIds)];
  if (wanted.length === 0) return new Map();
  if (referred === 'people') {
    const rows = await tx
      .select()
      .from(rosterPerson)
      .where(
        and(
          eq(rosterPerson.schoolId, of.schoolId),
          eq(rosterPerson.systemId, of.systemId),
          inArray(rosterPerson.sourceId, wanted),
        ),
      );
    return new Map(rows.map((row) => [row.sourceId, nameOfPerson(row)]));
  }
  const { table, name } = named[referred];
  const rows = await tx
    .select({ sourceId: table.sourceId, name })
    .from(table)
    .where(and(eq(table.schoolId, of.schoolId), eq(table.systemId, of.systemId), inArray(table.sourceId, wanted)));
  return new Map(rows.map((row) => [row.sourceId, row.name]));
}
