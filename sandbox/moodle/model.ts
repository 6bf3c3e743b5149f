/** What the Moodle-shaped LMS of one school holds, and what is done to it: categories, courses, users, groups, cohorts, enrolments, mail. */

import { z } from 'zod';
import { enrolments, orgs, students, teachers } from '../generator/collections.ts';
import { lmsCourses } from '../generator/lms.ts';
import { draw } from '../generator/prng.ts';
import type { School } from '../generator/school.ts';

const categorySchema = z.object({ id: z.number(), name: z.string(), idnumber: z.string(), parent: z.number() });
const courseSchema = z.object({
  id: z.number(),
  shortname: z.string(),
  fullname: z.string(),
  idnumber: z.string(),
  categoryId: z.number(),
  visible: z.boolean(),
  /** OneRoster class behind it, by which its people are found; empty for others. */
  classId: z.string(),
  /** Unix seconds; 0 is none. */
  startdate: z.number(),
  enddate: z.number(),
  timemodified: z.number(),
  /** Whom the welcome message of its manual enrolment comes from: 0 none is sent, 1 the course contact, 3 the no-reply address. */
  welcome: z.number(),
  /** Enabled enrolment methods. */
  methods: z.array(z.string()),
  /** Names of activities that teachers put in. */
  activities: z.array(z.string()),
  /** Subjects in the forum for announcements. */
  announcements: z.array(z.string()).default([]),
});
const userSchema = z.object({
  id: z.number(),
  username: z.string(),
  firstname: z.string(),
  lastname: z.string(),
  email: z.string(),
  idnumber: z.string(),
  auth: z.string(),
  suspended: z.boolean(),
  deleted: z.boolean(),
  preferences: z.record(z.string(), z.string()),
  isAdmin: z.boolean(),
  /** May see every course, as a manager or a service account may. */
  seesAll: z.boolean(),
  /** May make and change users, courses, groups, cohorts and enrolments. */
  mayWrite: z.boolean(),
  /** Has `webservice/rest:use`. */
  usesRest: z.boolean(),
});
const groupSchema = z.object({
  id: z.number(),
  courseId: z.number(),
  name: z.string(),
  idnumber: z.string(),
  members: z.array(z.number()),
});
const cohortSchema = z.object({
  id: z.number(),
  name: z.string(),
  idnumber: z.string(),
  visible: z.boolean(),
  /** 0: of the whole site. */
  categoryId: z.number(),
  members: z.array(z.number()),
});
const enrolledSchema = z.object({
  userId: z.number(),
  roleIds: z.array(z.number()),
  suspended: z.boolean(),
  /** How: `manual`, or another method of the course. */
  method: z.string(),
});
const mailSchema = z.object({
  at: z.number(),
  userId: z.number(),
  to: z.string(),
  kind: z.enum(['new-password', 'course-welcome']),
  courseId: z.number(),
});

/** What is kept across restarts. */
export const contentSchema = z.object({
  categories: z.array(categorySchema),
  courses: z.array(courseSchema),
  users: z.array(userSchema),
  groups: z.array(groupSchema),
  cohorts: z.array(cohortSchema),
  enrolled: z.array(z.tuple([z.number(), z.array(enrolledSchema)])),
  mails: z.array(mailSchema),
  lastId: z.number(),
});

export type Content = z.output<typeof contentSchema>;
export type Category = z.output<typeof categorySchema>;
export type MoodleCourse = z.output<typeof courseSchema>;
export type MoodleUser = z.output<typeof userSchema>;
export type MoodleGroup = z.output<typeof groupSchema>;
export type Cohort = z.output<typeof cohortSchema>;
export type Enrolled = z.output<typeof enrolledSchema>;
/** A mail that a real Moodle would have sent. */
export type Mail = z.output<typeof mailSchema>;

export type MoodleModel = {
  readonly school: School;
  readonly categories: Map<number, Category>;
  readonly courses: Map<number, MoodleCourse>;
  readonly users: Map<number, MoodleUser>;
  readonly groups: Map<number, MoodleGroup>;
  readonly cohorts: Map<number, Cohort>;
  /** Who is in a course, by its id. */
  readonly enrolled: Map<number, Enrolled[]>;
  readonly mails: Mail[];
  /** A number that no record of any kind had before. */
  nextId(): number;
  snapshot(): Content;
  restore(content: Content): void;
};

