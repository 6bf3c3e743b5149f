/** Ways in which real SIS tell people other than the standard means, done to records before any source writes them. */

import { familyName, givenName, joined } from './names.ts';
import { drawWithEnd, prngFor, uuidFor } from './prng.ts';
import type { Base, ClassRecord, CourseRecord, DemographicRecord, EnrolmentRecord, PersonRecord } from './records.ts';
import type { School } from './school.ts';

export type RecordQuirks = {
  /**
   * Who has roles at several sites is told once for each: `same-id` repeats the sourcedId, `own-ids` gives each row its own and all
   * of them one master identifier (told in 1.2), and who is enrolled at the second site is so by the second id.
   */
  rowPerSite: 'no' | 'same-id' | 'own-ids';
  /** So many students' sourcedIds name somebody else: another name, number, address and birthday. */
  reusedIds: number;
  /** What a tenth of the people has as username: nothing. */
  emptyUsernames: boolean;
  /** `Grade 10` for `10`. */
  gradesInWords: boolean;
  /** One record in fifty was changed ten years from now. */
  futureDates: boolean;
  /** Where streams are told: with classes and courses, in metadata of each student, or nowhere but in grades. */
  streamsOn: 'classes' | 'students' | 'nowhere';
};

export const noQuirks: RecordQuirks = {
  rowPerSite: 'no',
  reusedIds: 0,
  emptyUsernames: false,
  gradesInWords: false,
  futureDates: false,
  streamsOn: 'classes',
};

/** The collections that a quirk can touch. */
export type Quirky = {
  people(records: Iterable<PersonRecord>): Iterable<PersonRecord>;
  enrolments(records: Iterable<EnrolmentRecord>): Iterable<EnrolmentRecord>;
  demographics(records: Iterable<DemographicRecord>): Iterable<DemographicRecord>;
  courses(records: Iterable<CourseRecord>): Iterable<CourseRecord>;
  classes(records: Iterable<ClassRecord>): Iterable<ClassRecord>;
};

const secondId = (personId: string, siteId: string): string => uuidFor(`${personId}/at/${siteId}`);

function rowsOf(person: PersonRecord, how: RecordQuirks['rowPerSite']): readonly PersonRecord[] {
  if (how === 'no') return [person];
  return person.roles.map((role, n) => ({
    ...person,
    id: how === 'own-ids' && n > 0 ? secondId(person.id, role.orgId) : person.id,
    roles: [{ ...role, primary: true }],
    ...(how === 'own-ids' ? { masterIdentifier: uuidFor(`${person.id}/master`) } : {}),
  }));
}

function somebodyElse(school: School, person: PersonRecord): PersonRecord {
  const random = prngFor(`${person.id}/successor`);
  const identifier = `9${person.identifier}`;
  return {
    ...person,
    given: `${givenName(school.country, random).given}-${givenName(school.country, random).given}`,
    middle: '',
    family: `${joined(familyName(school.country, random))}-${joined(familyName(school.country, random))}`,
    preferred: '',
    identifier,
    username: `s${identifier}`,
    email: `${identifier}@students.${school.emailDomain}`,
    agentIds: [],
  };
}

/** What a SIS writes beside a student whose stream it tells there. */
export const studentMetadataNames = ['programme', 'level', 'year', 'study'] as const;

function withStream(person: PersonRecord): PersonRecord {
  const { stream } = person;
  if (stream === null) return person;
  const level: Record<string, string> = stream.level === '' ? {} : { level: stream.level };
  return {
    ...person,
    metadata: { programme: stream.programme, ...level, year: String(stream.year), study: stream.name },
  };
}

const inWords = (grade: string): string => (/^\d+$/.test(grade) ? `Grade ${Number(grade)}` : grade);

/** What the quirks make of a school's records. Without quirks everything passes as it is. */
export function quirksOf(school: School, quirks: RecordQuirks): Quirky {
  const graded = <T extends { grades: readonly string[] }>(record: T): T =>
    quirks.gradesInWords ? { ...record, grades: record.grades.map(inWords) } : record;
  const streamless = <T extends { metadata: Readonly<Record<string, string>> }>(record: T): T =>
    quirks.streamsOn === 'classes' ? record : { ...record, metadata: {} };
  const dated = <T extends Base>(record: T): T =>
    quirks.futureDates && drawWithEnd(record.id, '/future', 50) === 0
      ? { ...record, modified: `${school.schoolYear + 10}-03-01T08:00:00.000Z` }
      : record;
  const named = (person: PersonRecord): PersonRecord =>
    quirks.emptyUsernames && drawWithEnd(person.id, '/nameless', 10) === 0 ? { ...person, username: '' } : person;
  function* mapped<T>(records: Iterable<T>, make: (record: T) => T): Generator<T> {
    for (const record of records) yield make(record);
  }
  return {
    *people(records) {
      let reused = 0;
      for (const record of records) {
        const isReused = record.kind === 'student' && record.status === 'active' && reused < quirks.reusedIds;
        if (isReused) reused += 1;
        const person = dated(named(graded(isReused ? somebodyElse(school, record) : record)));
        yield* rowsOf(quirks.streamsOn === 'students' ? withStream(person) : person, quirks.rowPerSite);
      }
    },
    *enrolments(records) {
      let primarySite = '';
      let personId = '';
      for (const record of records) {
        // A student's enrolments stand together, those of his own site first; a teacher's are told by his first id.
        if (record.personId !== personId) {
          personId = record.personId;
          primarySite = record.siteId;
        }
        const isSecond = quirks.rowPerSite === 'own-ids' && record.role === 'student' && record.siteId !== primarySite;
        yield dated(isSecond ? { ...record, personId: secondId(record.personId, record.siteId) } : record);
      }
    },
    *demographics(records) {
      let reused = 0;
      for (const record of records) {
        const isReused = record.status === 'active' && reused < quirks.reusedIds;
        if (isReused) reused += 1;
        const birthDate = `${Number(record.birthDate.slice(0, 4)) - 1}-02-03`;
        yield dated(isReused ? { ...record, birthDate } : record);
      }
    },
    courses: (records) => mapped(records, (record) => streamless(dated(graded(record)))),
    classes: (records) => mapped(records, (record) => streamless(dated(graded(record)))),
  };
}
