import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rolesOfKind } from '#server/connectors/contract.ts';
import { listMark } from '#server/connectors/staged-cells.ts';
import type { Parent, Part } from '#server/protocols/oneroster/endpoints.ts';
import type { ObjectName } from '#server/protocols/oneroster/fields.ts';
import type { OneRosterVersion } from '#server/protocols/oneroster/versions.ts';
import { type Belonging, type Head, type UserText, userTexts, type Writer } from '#server/protocols/oneroster/wire.ts';
import type { GrantView } from '#server/roster/grant-view.ts';
import type { FieldSql, FieldsSql } from './conditions.ts';
import type { Reading } from './open-reading.ts';
import type { References } from './references.ts';
import { rolesOf } from './roles-of.ts';

/** An object of OneRoster as rows of the roster, under the alias `r`. Ids of the source are never told: every id is Crosswalk's own. */
export interface ObjectSql {
  readonly from: SQL;
  readonly id: SQL;
  /** With an index: the order of a list in which nothing else was asked for. */
  readonly order: SQL;
  /** Of `order`. `text`: unique within a system. `uuid`: some rows have it in common, and their ids come next. */
  readonly orderType: 'text' | 'uuid';
  readonly visible: SQL;
  readonly changedAt: SQL;
  readonly fields: FieldsSql;
  /** What `write` reads: plain columns, since JSON would be made by one side and read by the other for every row. Lists are joined. */
  columns(version: OneRosterVersion): Readonly<Record<string, SQL>>;
  /** Of a row the source's ids of people whom it refers to. */
  readonly agentsOf?: (row: unknown) => readonly string[];
  write(writer: Writer, head: Head, row: unknown, references: References): ReturnType<Writer['org' | 'user']>;
}

const text = z.string().nullable();
/** Lists come as one text: no element has the mark, by which they were parted when they were staged. */
const joined = (list: SQL): SQL => sql`array_to_string(${list}, chr(31))`;
const joinedList = z.string();
/** Nothing for an empty list: of a cell that is null there is nothing to take in. */
const joinedOrNull = (list: SQL): SQL => sql`nullif(${joined(list)}, '')`;
const parts = (list: string | null): readonly string[] => (list === null || list === '' ? [] : list.split(listMark));
/** Between lists of one text. */
const partMark = listMark + listMark;

const plain = (expression: SQL): FieldSql => ({ as: 'plain', sql: expression });
const uuid = (expression: SQL): FieldSql => ({ as: 'uuid', sql: expression });

const inSystem = ({ grant: { schoolId, systemId } }: GrantView, alias: string) =>
  sql`${sql.raw(alias)}.school_id = ${schoolId}::uuid and ${sql.raw(alias)}.system_id = ${systemId}::uuid`;

const siteId = (view: GrantView, sourceId: SQL): SQL =>
  sql`(select fo.id::text from roster_site fo where fo.source_id = ${sourceId} and ${view.sites('fo')})`;
const termId = (view: GrantView, sourceId: SQL): SQL =>
  sql`(select ft.id::text from roster_term ft where ft.source_id = ${sourceId} and ${view.terms('ft')})`;
const streamCell = (view: GrantView, column: string): SQL =>
  sql`(select ${sql.raw(`fs.${column}`)} from roster_stream fs where fs.source_id = r.stream_source_id and ${view.streams('fs')})`;

const streamFields = (view: GrantView) => ({
  'metadata.streamId': plain(streamCell(view, 'id::text')),
  'metadata.stream': plain(streamCell(view, 'code')),
  'metadata.streamName': plain(streamCell(view, 'name')),
  'metadata.programme': plain(streamCell(view, 'programme')),
  'metadata.level': plain(streamCell(view, 'level')),
  'metadata.year': plain(streamCell(view, 'year')),
});

function headFields(object: Pick<ObjectSql, 'id' | 'changedAt'>, since: Date) {
  return {
    sourcedId: uuid(object.id),
    status: plain(sql`'active'::text`),
    dateLastModified: { as: 'changed', sql: object.changedAt, notBefore: since },
  } as const;
}

const known = (ids: ReadonlyMap<string, string>, sourceId: string | null): string | null =>
  sourceId === null ? null : (ids.get(sourceId) ?? null);

