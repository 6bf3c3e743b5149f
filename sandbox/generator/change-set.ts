/** A seeded share of a school's records changed in a way that a reader sees, so that the same change can be told over every source. */

import { familyName, joined } from './names.ts';
import { drawWithEnd, prngFor } from './prng.ts';
import type {
  Base,
  ClassRecord,
  CourseRecord,
  DemographicRecord,
  EnrolmentRecord,
  OrgRecord,
  PersonRecord,
} from './records.ts';
import type { School } from './school.ts';

export type ChangeSet = {
  /** Share of the records of each collection that change, in percent; two decimals count. */
  percent: number;
  /** Share of the enrolments that end besides, in percent: they are marked for deletion. */
  removedPercent?: number;
  /** Another seed changes other records. */
  seed?: string;
};

/** What becomes of each record. Terms stay as they are. A record that does not change is given back itself. */
export type Changes = {
  org(record: OrgRecord): OrgRecord;
  course(record: CourseRecord): CourseRecord;
  class(record: ClassRecord): ClassRecord;
  person(record: PersonRecord): PersonRecord;
  enrolment(record: EnrolmentRecord): EnrolmentRecord;
  demographics(record: DemographicRecord): DemographicRecord;
};

const PARTS = 10_000;

/** The changes of a set: the same for the same school, set and seed. Records already marked for deletion do not change. */
export function changesOf(school: School, set: ChangeSet): Changes {
  const end = `/changed/${set.seed ?? '1'}`;
  const changed = Math.round(set.percent * 100);
  const removed = changed + Math.round((set.removedPercent ?? 0) * 100);
  const since = Date.UTC(school.schoolYear, 9, 1, 6);
  const turn = (record: Base): number => (record.status === 'active' ? drawWithEnd(record.id, end, PARTS) : PARTS);
  /** A moment after every other one of the school's records, one to the millisecond. */
  const stamped = <T extends Base>(record: T): T => ({
    ...record,
    modified: new Date(since + drawWithEnd(record.id, `${end}/at`, 86_400_000)).toISOString(),
  });
  const change = <T extends Base>(record: T, make: (record: T) => T): T =>
    turn(record) < changed ? stamped(make(record)) : record;
  return {
    org: (record) => change(record, (old) => ({ ...old, name: `${old.name} (new wing)` })),
    course: (record) => change(record, (old) => ({ ...old, title: `${old.title} (revised)` })),
    class: (record) => change(record, (old) => ({ ...old, title: `${old.title} (moved)` })),
    person: (record) =>
      change(record, (old) => {
        const other = joined(familyName(school.country, prngFor(`${old.id}${end}/name`)));
        return { ...old, family: `${other}-${old.family}` };
      }),
    enrolment: (record) => {
      const place = turn(record);
      if (place >= removed) return record;
      return stamped<EnrolmentRecord>(
        place < changed ? { ...record, begin: `${school.schoolYear}-09-28` } : { ...record, status: 'tobedeleted' },
      );
    },
    demographics: (record) => change(record, (old) => ({ ...old, cityOfBirth: 'Nieuw-Lindenberg' })),
  };
}
