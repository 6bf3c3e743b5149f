/**
 * What an LMS of the same school holds: courses that the SIS provisioned (they carry its ids), courses that teachers made
 * by hand (they carry none, and a name of their own), and a few that belong to no timetable.
 */

import { classes, courses, enrolments, teachers } from './collections.ts';
import { draw } from './prng.ts';
import type { ClassRecord, CourseRecord, PersonRecord } from './records.ts';
import type { School } from './school.ts';

export type LmsSection = { key: string; name: string; sisId: string | null; classId: string };

export type LmsCourse = {
  key: string;
  name: string;
  code: string;
  /** The SIS id of the OneRoster course; null for what was made by hand. */
  sisId: string | null;
  siteId: string;
  state: 'available' | 'unpublished' | 'completed' | 'deleted';
  sections: readonly LmsSection[];
  /** Teacher of the first section; null for what no group of the SIS stands behind. */
  teacher: PersonRecord | null;
};

function stateOf(key: string): LmsCourse['state'] {
  const turn = draw(`state/${key}`, 40);
  return turn === 0 ? 'deleted' : turn === 1 ? 'completed' : turn < 5 ? 'unpublished' : 'available';
}

function fromSis(
  school: School,
  course: CourseRecord,
  groups: readonly ClassRecord[],
  teacher: PersonRecord | null,
): LmsCourse {
  const key = `${school.seed}/lms/${course.id}`;
  const isByHand = draw(`by-hand/${key}`, 10) < 4;
  const sections = groups.map((group) => ({
    key: `${key}/${group.id}`,
    name: isByHand ? `${group.title} (${school.schoolYear})` : group.title,
    sisId: isByHand ? null : group.id,
    classId: group.id,
  }));
  return {
    key,
    name: isByHand ? `${course.title.toUpperCase()} – ${teacher?.family ?? 'team'}` : course.title,
    code: isByHand ? `${course.code.toLowerCase()}_${String(school.schoolYear).slice(2)}` : course.code,
    sisId: isByHand ? null : course.id,
    siteId: course.siteId,
    state: stateOf(key),
    sections,
    teacher,
  };
}

const ownCourses: readonly string[] = [
  'Staff room & notices',
  'Sandbox <test> course',
  'School council',
  'Library induction',
];

/**
 * The LMS courses of a school: one for each OneRoster course with groups, and a few of nobody's timetable. Holds who
 * teaches which group and the groups of the courses; meant for sizes that an LMS sandbox keeps in memory.
 */
export function* lmsCourses(school: School): Generator<LmsCourse> {
  const groups = new Map<string, ClassRecord[]>();
  for (const group of classes(school)) {
    if (group.kind !== 'scheduled') continue;
    const list = groups.get(group.courseId) ?? [];
    list.push(group);
    groups.set(group.courseId, list);
  }
  const people = new Map<string, PersonRecord>();
  for (const teacher of teachers(school)) people.set(teacher.id, teacher);
  const teacherOf = new Map<string, PersonRecord>();
  for (const { role, primary, personId, classId } of enrolments(school)) {
    const teacher = people.get(personId);
    if (role === 'teacher' && primary && teacher !== undefined) teacherOf.set(classId, teacher);
  }
  let siteId = '';
  for (const course of courses(school)) {
    siteId = course.siteId;
    const own = groups.get(course.id);
    if (own?.[0] !== undefined) yield fromSis(school, course, own, teacherOf.get(own[0].id) ?? null);
  }
  for (const [n, name] of ownCourses.entries()) {
    const key = `${school.seed}/lms/own/${n}`;
    yield { key, name, code: `own-${n + 1}`, sisId: null, siteId, state: 'available', sections: [], teacher: null };
  }
}
