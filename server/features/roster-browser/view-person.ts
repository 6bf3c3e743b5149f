import { and, asc, desc, eq, inArray, isNull, or } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import {
  appUser,
  rosterChange,
  rosterDemographics,
  rosterEnrolment,
  rosterFetch,
  rosterGroup,
  rosterPerson,
  rosterPersonAlias,
  rosterStream,
  rosterSubject,
  rosterTerm,
  system,
  withheldPerson,
} from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { fieldChanges } from './field-changes.ts';
import { grantsReaching } from './grants-reaching.ts';
import { siteNames } from './list-people.ts';
import { nameOfPerson } from './record-names.ts';
import { peopleAccess } from './who-sees-people.ts';

/** Enrolments and changes of one person that a page shows; more than a life at a school brings. */
const mostEnrolments = 300;
const mostChanges = 100;

const text = (value: string | null) => (value === null || value === '' ? [] : [value]);

/**
 * One person whole, as kept, and who can see him: each live grant with the fields of him that it gives and when it was last supplied; his
 * groups, his guardians (or whose guardian he is) and what changed.
 * @throws CrosswalkError `not-found`
 */
export const viewPerson = defineVerb({
  name: 'data.person',
  kind: 'query',
  access: peopleAccess,
  input: z.object({ schoolId: idSchema, personId: idSchema }),
  run: async ({ ctx, tx, input: { schoolId, personId } }) => {
    const [person] = await tx
      .select()
      .from(rosterPerson)
      .where(and(eq(rosterPerson.schoolId, schoolId), eq(rosterPerson.id, personId)));
    if (person === undefined) throw new CrosswalkError('not-found');
    const of = { schoolId, systemId: person.systemId };
    const [source] = await tx
      .select({ name: system.name })
      .from(system)
      .where(and(eq(system.schoolId, schoolId), eq(system.id, person.systemId)));
    const aliases = await tx
      .select({ sourceId: rosterPersonAlias.sourceId })
      .from(rosterPersonAlias)
      .where(and(eq(rosterPersonAlias.schoolId, schoolId), eq(rosterPersonAlias.personId, personId)))
      .orderBy(asc(rosterPersonAlias.sourceId));
    const [demographics] = await tx
      .select()
      .from(rosterDemographics)
      .where(and(eq(rosterDemographics.schoolId, schoolId), eq(rosterDemographics.personId, personId)));
    const [stream] =
      person.streamSourceId === null
        ? []
        : await tx
            .select({ name: rosterStream.name })
            .from(rosterStream)
            .where(and(inSystem(rosterStream, of), eq(rosterStream.sourceId, person.streamSourceId)));
    const enrolments = await enrolmentsOf(tx, of, personId);
    const relatives = await tx
      .select()
      .from(rosterPerson)
      .where(and(inSystem(rosterPerson, of), inArray(rosterPerson.sourceId, person.agentSourceIds)));
    const [withheld] = await tx
      .select({ reason: withheldPerson.reason, at: withheldPerson.withheldAt, by: appUser.name })
      .from(withheldPerson)
      .leftJoin(appUser, eq(appUser.id, withheldPerson.withheldBy))
      .where(
        and(
          inSystem(withheldPerson, of),
          eq(withheldPerson.sourceId, person.sourceId),
          isNull(withheldPerson.releasedAt),
        ),
      );
    const [fetched] = await tx
      .select({ at: rosterFetch.seenAt })
      .from(rosterFetch)
      .where(
        and(
          eq(rosterFetch.schoolId, schoolId),
          eq(rosterFetch.systemId, person.systemId),
          inArray(rosterFetch.collection, ['students', 'teachers', 'guardians', 'people']),
        ),
      )
      .orderBy(desc(rosterFetch.seenAt))
      .limit(1);
    const sites = await siteNames(tx, schoolId, person.siteSourceIds);
    const siteName = (sourceId: string) => sites.get(`${person.systemId} ${sourceId}`) ?? sourceId;

    // Each as the page shows it; what is not kept is not there.
    const fields = [
      ['given_name', text(person.givenName)],
      ['middle_name', text(person.middleName)],
      ['family_name', text(person.familyName)],
      ['preferred_given_name', text(person.preferredGivenName)],
      ['preferred_family_name', text(person.preferredFamilyName)],
      ['pronouns', text(person.pronouns)],
      ['identifier', text(person.identifier)],
      ['master_identifier', text(person.masterIdentifier)],
      ['username', text(person.username)],
      ['email', text(person.email)],
      ['phone', text(person.phone)],
      ['sms', text(person.sms)],
      ['grades', person.grades],
      ['user_ids', person.userIds],
      ['site_source_ids', person.siteSourceIds.map(siteName)],
      ['roles', person.roles.map((role) => rolesInWords(role, siteName))],
      ['stream_source_id', text(stream?.name ?? person.streamSourceId)],
    ] as const;
    const about =
      demographics === undefined
        ? []
        : ([
            ['birth_date', text(demographics.birthDate)],
            ['sex', text(demographics.sex)],
            ['races', demographics.races],
            ['country_of_birth', text(demographics.countryOfBirth)],
            ['state_of_birth', text(demographics.stateOfBirth)],
            ['city_of_birth', text(demographics.cityOfBirth)],
            ['public_school_residence', text(demographics.publicSchoolResidence)],
          ] as const);
    const kept = fields.filter(([, values]) => values.length > 0);
    const keptAbout = about.filter(([, values]) => values.length > 0);
    const names = kept.map(([field]) => field);
    const held: Record<string, readonly string[]> = {
      'roster.students': names,
      'roster.teachers': names,
      'roster.guardians': names,
      'roster.demographics': keptAbout.map(([field]) => field),
      'roster.groups': enrolments.some(({ kind, goneAt }) => kind === 'group' && goneAt === null) ? ['enrolments'] : [],
      'roster.classes': enrolments.some(({ kind, goneAt }) => kind === 'class' && goneAt === null)
        ? ['enrolments']
        : [],
    };
    const now = ctx.clock.now();
    const here = enrolments.filter(({ goneAt }) => goneAt === null);
    const grants = await grantsReaching(
      tx,
      {
        ...of,
        kinds: person.kinds.length === 0 ? [person.kind] : person.kinds,
        siteSourceIds:
          person.primarySiteSourceId === null
            ? person.siteSourceIds
            : [...person.siteSourceIds, person.primarySiteSourceId],
        groups: new Set(here.flatMap(({ groupId, groupSourceId }) => [groupId, groupSourceId])),
        subjects: new Set(
          here.flatMap(({ subjectId, subjectSourceId }) => [subjectId ?? [], subjectSourceId ?? []].flat()),
        ),
        streams: new Set(
          [...here.flatMap(({ streamId, streamSourceId }) => [streamId, streamSourceId]), person.streamSourceId].filter(
            (id) => id !== null,
          ),
        ),
        held,
      },
      now,
    );
    return {
      id: person.id,
      name: nameOfPerson(person),
      kind: person.kind,
      kinds: person.kinds,
      enabled: person.enabled,
      systemId: person.systemId,
      systemName: source?.name ?? '',
      sourceId: person.sourceId,
      aliases: aliases.map(({ sourceId }) => sourceId),
      sourceModifiedAt: person.sourceModifiedAt,
      firstSeenAt: person.firstSeenAt,
      lastSeenAt: person.lastSeenAt ?? fetched?.at ?? person.firstSeenAt,
      missedFetches: person.missedFetches,
      goneAt: person.goneAt,
      withheld: withheld ?? null,
      fields: kept.map(([field, values]) => ({ field, values: [...values] })),
      demographics: keptAbout.map(([field, values]) => ({ field, values: [...values] })),
      grants,
      enrolments: enrolments.map(({ subjectId: _s, streamId: _t, streamSourceId: _u, ...enrolment }) => enrolment),
      /** Of a student his guardians, of a guardian his students; who is not kept has no name. */
      relatives: person.agentSourceIds.map((sourceId) => {
        const relative = relatives.find((row) => row.sourceId === sourceId);
        return {
          sourceId,
          id: relative?.id ?? null,
          name: relative === undefined ? null : nameOfPerson(relative),
          kind: relative?.kind ?? null,
          goneAt: relative?.goneAt ?? null,
        };
      }),
      changes: await changesOf(tx, of, [personId, ...(demographics === undefined ? [] : [demographics.id])]),
    };
  },
});

