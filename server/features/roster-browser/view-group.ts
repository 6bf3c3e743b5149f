import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import {
  rosterEnrolment,
  rosterGroup,
  rosterPerson,
  rosterSite,
  rosterStream,
  rosterSubject,
  rosterTerm,
  system,
} from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lastSeen } from './browse-records.ts';
import { nameOfPerson } from './record-names.ts';
import { seesPeople } from './who-sees-people.ts';

/** Members that a group's page lists; the counts cover all. */
const mostMembers = 500;

/**
 * One group or class: subject, stream, site, terms, and how many members of each role it has; who they are, for whoever sees people.
 * @throws CrosswalkError `not-found`
 */
export const viewGroup = defineVerb({
  name: 'data.group',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, groupId: idSchema }),
  run: async ({ tx, party, input: { schoolId, groupId } }) => {
    const [group] = await tx
      .select({
        id: rosterGroup.id,
        systemId: rosterGroup.systemId,
        systemName: system.name,
        sourceId: rosterGroup.sourceId,
        kind: rosterGroup.kind,
        title: rosterGroup.title,
        code: rosterGroup.code,
        grades: rosterGroup.grades,
        subjects: rosterGroup.subjects,
        subjectName: rosterSubject.title,
        subjectSourceId: rosterGroup.subjectSourceId,
        streamName: rosterStream.name,
        streamSourceId: rosterGroup.streamSourceId,
        siteName: rosterSite.name,
        siteSourceId: rosterGroup.siteSourceId,
        termSourceIds: rosterGroup.termSourceIds,
        missedFetches: rosterGroup.missedFetches,
        firstSeenAt: rosterGroup.firstSeenAt,
        lastSeenAt: lastSeen(rosterGroup, 'groups', 'classes'),
        goneAt: rosterGroup.goneAt,
      })
      .from(rosterGroup)
      .innerJoin(system, and(eq(system.schoolId, rosterGroup.schoolId), eq(system.id, rosterGroup.systemId)))
      .leftJoin(rosterSubject, sameSystem(rosterSubject, rosterGroup.subjectSourceId))
      .leftJoin(rosterStream, sameSystem(rosterStream, rosterGroup.streamSourceId))
      .leftJoin(rosterSite, sameSystem(rosterSite, rosterGroup.siteSourceId))
      .where(and(eq(rosterGroup.schoolId, schoolId), eq(rosterGroup.id, groupId)));
    if (group === undefined) throw new CrosswalkError('not-found');
    const terms = await tx
      .select({
        sourceId: rosterTerm.sourceId,
        name: rosterTerm.name,
        startsOn: rosterTerm.startsOn,
        endsOn: rosterTerm.endsOn,
      })
      .from(rosterTerm)
      .where(
        and(
          eq(rosterTerm.schoolId, schoolId),
          eq(rosterTerm.systemId, group.systemId),
          inArray(rosterTerm.sourceId, group.termSourceIds),
        ),
      )
      .orderBy(asc(rosterTerm.startsOn), asc(rosterTerm.name));
    const ofGroup = and(
      eq(rosterEnrolment.schoolId, schoolId),
      eq(rosterEnrolment.groupId, groupId),
      isNull(rosterEnrolment.goneAt),
    );
    const counts = await tx
      .select({ role: rosterEnrolment.role, count: sql<number>`count(*)::int` })
      .from(rosterEnrolment)
      .where(ofGroup)
      .groupBy(rosterEnrolment.role)
      .orderBy(rosterEnrolment.role);
    const sees = seesPeople(party);
    const members = sees
      ? await tx
          .select({
            id: rosterEnrolment.id,
            role: rosterEnrolment.role,
            isPrimary: rosterEnrolment.isPrimary,
            beginsOn: rosterEnrolment.beginsOn,
            endsOn: rosterEnrolment.endsOn,
            person: {
              id: rosterPerson.id,
              givenName: rosterPerson.givenName,
              middleName: rosterPerson.middleName,
              familyName: rosterPerson.familyName,
              identifier: rosterPerson.identifier,
            },
          })
          .from(rosterEnrolment)
          .innerJoin(rosterPerson, eq(rosterPerson.id, rosterEnrolment.personId))
          .where(ofGroup)
          // Teachers stand before students.
          .orderBy(sql`${rosterEnrolment.role} desc`, asc(rosterPerson.searchName), asc(rosterEnrolment.id))
          .limit(mostMembers)
      : null;
    const { termSourceIds, ...shown } = group;
    return {
      ...shown,
      terms: termSourceIds.map((sourceId) => {
        const term = terms.find((one) => one.sourceId === sourceId);
        return { name: term?.name ?? sourceId, startsOn: term?.startsOn ?? null, endsOn: term?.endsOn ?? null };
      }),
      counts,
      /** Null: not for this reader. */
      members:
        members === null
          ? null
          : members.map(({ person, ...member }) => ({
              ...member,
              personId: person.id,
              name: nameOfPerson(person),
              identifier: person.identifier,
            })),
    };
  },
});

const sameSystem = (
  table: typeof rosterSubject | typeof rosterStream | typeof rosterSite,
  reference: typeof rosterGroup.subjectSourceId | typeof rosterGroup.streamSourceId | typeof rosterGroup.siteSourceId,
) =>
  and(
    eq(table.schoolId, rosterGroup.schoolId),
    eq(table.systemId, rosterGroup.systemId),
    eq(table.sourceId, reference),
  );