/** Members of a person that go out as they rest, as JSON: PostgreSQL escapes a text as the standard of JSON wants it. */
function membersSql(version: OneRosterVersion, texts: Readonly<Record<UserText, SQL>>): SQL {
  const members = userTexts[version].map(({ name, of, required }) => {
    const cell = required ? sql`coalesce(${texts[of]}, '')` : texts[of];
    // Behind a null nothing is written at all.
    return sql`${sql.raw(`',"${name}":'`)} || to_json(${cell})::text`;
  });
  return sql`concat(${sql.join(members, sql`, `)}, ',"enabledUser":"', r.enabled::text, '","grades":', to_json(r.grades)::text)`;
}

/** The statement's side of each object. */
export const objectSql: { readonly [name in ObjectName]: (reading: Reading) => ObjectSql } = {
  org: ({ view, since }) => {
    const base = { id: sql`r.id`, changedAt: sql`r.changed_at` };
    const cells = z.object({
      name: z.string(),
      kind: z.string(),
      identifier: text,
      parent: text,
      children: joinedList,
    });
    return {
      ...base,
      from: sql`roster_site r`,
      order: sql`r.source_id`,
      orderType: 'text',
      visible: view.sites('r'),
      fields: {
        ...headFields(base, since),
        name: plain(sql`r.name`),
        type: plain(sql`r.kind`),
        identifier: plain(sql`r.identifier`),
        'parent.sourcedId': plain(siteId(view, sql`r.parent_source_id`)),
      },
      columns: () => ({
        name: sql`r.name`,
        kind: sql`r.kind`,
        identifier: sql`r.identifier`,
        parent: sql`r.parent_source_id`,
        children: joined(
          sql`array(select c.id::text from roster_site c where c.parent_source_id = r.source_id and ${view.sites('c')} order by c.source_id)`,
        ),
      }),
      write: (writer, head, row, { sites }) => {
        const { name, kind: type, identifier, parent, children } = cells.parse(row);
        const parentId = known(sites, parent);
        return writer.org(head, { name, type, identifier, parentId, childIds: parts(children) });
      },
    };
  },

  academicSession: ({ view, since }) => {
    const base = { id: sql`r.id`, changedAt: sql`r.changed_at` };
    const cells = z.object({
      title: z.string(),
      type: z.string(),
      startsOn: z.string(),
      endsOn: z.string(),
      schoolYear: text,
      parent: text,
      children: joinedList,
    });
    return {
      ...base,
      from: sql`roster_term r`,
      order: sql`r.source_id`,
      orderType: 'text',
      visible: view.terms('r'),
      fields: {
        ...headFields(base, since),
        title: plain(sql`r.name`),
        type: plain(sql`r.kind`),
        startDate: plain(sql`r.starts_on`),
        endDate: plain(sql`r.ends_on`),
        schoolYear: plain(sql`coalesce(r.school_year, left(r.ends_on, 4))`),
        'parent.sourcedId': plain(termId(view, sql`r.parent_source_id`)),
      },
      columns: () => ({
        title: sql`r.name`,
        type: sql`r.kind`,
        startsOn: sql`r.starts_on::text`,
        endsOn: sql`r.ends_on::text`,
        schoolYear: sql`r.school_year`,
        parent: sql`r.parent_source_id`,
        children: joined(
          sql`array(select c.id::text from roster_term c where c.parent_source_id = r.source_id and ${view.terms('c')} order by c.source_id)`,
        ),
      }),
      write: (writer, head, row, { terms }) => {
        const { parent, children, ...told } = cells.parse(row);
        const parentId = known(terms, parent);
        return writer.academicSession(head, { ...told, parentId, childIds: parts(children) });
      },
    };
  },

  course: ({ view, since }) => {
    const base = { id: sql`r.id`, changedAt: sql`r.changed_at` };
    const cells = z.object({
      title: z.string(),
      courseCode: text,
      grades: joinedList,
      subjects: joinedList,
      subjectCodes: joinedList,
      site: text,
      year: text,
    });
    return {
      ...base,
      from: sql`roster_subject r`,
      order: sql`r.source_id`,
      orderType: 'text',
      visible: view.subjects('r'),
      fields: {
        ...headFields(base, since),
        title: plain(sql`r.title`),
        courseCode: plain(sql`r.course_code`),
        grades: plain(sql`r.grades`),
        subjects: plain(sql`r.subjects`),
        subjectCodes: plain(sql`r.subject_codes`),
        'org.sourcedId': plain(siteId(view, sql`r.site_source_id`)),
        'schoolYear.sourcedId': plain(termId(view, sql`r.school_year_source_id`)),
      },
      columns: () => ({
        title: sql`r.title`,
        courseCode: sql`r.course_code`,
        grades: joined(sql`r.grades`),
        subjects: joined(sql`r.subjects`),
        subjectCodes: joined(sql`r.subject_codes`),
        site: sql`r.site_source_id`,
        year: sql`r.school_year_source_id`,
      }),
      write: (writer, head, row, { sites, terms }) => {
        const { title, courseCode, grades, subjects, subjectCodes, site, year } = cells.parse(row);
        return writer.course(head, {
          title,
          courseCode,
          grades: parts(grades),
          subjects: parts(subjects),
          subjectCodes: parts(subjectCodes),
          orgId: known(sites, site),
          schoolYearId: known(terms, year),
        });
      },
    };
  },

  class: ({ view, since }) => {
    const base = { id: sql`r.id`, changedAt: sql`r.changed_at` };
    const course = sql`(select fc.id::text from roster_subject fc where fc.source_id = r.subject_source_id and ${view.subjects('fc')})`;
    const cells = z.object({
      title: z.string(),
      classCode: text,
      kind: z.string(),
      grades: joinedList,
      subjects: joinedList,
      courseId: text,
      site: text,
      terms: joinedList,
      stream: text,
    });
    return {
      ...base,
      from: sql`roster_group r`,
      order: sql`r.source_id`,
      orderType: 'text',
      visible: view.groups('r'),
      fields: {
        ...headFields(base, since),
        ...streamFields(view),
        title: plain(sql`r.title`),
        classCode: plain(sql`r.code`),
        classType: plain(sql`case r.kind when 'class' then 'homeroom' else 'scheduled' end`),
        grades: plain(sql`r.grades`),
        subjects: plain(sql`r.subjects`),
        'course.sourcedId': plain(course),
        'school.sourcedId': plain(siteId(view, sql`r.site_source_id`)),
        'terms.sourcedId': plain(
          sql`array(select ft.id::text from roster_term ft where ft.source_id = any(r.term_source_ids) and ${view.terms('ft')})`,
        ),
      },
      columns: () => ({
        title: sql`r.title`,
        classCode: sql`r.code`,
        kind: sql`r.kind`,
        grades: joined(sql`r.grades`),
        subjects: joined(sql`r.subjects`),
        courseId: course,
        site: sql`r.site_source_id`,
        terms: joined(sql`r.term_source_ids`),
        stream: sql`r.stream_source_id`,
      }),
      write: (writer, head, row, { sites, terms, streams }) => {
        const { title, classCode, kind, grades, subjects, courseId, site, terms: sessions, stream } = cells.parse(row);
        return writer.class(head, {
          title,
          classCode,
          isHomeroom: kind === 'class',
          grades: parts(grades),
          subjects: parts(subjects),
          courseId,
          schoolId: known(sites, site),
          termIds: parts(sessions).flatMap((source) => terms.get(source) ?? []),
          stream: stream === null ? null : (streams.get(stream) ?? null),
        });
      },
    };
  },

  user: ({ view, since }) => {
    const base = { id: sql`r.id`, changedAt: view.personChangedAt('r') };
    const kinds = view.personKinds;
    const roleWords: readonly string[] = kinds.flatMap((kind) =>
      Object.entries(rolesOfKind).flatMap(([name, words]) => (name === kind ? [...words] : [])),
    );
    const among = (words: readonly string[]) =>
      sql`array(select jsonb_array_elements_text(${JSON.stringify(words)}::jsonb))`;
    const ofRoles = sql`case when cardinality(r.roles) = 0 then array(select k from unnest(r.kinds) as k where k = any(${among(kinds)}))
      else array(select split_part(role, '|', 1) from unnest(r.roles) as role where split_part(role, '|', 1) = any(${among(roleWords)})) end`;
    const ofSites = sql`array(select fo.id::text from roster_site fo
      where (fo.source_id = any(r.site_source_ids) or fo.source_id = r.primary_site_source_id) and ${view.sites('fo')})`;
    // Guardians and children lead to one another where both may be told.
    const agents = view.has('roster.guardians') ? sql`r.agent_source_ids` : sql`'{}'::text[]`;
    const agentIds = sql`array(select fa.id::text from roster_person fa where ${inSystem(view, 'fa')} and fa.source_id = any(${agents}) and ${view.people('fa')})`;
    const number = (column: SQL) => view.toldWith('r', ['identifier'], column, sql`null::text`);
    const userIds = view.toldWith('r', ['identifier', 'email', 'username'], sql`r.user_ids`, sql`'{}'::text[]`);
    const cells = z.object({
      members: z.string(),
      belonging: z.string(),
      userIds: text,
      agents: text,
      stream: text,
    });
    // Of nobody kept longer than the page: an entry for each way of belonging that occurs in it.
    const belongings = new Map<string, Belonging>();
    const belongingOf = (told: string, references: References): Belonging => {
      const [own = '', roles = '', ...site] = told.split(partMark);
      const ofPerson = parts(own);
      const kind = kinds.find((one) => ofPerson.includes(one)) ?? '';
      const primarySite = site.join(partMark);
      return {
        roles: rolesOf({ told: parts(roles), words: roleWords, kind, primarySite }, references),
        kind,
        primaryOrgId: known(references.sites, primarySite),
      };
    };
    const agentsOnly = cells.pick({ agents: true });
    const texts: Readonly<Record<UserText, SQL>> = {
      username: view.personCell('r', 'username'),
      givenName: sql`coalesce(r.given_name, r.preferred_given_name)`,
      familyName: sql`coalesce(r.family_name, r.preferred_family_name)`,
      middleName: sql`r.middle_name`,
      preferredGivenName: sql`r.preferred_given_name`,
      preferredFamilyName: sql`r.preferred_family_name`,
      pronouns: sql`r.pronouns`,
      identifier: number(sql`r.identifier`),
      masterIdentifier: number(sql`r.master_identifier`),
      email: view.personCell('r', 'email'),
      sms: view.personCell('r', 'sms'),
      phone: view.personCell('r', 'phone'),
    };
    return {
      ...base,
      from: sql`roster_person r`,
      order: sql`r.source_id`,
      orderType: 'text',
      visible: view.people('r'),
      fields: {
        ...headFields(base, since),
        ...streamFields(view),
        username: plain(view.toldWith('r', ['username'], sql`r.username_folded`, sql`null::text`)),
        enabledUser: plain(sql`r.enabled`),
        givenName: plain(sql`coalesce(${texts.givenName}, '')`),
        familyName: plain(sql`coalesce(${texts.familyName}, '')`),
        middleName: plain(texts.middleName),
        preferredFirstName: plain(texts.preferredGivenName),
        preferredLastName: plain(texts.preferredFamilyName),
        pronouns: plain(texts.pronouns),
        identifier: plain(texts.identifier),
        userMasterIdentifier: plain(texts.masterIdentifier),
        email: plain(view.toldWith('r', ['email'], sql`r.email_folded`, sql`null::text`)),
        sms: plain(texts.sms),
        phone: plain(texts.phone),
        grades: plain(sql`r.grades`),
        role: plain(ofRoles),
        'roles.role': plain(ofRoles),
        'orgs.sourcedId': plain(ofSites),
        'roles.org.sourcedId': plain(ofSites),
        'primaryOrg.sourcedId': plain(siteId(view, sql`r.primary_site_source_id`)),
        'agents.sourcedId': plain(agentIds),
      },
      columns: (version) => ({
        members: membersSql(version, texts),
        // One text for what very many have in common. Within a list no two marks follow one another.
        belonging: sql`concat(${joined(sql`r.kinds`)}, ${partMark}::text, ${joined(sql`r.roles`)}, ${partMark}::text, r.primary_site_source_id)`,
        userIds: joinedOrNull(userIds),
        agents: joinedOrNull(agents),
        stream: sql`r.stream_source_id`,
      }),
      ...(view.has('roster.guardians') ? { agentsOf: (row) => parts(agentsOnly.parse(row).agents) } : {}),
      write: (writer, head, row, references) => {
        const { members, belonging: told, userIds: ids, agents: sources, stream } = cells.parse(row);
        const belonging = belongings.get(told) ?? belongingOf(told, references);
        belongings.set(told, belonging);
        return writer.user(head, {
          members,
          belonging,
          userIds: parts(ids),
          agentIds: parts(sources).flatMap((source) => references.agents.get(source) ?? []),
          stream: stream === null ? null : (references.streams.get(stream) ?? null),
        });
      },
    };
  },

  enrollment: ({ view, since }) => {
    // What brings its group or its person into the grant brings it too.
    const base = { id: sql`r.id`, changedAt: sql`greatest(r.changed_at, g.changed_at, p.changed_at)` };
    const cells = z.object({
      userId: z.string(),
      classId: z.string(),
      site: text,
      role: z.string(),
      isPrimary: z.boolean().nullable(),
      beginsOn: text,
      endsOn: text,
    });
    return {
      ...base,
      from: sql`roster_enrolment r join roster_group g on g.id = r.group_id join roster_person p on p.id = r.person_id`,
      order: sql`r.group_id`,
      orderType: 'uuid',
      visible: view.enrolmentsJoined('r', 'g', 'p'),
      fields: {
        ...headFields(base, since),
        role: plain(sql`r.role`),
        primary: plain(sql`r.is_primary`),
        beginDate: plain(sql`r.begins_on::text`),
        endDate: plain(sql`r.ends_on::text`),
        'user.sourcedId': uuid(sql`r.person_id`),
        'class.sourcedId': uuid(sql`r.group_id`),
        'school.sourcedId': plain(siteId(view, sql`g.site_source_id`)),
      },
      columns: () => ({
        userId: sql`r.person_id`,
        classId: sql`r.group_id`,
        site: sql`g.site_source_id`,
        role: sql`r.role`,
        isPrimary: sql`r.is_primary`,
        beginsOn: sql`r.begins_on::text`,
        endsOn: sql`r.ends_on::text`,
      }),
      write: (writer, head, row, { sites }) => {
        const { site, ...told } = cells.parse(row);
        return writer.enrollment(head, { ...told, schoolId: known(sites, site) });
      },
    };
  },

  demographics: ({ view, since }) => {
    const base = { id: sql`r.person_id`, changedAt: sql`greatest(r.changed_at, p.changed_at)` };
    const birthDate = view.leavesOut('roster.demographics', 'birth_date') ? sql`null::date` : sql`r.birth_date`;
    const race = (name: string) => plain(sql`${name}::text = any(r.races)`);
    const cells = z.object({
      birthDate: text,
      sex: text,
      races: joinedList,
      countryOfBirth: text,
      stateOfBirth: text,
      cityOfBirth: text,
      publicSchoolResidence: text,
    });
    return {
      ...base,
      from: sql`roster_demographics r join roster_person p on p.id = r.person_id`,
      order: sql`r.source_id`,
      orderType: 'text',
      visible: view.demographics('r'),
      fields: {
        ...headFields(base, since),
        birthDate: plain(sql`${birthDate}::text`),
        sex: plain(sql`r.sex`),
        americanIndianOrAlaskaNative: race('americanIndianOrAlaskaNative'),
        asian: race('asian'),
        blackOrAfricanAmerican: race('blackOrAfricanAmerican'),
        nativeHawaiianOrOtherPacificIslander: race('nativeHawaiianOrOtherPacificIslander'),
        white: race('white'),
        demographicRaceTwoOrMoreRaces: race('demographicRaceTwoOrMoreRaces'),
        hispanicOrLatinoEthnicity: race('hispanicOrLatinoEthnicity'),
        countryOfBirthCode: plain(sql`r.country_of_birth`),
        stateOfBirthAbbreviation: plain(sql`r.state_of_birth`),
        cityOfBirth: plain(sql`r.city_of_birth`),
        publicSchoolResidenceStatus: plain(sql`r.public_school_residence`),
      },
      columns: () => ({
        birthDate: sql`${birthDate}::text`,
        sex: sql`r.sex`,
        races: joined(sql`r.races`),
        countryOfBirth: sql`r.country_of_birth`,
        stateOfBirth: sql`r.state_of_birth`,
        cityOfBirth: sql`r.city_of_birth`,
        publicSchoolResidence: sql`r.public_school_residence`,
      }),
      write: (writer, head, row) => {
        const { races, ...told } = cells.parse(row);
        return writer.demographics(head, { ...told, races: parts(races) });
      },
    };
  },
};

