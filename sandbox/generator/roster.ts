/**
 * What one reading of a school's roster finds: the whole of what is active, or what a set of changes touched. Streams all
 * through, and self-contained: nobody names a person who is not in it.
 */

import type { ChangeSet, Changes } from './change-set.ts';
import { changesOf } from './change-set.ts';
import {
  classes,
  courses,
  demographics,
  enrolments,
  guardians,
  leftStudentIds,
  orgs,
  sessions,
  staff,
  students,
  teachers,
} from './collections.ts';
import type { RecordQuirks } from './quirks.ts';
import { noQuirks, quirksOf } from './quirks.ts';
import type {
  Base,
  ClassRecord,
  CourseRecord,
  DemographicRecord,
  EnrolmentRecord,
  OrgRecord,
  PersonRecord,
  SessionRecord,
} from './records.ts';
import type { School } from './school.ts';

export type RosterOptions = {
  school: School;
  /** `all` (the default) is what is active; `changed` what `changes` touched, records marked for deletion included. */
  part?: 'all' | 'changed';
  changes?: ChangeSet;
  /** Whether guardians are told. By default in the demo's size only: the counts of the larger ones are without them. */
  guardians?: boolean;
  /** Whether demographics are told; by default as guardians are. */
  demographics?: boolean;
  /** How this SIS departs from what the standard means. */
  quirks?: Partial<RecordQuirks>;
};

/** The collections of a reading. Each can be gone through again from the start. */
export type Roster = {
  school: School;
  orgs(): Iterable<OrgRecord>;
  sessions(): Iterable<SessionRecord>;
  courses(): Iterable<CourseRecord>;
  classes(): Iterable<ClassRecord>;
  staff(): Iterable<PersonRecord>;
  teachers(): Iterable<PersonRecord>;
  students(): Iterable<PersonRecord>;
  guardians(): Iterable<PersonRecord>;
  enrolments(): Iterable<EnrolmentRecord>;
  demographics(): Iterable<DemographicRecord>;
};

/** The roster of a school as one reading finds it. */
export function rosterOf(options: RosterOptions): Roster {
  const { school, part = 'all' } = options;
  const hasGuardians = options.guardians ?? school.size === 'demo';
  const hasDemographics = options.demographics ?? school.size === 'demo';
  const changes: Changes | null = options.changes === undefined ? null : changesOf(school, options.changes);

  const quirky = options.quirks === undefined ? null : quirksOf(school, { ...noQuirks, ...options.quirks });
  const asTold = <T>(records: Iterable<T>, quirk: ((records: Iterable<T>) => Iterable<T>) | undefined): Iterable<T> =>
    quirk === undefined ? records : quirk(records);

  function* told<T extends Base>(records: Iterable<T>, change: ((record: T) => T) | undefined): Generator<T> {
    for (const record of records) {
      const now = change === undefined ? record : change(record);
      if (part === 'all' ? now.status === 'active' : now !== record) yield now;
    }
  }
  function* withoutAgents(records: Iterable<PersonRecord>): Generator<PersonRecord> {
    for (const record of records) yield { ...record, agentIds: [] };
  }
  function* withChildrenHere(records: Iterable<PersonRecord>): Generator<PersonRecord> {
    // One student in 150 has left: few enough to be held, even of the largest school.
    const left = new Set(leftStudentIds(school));
    for (const record of records) yield { ...record, agentIds: record.agentIds.filter((id) => !left.has(id)) };
  }

  return {
    school,
    orgs: () => told(orgs(school), changes?.org),
    sessions: () => told(sessions(school), undefined),
    courses: () => asTold(told(courses(school), changes?.course), quirky?.courses),
    classes: () => asTold(told(classes(school), changes?.class), quirky?.classes),
    staff: () => asTold(told(staff(school), changes?.person), quirky?.people),
    teachers: () => asTold(told(teachers(school), changes?.person), quirky?.people),
    students: () => {
      const found = asTold(told(students(school), changes?.person), quirky?.people);
      return hasGuardians ? found : withoutAgents(found);
    },
    guardians: () =>
      hasGuardians ? withChildrenHere(asTold(told(guardians(school), changes?.person), quirky?.people)) : [],
    enrolments: () => asTold(told(enrolments(school), changes?.enrolment), quirky?.enrolments),
    demographics: () =>
      hasDemographics ? asTold(told(demographics(school), changes?.demographics), quirky?.demographics) : [],
  };
}