/** "student, primary, Noord, from 2026-08-01". */
function rolesInWords(role: string, siteName: (sourceId: string) => string): string {
  const [word = '', type = '', siteSourceId = '', begins = '', ends = ''] = role.split('|');
  const days = [begins, ends].some((day) => day !== '') ? `${begins} – ${ends}`.trim() : '';
  return [word, type, siteSourceId === '' ? '' : siteName(siteSourceId), days].filter((part) => part !== '').join(', ');
}

interface InSystem {
  readonly schoolId: typeof rosterPerson.schoolId | typeof rosterStream.schoolId | typeof withheldPerson.schoolId;
  readonly systemId: typeof rosterPerson.systemId | typeof rosterStream.systemId | typeof withheldPerson.systemId;
}
const inSystem = (table: InSystem, of: { schoolId: string; systemId: string }) =>
  and(eq(table.schoolId, of.schoolId), eq(table.systemId, of.systemId));

async function enrolmentsOf(tx: Tx, of: { schoolId: string; systemId: string }, personId: string) {
  const rows = await tx
    .select({
      id: rosterEnrolment.id,
      role: rosterEnrolment.role,
      isPrimary: rosterEnrolment.isPrimary,
      beginsOn: rosterEnrolment.beginsOn,
      endsOn: rosterEnrolment.endsOn,
      goneAt: rosterEnrolment.goneAt,
      groupId: rosterGroup.id,
      groupSourceId: rosterGroup.sourceId,
      kind: rosterGroup.kind,
      title: rosterGroup.title,
      subjectId: rosterSubject.id,
      subjectSourceId: rosterGroup.subjectSourceId,
      subjectName: rosterSubject.title,
      streamId: rosterStream.id,
      streamSourceId: rosterGroup.streamSourceId,
      termSourceIds: rosterGroup.termSourceIds,
    })
    .from(rosterEnrolment)
    .innerJoin(rosterGroup, eq(rosterGroup.id, rosterEnrolment.groupId))
    .leftJoin(rosterSubject, and(inSystemOf(rosterSubject), eq(rosterSubject.sourceId, rosterGroup.subjectSourceId)))
    .leftJoin(rosterStream, and(inSystemOf(rosterStream), eq(rosterStream.sourceId, rosterGroup.streamSourceId)))
    .where(and(eq(rosterEnrolment.schoolId, of.schoolId), eq(rosterEnrolment.personId, personId)))
    .orderBy(asc(rosterEnrolment.goneAt), asc(rosterGroup.title), asc(rosterEnrolment.id))
    .limit(mostEnrolments);
  const termIds = [...new Set(rows.flatMap((row) => row.termSourceIds))];
  const terms = await tx
    .select({ sourceId: rosterTerm.sourceId, name: rosterTerm.name })
    .from(rosterTerm)
    .where(
      and(
        eq(rosterTerm.schoolId, of.schoolId),
        eq(rosterTerm.systemId, of.systemId),
        inArray(rosterTerm.sourceId, termIds),
      ),
    );
  const termName = new Map(terms.map(({ sourceId, name }) => [sourceId, name]));
  return rows.map(({ termSourceIds, ...row }) => ({
    ...row,
    terms: termSourceIds.map((sourceId) => termName.get(sourceId) ?? sourceId),
  }));
}

const inSystemOf = (table: typeof rosterSubject | typeof rosterStream) =>
  and(eq(table.schoolId, rosterGroup.schoolId), eq(table.systemId, rosterGroup.systemId));

async function changesOf(tx: Tx, of: { schoolId: string; systemId: string }, ids: readonly string[]) {
  const rows = await tx
    .select()
    .from(rosterChange)
    .where(and(eq(rosterChange.schoolId, of.schoolId), or(...ids.map((id) => eq(rosterChange.recordId, id)))))
    .orderBy(desc(rosterChange.seq))
    .limit(mostChanges);
  const fields = await fieldChanges(tx, of, rows);
  return rows.map((row, index) => ({
    id: String(row.seq),
    at: row.at,
    kind: row.kind,
    syncRunId: row.syncRunId,
    /** Named even where what stood in them is no longer kept. */
    names: row.fields,
    fields: fields[index] ?? [],
  }));
}