/** Roles of a Moodle as it is installed. */
export const roleIds = { manager: 1, coursecreator: 2, editingteacher: 3, teacher: 4, student: 5 } as const;
export const roleNames: ReadonlyMap<number, string> = new Map(Object.entries(roleIds).map(([name, id]) => [id, name]));

/** Demo users of every Moodle of the sandbox; the password is the same for all and stands on the sign-in page. */
export const moodleLogins = {
  admin: 'moodle-admin',
  service: 'moodle-service',
  teacher: 'moodle-teacher',
  powerless: 'moodle-guest',
  password: 'Moodle-demo-1',
} as const;

const seconds = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day) / 1000;

/** Builds the LMS of a school, or brings back what it held. */
export function buildMoodle(school: School, kept?: Content): MoodleModel {
  let lastId = 0;
  const model: MoodleModel = {
    school,
    categories: new Map(),
    courses: new Map(),
    users: new Map(),
    groups: new Map(),
    cohorts: new Map(),
    enrolled: new Map(),
    mails: [],
    nextId: () => {
      lastId += 1;
      return lastId;
    },
    snapshot: () =>
      structuredClone({
        categories: [...model.categories.values()],
        courses: [...model.courses.values()],
        users: [...model.users.values()],
        groups: [...model.groups.values()],
        cohorts: [...model.cohorts.values()],
        enrolled: [...model.enrolled],
        mails: model.mails,
        lastId,
      }),
    restore: (content) => {
      const refill = <T extends { id: number }>(map: Map<number, T>, rows: readonly T[]): void => {
        map.clear();
        for (const row of rows) map.set(row.id, row);
      };
      refill(model.categories, content.categories);
      refill(model.courses, content.courses);
      refill(model.users, content.users);
      refill(model.groups, content.groups);
      refill(model.cohorts, content.cohorts);
      model.enrolled.clear();
      for (const [courseId, rows] of content.enrolled) model.enrolled.set(courseId, rows);
      model.mails.splice(0, model.mails.length, ...content.mails);
      lastId = content.lastId;
    },
  };
  if (kept === undefined) fill(model);
  else model.restore(kept);
  lastId = Math.max(
    lastId,
    1000,
    ...[model.categories, model.courses, model.users, model.groups, model.cohorts].flatMap((map) => [...map.keys()]),
  );
  return model;
}

