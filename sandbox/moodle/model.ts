/** What the Moodle-shaped LMS of one school holds: categories, courses (one for each group) and users. */

import { enrolments, orgs, students, teachers } from '../generator/collections.ts';
import { lmsCourses } from '../generator/lms.ts';
import { draw } from '../generator/prng.ts';
import type { School } from '../generator/school.ts';

export type Category = { id: number; name: string; idnumber: string; parent: number };
export type MoodleCourse = {
  id: number;
  shortname: string;
  fullname: string;
  idnumber: string;
  categoryId: number;
  visible: boolean;
  /** OneRoster class behind it, by which its people are found; empty for hand-made ones. */
  classId: string;
};
export type MoodleUser = {
  id: number;
  username: string;
  firstname: string;
  lastname: string;
  email: string;
  idnumber: string;
  isAdmin: boolean;
  /** May see every course, as a manager or a service account may. */
  seesAll: boolean;
  /** Has `webservice/rest:use`. */
  usesRest: boolean;
};
export type Enrolled = { userId: number; role: 'editingteacher' | 'student' };

export type MoodleModel = {
  school: School;
  categories: Map<number, Category>;
  courses: Map<number, MoodleCourse>;
  users: Map<number, MoodleUser>;
  enrolled: Map<number, readonly Enrolled[]>;
};

/** Demo users of every Moodle of the sandbox; the password is the same for all and stands on the sign-in page. */
export const moodleLogins = {
  admin: 'moodle-admin',
  service: 'moodle-service',
  teacher: 'moodle-teacher',
  powerless: 'moodle-guest',
  password: 'Moodle-demo-1',
} as const;

/** Builds the LMS of a school. */
export function buildMoodle(school: School): MoodleModel {
  const categories = new Map<number, Category>([[1, { id: 1, name: 'Category 1', idnumber: '', parent: 0 }]]);
  const categoryOfSite = new Map<string, number>();
  for (const org of orgs(school)) {
    if (org.kind !== 'school') continue;
    const id = categories.size + 1;
    categoryOfSite.set(org.id, id);
    categories.set(id, { id, name: `${org.name} & friends`, idnumber: org.id, parent: 0 });
  }
  const byHand = categories.size + 1;
  categories.set(byHand, { id: byHand, name: 'Teachers’ own courses', idnumber: '', parent: 1 });

  const users = new Map<number, MoodleUser>();
  const demo = (
    id: number,
    username: string,
    lastname: string,
    rights: Pick<MoodleUser, 'isAdmin' | 'seesAll' | 'usesRest'>,
  ): void => {
    users.set(id, {
      id,
      username,
      firstname: 'Demo',
      lastname,
      email: `${username}@${school.emailDomain}`,
      idnumber: '',
      ...rights,
    });
  };
  demo(2, moodleLogins.admin, 'Admin', { isAdmin: true, seesAll: true, usesRest: true });
  demo(3, moodleLogins.service, 'Service', { isAdmin: false, seesAll: true, usesRest: true });
  demo(4, moodleLogins.teacher, 'Teacher', { isAdmin: false, seesAll: false, usesRest: true });
  demo(5, moodleLogins.powerless, 'Guest', { isAdmin: false, seesAll: false, usesRest: false });
  const userOfPerson = new Map<string, number>();
  for (const people of [teachers(school), students(school)]) {
    for (const person of people) {
      if (person.status !== 'active') continue;
      const id = users.size + 100;
      userOfPerson.set(person.id, id);
      const isLinked = draw(`moodle-user/${person.id}`, 10) < 7;
      users.set(id, {
        id,
        username: person.username,
        firstname: person.given,
        lastname: person.family,
        email: person.email === '' ? `${person.username}@no-mail.invalid` : person.email.toLowerCase(),
        idnumber: isLinked ? person.id : '',
        isAdmin: false,
        seesAll: false,
        usesRest: false,
      });
    }
  }

  const members = new Map<string, Enrolled[]>();
  for (const { classId, personId, role, status } of enrolments(school)) {
    const userId = userOfPerson.get(personId);
    if (userId === undefined || status !== 'active') continue;
    const list = members.get(classId) ?? [];
    list.push({ userId, role: role === 'teacher' ? 'editingteacher' : 'student' });
    members.set(classId, list);
  }

  const courses = new Map<number, MoodleCourse>([
    [
      1,
      { id: 1, shortname: school.slug, fullname: school.name, idnumber: '', categoryId: 0, visible: true, classId: '' },
    ],
  ]);
  const enrolled = new Map<number, readonly Enrolled[]>();
  for (const course of lmsCourses(school)) {
    if (course.state === 'deleted') continue;
    const groups = course.sections.length === 0 ? [{ name: course.name, sisId: null, classId: '' }] : course.sections;
    for (const [n, { name, sisId, classId }] of groups.entries()) {
      const id = courses.size + 1;
      // Moodle refuses `<` in names, so no course has one.
      const fullname = name.replaceAll(/[<>]/g, '');
      courses.set(id, {
        id,
        shortname: `${course.code}-${n + 1}-${id}`,
        fullname,
        idnumber: sisId ?? '',
        categoryId: sisId === null ? byHand : (categoryOfSite.get(course.siteId) ?? 1),
        visible: course.state === 'available',
        classId,
      });
      enrolled.set(id, [
        ...(members.get(classId) ?? []),
        ...(classId === '' ? [{ userId: 4, role: 'editingteacher' as const }] : []),
      ]);
    }
  }
  return { school, categories, courses, users, enrolled };
}