/** Of a collection the part that an endpoint is about. */
export function partSql({ view }: Reading, part: Part | null): SQL {
  switch (part) {
    case null:
      return sql`true`;
    case 'student':
    case 'teacher':
      return view.peopleOfKind('r', part);
    default:
      return sql`r.kind = ${part}`;
  }
}

/** That a row of the object belongs to a parent, whose id is known to be one of the grant's. */
export function withinSql({ view }: Reading, object: ObjectName, part: Part | null, parent: Parent, id: string): SQL {
  const placed = (alias: string) =>
    sql`exists (select 1 from roster_site s where s.id = ${id}::uuid and s.source_id = ${sql.raw(alias)}.site_source_id and ${view.sites('s')})`;
  switch (parent) {
    case 'school':
      if (object === 'class') return placed('r');
      if (object === 'course') {
        // A course of the whole district is given where a group follows it.
        return sql`(${placed('r')} or exists (select 1 from roster_group pg where pg.subject_source_id = r.source_id and ${view.groups('pg')} and ${placed('pg')}))`;
      }
      if (object === 'enrollment') return placed('g');
      if (object === 'academicSession') {
        return sql`exists (select 1 from roster_group pg where r.source_id = any(pg.term_source_ids) and ${view.groups('pg')} and ${placed('pg')})`;
      }
      return sql`exists (select 1 from roster_site s where s.id = ${id}::uuid and ${view.sites('s')}
        and (s.source_id = any(r.site_source_ids) or s.source_id = r.primary_site_source_id))`;
    case 'term':
      return object === 'class'
        ? sql`exists (select 1 from roster_term t where t.id = ${id}::uuid and t.source_id = any(r.term_source_ids) and ${view.terms('t')})`
        : sql`exists (select 1 from roster_term t where t.id = ${id}::uuid and t.source_id = r.parent_source_id and ${view.terms('t')})`;
    case 'course':
      return sql`exists (select 1 from roster_subject c where c.id = ${id}::uuid and c.source_id = r.subject_source_id and ${view.subjects('c')})`;
    case 'class':
      if (object === 'enrollment') return sql`r.group_id = ${id}::uuid`;
      return sql`r.id in (select e.person_id from roster_enrolment e join roster_group eg on eg.id = e.group_id join roster_person ep on ep.id = e.person_id
        where e.group_id = ${id}::uuid and e.role = ${part ?? ''} and ${view.enrolmentsJoined('e', 'eg', 'ep')})`;
    case 'user':
    case 'student':
    case 'teacher':
      return sql`r.id in (select e.group_id from roster_enrolment e join roster_group eg on eg.id = e.group_id join roster_person ep on ep.id = e.person_id
        where e.person_id = ${id}::uuid ${parent === 'user' ? sql`` : sql`and e.role = ${parent}`} and ${view.enrolmentsJoined('e', 'eg', 'ep')})`;
  }
}

/** Whether a parent is in the grant. */
export function parentSql({ view }: Reading, parent: Parent, id: string): SQL {
  const row = (table: string, visible: SQL) =>
    sql`select 1 from ${sql.raw(table)} r where r.id = ${id}::uuid and ${visible}`;
  switch (parent) {
    case 'school':
      return row('roster_site', sql`r.kind = 'school' and ${view.sites('r')}`);
    case 'term':
      return row('roster_term', view.terms('r'));
    case 'course':
      return row('roster_subject', view.subjects('r'));
    case 'class':
      return row('roster_group', view.groups('r'));
    case 'user':
      return row('roster_person', view.people('r'));
    case 'student':
    case 'teacher':
      return row('roster_person', view.peopleOfKind('r', parent));
  }
}
