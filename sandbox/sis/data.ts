/** The records of one school as a SIS instance holds them: changeable, so that a test can rename, remove and mark. */

import { classes, courses, demographics, enrolments, orgs, people, sessions } from '../generator/collections.ts';
import { quirksOf } from '../generator/quirks.ts';
import type {
  ClassRecord,
  CourseRecord,
  DemographicRecord,
  EnrolmentRecord,
  OrgRecord,
  PersonRecord,
  SessionRecord,
} from '../generator/records.ts';
import type { School } from '../generator/school.ts';
import type { SisSettings } from './settings.ts';
import { defaultSettings } from './settings.ts';
import type { Collection, Version, WireObject } from './wire.ts';
import { servicePath, writerFor } from './wire.ts';

export type SchoolData = {
  school: School;
  orgs: Map<string, OrgRecord>;
  academicSessions: Map<string, SessionRecord>;
  courses: Map<string, CourseRecord>;
  classes: Map<string, ClassRecord>;
  users: Map<string, PersonRecord>;
  enrollments: Map<string, EnrolmentRecord>;
  demographics: Map<string, DemographicRecord>;
  /** How this SIS departs from the standard; change it, then call `changed()`. */
  settings: SisSettings;
  /** To be called after a map or a setting was changed from outside. */
  changed(): void;
  /** The collection in wire form, references below `origin` and the school's prefix. Made once and kept until a change. */
  wire(version: Version, origin: string, collection: Collection): readonly WireObject[];
};

function byId<T extends { id: string }>(records: Iterable<T>): Map<string, T> {
  const map = new Map<string, T>();
  for (const record of records) map.set(record.id, record);
  return map;
}

/** Loads a school from the generator. Meant for sizes that fit in memory; larger ones are read from the streams. */
export function loadSchool(school: School, settings: Partial<SisSettings> = {}): SchoolData {
  const cache = new Map<string, readonly WireObject[]>();
  const data: SchoolData = {
    school,
    orgs: byId(orgs(school)),
    academicSessions: byId(sessions(school)),
    courses: byId(courses(school)),
    classes: byId(classes(school)),
    users: byId(people(school)),
    enrollments: byId(enrolments(school)),
    demographics: byId(demographics(school)),
    settings: { ...defaultSettings, ...settings },
    changed: () => cache.clear(),
    wire: (version, origin, collection) => {
      const key = `${version} ${origin} ${collection}`;
      const known = cache.get(key);
      if (known !== undefined) return known;
      const made = write(version, origin, collection);
      cache.set(key, made);
      return made;
    },
  };
  const write = (version: Version, origin: string, collection: Collection): readonly WireObject[] => {
    const { hrefs } = data.settings;
    const path = `/${school.slug}${servicePath[version]}`;
    const writer = writerFor(version, hrefs === 'absent' ? null : `${hrefs === 'absolute' ? origin : ''}${path}`);
    const quirks = quirksOf(school, data.settings);
    switch (collection) {
      case 'orgs':
        return [...data.orgs.values()].map(writer.org);
      case 'academicSessions':
        return [...data.academicSessions.values()].map(writer.academicSession);
      case 'courses':
        return Array.from(quirks.courses(data.courses.values()), writer.course);
      case 'classes':
        return Array.from(quirks.classes(data.classes.values()), writer.class);
      case 'users':
        return Array.from(quirks.people(data.users.values()), writer.user);
      case 'enrollments':
        return Array.from(quirks.enrolments(data.enrollments.values()), writer.enrollment);
      case 'demographics':
        return Array.from(quirks.demographics(data.demographics.values()), writer.demographics);
      default:
        return collection satisfies never;
    }
  };
  return data;
}
