import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rolesOfKind } from '#server/connectors/contract.ts';
import type { Parent, Part } from '#server/protocols/oneroster/endpoints.ts';
import type { ObjectName } from '#server/protocols/oneroster/fields.ts';
import type { Head, Writer } from '#server/protocols/oneroster/wire.ts';
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
  /** What `write` reads, as elements of a JSON array. */
  readonly cells: readonly SQL[];
  /** Of the cells the source's ids of people whom they refer to. */
  readonly agentsOf?: (cells: readonly unknown[]) => readonly string[];
  write(writer: Writer, head: Head, cells: readonly unknown[], references: References): Record<string, unknown>;
}

const text = z.string().nullable();
const list = z.array(z.string());

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

/** The statement's side of each object. */
export const objectSql: { readonly [name in ObjectName]: (reading: Reading) => ObjectSql } = {
  org: ({ view, since }) => {
    const base = { id: sql`r.id`, changedAt: sql`r.changed_at` };
    const cells = z.tuple([z.string(), z.string(), text, text, list]);
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
      cells: [
        sql`r.name`,
        sql`r.kind`,
        sql`r.identifier`,
        sql`r.parent_source_id`,
        sql`array(select c.id::text from roster_site c where c.parent_source_id = r.source_id and ${view.sites('c')} order by c.source_id)`,
      ],
      write: (writer, head, row, { sites }) => {
        const [name, type, identifier, parent, childIds] = cells.parse(row);
        return writer.org(head, { name, type, identifier, parentId: known(sites, parent), childIds });
      },
    };
  },

  academicSession: ({ view, since }) => {
    const base = { id: sql`r.id`, changedAt: sql`r.changed_at` };
    const cells = z.tuple([z.string(), z.string(), z.string(), z.string(), text, text, list]);
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
      cells: [
        sql`r.name`,
        sql`r.kind`,
        sql`r.starts_on`,
        sql`r.ends_on`,
        sql`r.school_year`,
        sql`r.parent_source_id`,
        sql`array(select c.id::text from roster_term c where c.parent_source_id = r.source_id and ${view.terms('c')} order by c.source_id)`,
      ],
      write: (writer, head, row, { terms }) => {
        const [title, type, startsOn, endsOn, schoolYear, parent, childIds] = cells.parse(row);
        const parentId = known(terms, parent);
        return writer.academicSession(head, { title, type, startsOn, endsOn, schoolYear, parentId, childIds });
      },
    };
  },

  course: ({ view, since }) => {
    const base = { id: sql`r.id`, changedAt: sql`r.changed_at` };
    const cells = z.tuple([z.string(), text, list, list, list, text, text]);
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
      cells: [
        sql`r.title`,
        sql`r.course_code`,
        sql`r.grades`,
        sql`r.subjects`,
        sql`r.subject_codes`,
        sql`r.site_source_id`,
        sql`r.school_year_source_id`,
      ],
      write: (writer, head, row, { sites, terms }) => {
        const [title, courseCode, grades, subjects, subjectCodes, site, year] = cells.parse(row);
        return writer.course(head, {
          title,
          courseCode,
          grades,
          subjects,
          subjectCodes,
          orgId: known(sites, site),
          schoolYearId: known(terms, year),
        });
      },
    };
  },

  class: ({ view, since }) => {
    const base = { id: sql`r.id`, changedAt: sql`r.changed_at` };
    const course = sql`(select fc.id::text from roster_subject fc where fc.source_id = r.subject_source_id and ${view.subjects('fc')})`;
    const cells = z.tuple([z.string(), text, z.string(), list, list, text, text, list, text]);
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
      cells: [
        sql`r.title`,
        sql`r.code`,
        sql`r.kind`,
        sql`r.grades`,
        sql`r.subjects`,
        course,
        sql`r.site_source_id`,
        sql`r.term_source_ids`,
        sql`r.stream_source_id`,
      ],
      write: (writer, head, row, { sites, terms, streams }) => {
        const [title, classCode, kind, grades, subjects, courseId, site, termSources, stream] = cells.parse(row);
        return writer.class(head, {
          title,
          classCode,
          isHomeroom: kind === 'class',
          grades,
          subjects,
          courseId,
          schoolId: known(sites, site),
          termIds: termSources.flatMap((source) => terms.get(source) ?? []),
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
    const cells = z.tuple([
      list,
      list,
      z.boolean(),
      text,
      text,
      text,
      text,
      text,
      text,
      text,
      text,
      text,
      text,
      text,
      text,
      list,
      list,
      list,
      text,
      text,
    ]);
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
        givenName: plain(sql`coalesce(r.given_name, r.preferred_given_name, '')`),
        familyName: plain(sql`coalesce(r.family_name, r.preferred_family_name, '')`),
        middleName: plain(sql`r.middle_name`),
        preferredFirstName: plain(sql`r.preferred_given_name`),
        preferredLastName: plain(sql`r.preferred_family_name`),
        pronouns: plain(sql`r.pronouns`),
        identifier: plain(number(sql`r.identifier`)),
        userMasterIdentifier: plain(number(sql`r.master_identifier`)),
        email: plain(view.toldWith('r', ['email'], sql`r.email_folded`, sql`null::text`)),
        sms: plain(view.personCell('r', 'sms')),
        phone: plain(view.personCell('r', 'phone')),
        grades: plain(sql`r.grades`),
        role: plain(ofRoles),
        'roles.role': plain(ofRoles),
        'orgs.sourcedId': plain(ofSites),
        'roles.org.sourcedId': plain(ofSites),
        'primaryOrg.sourcedId': plain(siteId(view, sql`r.primary_site_source_id`)),
        'agents.sourcedId': plain(agentIds),
      },
      cells: [
        sql`r.kinds`,
        sql`r.roles`,
        sql`r.enabled`,
        view.personCell('r', 'username'),
        sql`r.given_name`,
        sql`r.family_name`,
        sql`r.middle_name`,
        sql`r.preferred_given_name`,
        sql`r.preferred_family_name`,
        sql`r.pronouns`,
        number(sql`r.identifier`),
        number(sql`r.master_identifier`),
        view.personCell('r', 'email'),
        view.personCell('r', 'sms'),
        view.personCell('r', 'phone'),
        sql`r.grades`,
        userIds,
        agents,
        sql`r.primary_site_source_id`,
        sql`r.stream_source_id`,
      ],
      ...(view.has('roster.guardians') ? { agentsOf: (row) => list.parse(row[17]) } : {}),
      write: (writer, head, row, references) => {
        const [ofPerson, told, enabled, username, givenName, familyName, middleName, ...rest] = cells.parse(row);
        const [preferredGivenName, preferredFamilyName, pronouns, identifier, masterIdentifier, ...more] = rest;
        const [email, sms, phone, grades, ids, agentSources, primarySite, stream] = more;
        const kind = kinds.find((one) => ofPerson.includes(one)) ?? '';
        return writer.user(head, {
          roles: rolesOf({ told, words: roleWords, kind, primarySite }, references),
          kind,
          enabled,
          username,
          givenName,
          familyName,
          middleName,
          preferredGivenName,
          preferredFamilyName,
          pronouns,
          identifier,
          masterIdentifier,
          email,
          sms,
          phone,
          grades,
          userIds: ids,
          agentIds: agentSources.flatMap((source) => references.agents.get(source) ?? []),
          primaryOrgId: known(references.sites, primarySite),
          stream: stream === null ? null : (references.streams.get(stream) ?? null),
        });
      },
    };
  },

  enrollment: ({ view, since }) => {
    // What brings its group or its person into the grant brings it too.
    const base = { id: sql`r.id`, changedAt: sql`greatest(r.changed_at, g.changed_at, p.changed_at)` };
    const cells = z.tuple([z.string(), z.string(), text, z.string(), z.boolean().nullable(), text, text]);
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
      cells: [
        sql`r.person_id`,
        sql`r.group_id`,
        sql`g.site_source_id`,
        sql`r.role`,
        sql`r.is_primary`,
        sql`r.begins_on`,
        sql`r.ends_on`,
      ],
      write: (writer, head, row, { sites }) => {
        const [userId, classId, site, role, isPrimary, beginsOn, endsOn] = cells.parse(row);
        const schoolId = known(sites, site);
        return writer.enrollment(head, { userId, classId, schoolId, role, isPrimary, beginsOn, endsOn });
      },
    };
  },

  demographics: ({ view, since }) => {
    const base = { id: sql`r.person_id`, changedAt: sql`greatest(r.changed_at, p.changed_at)` };
    const birthDate = view.leavesOut('roster.demographics', 'birth_date') ? sql`null::date` : sql`r.birth_date`;
    const race = (name: string) => plain(sql`${name}::text = any(r.races)`);
    const cells = z.tuple([text, text, list, text, text, text, text]);
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
      cells: [
        birthDate,
        sql`r.sex`,
        sql`r.races`,
        sql`r.country_of_birth`,
        sql`r.state_of_birth`,
        sql`r.city_of_birth`,
        sql`r.public_school_residence`,
      ],
      write: (writer, head, row) => {
        const [born, sex, races, countryOfBirth, stateOfBirth, cityOfBirth, publicSchoolResidence] = cells.parse(row);
        const told = { birthDate: born, sex, races, countryOfBirth, stateOfBirth, cityOfBirth, publicSchoolResidence };
        return writer.demographics(head, told);
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