function fill({ school, categories, users, courses, enrolled }: MoodleModel): void {
  categories.set(1, { id: 1, name: 'Category 1', idnumber: '', parent: 0 });
  const categoryOfSite = new Map<string, number>();
  for (const org of orgs(school)) {
    if (org.kind !== 'school') continue;
    const id = categories.size + 1;
    categoryOfSite.set(org.id, id);
    categories.set(id, { id, name: `${org.name} & friends`, idnumber: org.id, parent: 0 });
  }
  const byHand = categories.size + 1;
  categories.set(byHand, { id: byHand, name: 'Teachers’ own courses', idnumber: '', parent: 1 });

  const nobody = { auth: 'manual', suspended: false, deleted: false, isAdmin: false, mayWrite: false } as const;
  const demo = (
    id: number,
    username: string,
    lastname: string,
    rights: Pick<MoodleUser, 'isAdmin' | 'seesAll' | 'mayWrite' | 'usesRest'>,
  ): void => {
    users.set(id, {
      ...nobody,
      id,
      username,
      firstname: 'Demo',
      lastname,
      email: `${username}@${school.emailDomain}`,
      idnumber: '',
      preferences: {},
      ...rights,
    });
  };
  demo(2, moodleLogins.admin, 'Admin', { isAdmin: true, seesAll: true, mayWrite: true, usesRest: true });
  demo(3, moodleLogins.service, 'Service', { isAdmin: false, seesAll: true, mayWrite: true, usesRest: true });
  demo(4, moodleLogins.teacher, 'Teacher', { isAdmin: false, seesAll: false, mayWrite: false, usesRest: true });
  demo(5, moodleLogins.powerless, 'Guest', { isAdmin: false, seesAll: false, mayWrite: false, usesRest: false });
  const userOfPerson = new Map<string, number>();
  for (const people of [teachers(school), students(school)]) {
    for (const person of people) {
      if (person.status !== 'active') continue;
      const id = users.size + 100;
      userOfPerson.set(person.id, id);
      const isLinked = draw(`moodle-user/${person.id}`, 10) < 7;
      users.set(id, {
        ...nobody,
        id,
        username: person.username,
        firstname: person.given,
        lastname: person.family,
        email: person.email === '' ? `${person.username}@no-mail.invalid` : person.email.toLowerCase(),
        idnumber: isLinked ? person.id : '',
        preferences: {},
        seesAll: false,
        usesRest: false,
      });
    }
  }

  const members = new Map<string, Enrolled[]>();
  const inRole = (userId: number, role: keyof typeof roleIds): Enrolled => ({
    userId,
    roleIds: [roleIds[role]],
    suspended: false,
    method: 'manual',
  });
  for (const { classId, personId, role, status } of enrolments(school)) {
    const userId = userOfPerson.get(personId);
    if (userId === undefined || status !== 'active') continue;
    const list = members.get(classId) ?? [];
    list.push(inRole(userId, role === 'teacher' ? 'editingteacher' : 'student'));
    members.set(classId, list);
  }

  const { schoolYear } = school;
  const courseFacts = {
    startdate: seconds(schoolYear, 8, 17),
    enddate: seconds(schoolYear + 1, 7, 10),
    // As a new 4.5 is installed: whoever is enrolled by hand or by a web service gets a mail.
    welcome: 1,
    activities: [],
    announcements: [],
  };
  courses.set(1, {
    id: 1,
    shortname: school.slug,
    fullname: school.name,
    idnumber: '',
    categoryId: 0,
    visible: true,
    classId: '',
    startdate: 0,
    enddate: 0,
    timemodified: seconds(schoolYear, 8, 1) + 1,
    welcome: 0,
    methods: [],
    activities: [],
    announcements: [],
  });
  for (const course of lmsCourses(school)) {
    if (course.state === 'deleted') continue;
    const groups = course.sections.length === 0 ? [{ name: course.name, sisId: null, classId: '' }] : course.sections;
    for (const [n, { name, sisId, classId }] of groups.entries()) {
      const id = courses.size + 1;
      // Moodle refuses `<` in names, so no course has one.
      const fullname = name.replaceAll(/[<>]/g, '');
      courses.set(id, {
        ...courseFacts,
        id,
        shortname: `${course.code}-${n + 1}-${id}`,
        fullname,
        idnumber: sisId ?? '',
        categoryId: sisId === null ? byHand : (categoryOfSite.get(course.siteId) ?? 1),
        visible: course.state === 'available',
        classId,
        timemodified: seconds(schoolYear, 8, 1) + id,
        methods: ['manual'],
        activities: classId === '' ? ['Notices'] : [],
      });
      // Of two rows of one person in one class the first stands.
      const once = new Map((members.get(classId) ?? []).toReversed().map((row) => [row.userId, row]));
      enrolled.set(id, [...once.values()].toReversed().concat(classId === '' ? [inRole(4, 'editingteacher')] : []));
    }
  }
}

/** What an administrator over there does by hand. */
export function deleteUser(model: MoodleModel, id: number, now: number): boolean {
  const user = model.users.get(id);
  if (user === undefined || user.deleted) return false;
  for (const group of model.groups.values()) group.members = group.members.filter((member) => member !== id);
  for (const cohort of model.cohorts.values()) cohort.members = cohort.members.filter((member) => member !== id);
  for (const [courseId, rows] of model.enrolled)
    model.enrolled.set(
      courseId,
      rows.filter(({ userId }) => userId !== id),
    );
  // The row stays: the name mangled, the address hashed, the SIS id gone.
  user.username = `${user.email}.${now}`;
  user.email = Array.from(user.username, (letter) => letter.charCodeAt(0).toString(16).padStart(2, '0'))
    .join('')
    .slice(0, 32);
  user.idnumber = '';
  user.deleted = true;
  return true;
}

export function deleteCourse(model: MoodleModel, id: number): boolean {
  if (id === 1 || !model.courses.delete(id)) return false;
  model.enrolled.delete(id);
  for (const group of [...model.groups.values()]) if (group.courseId === id) model.groups.delete(group.id);
  return true;
}
