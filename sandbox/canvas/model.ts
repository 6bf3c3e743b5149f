/** What the Canvas-shaped LMS of one school holds: accounts, terms, users, courses, sections, enrolments and groups. */

import { z } from 'zod';
import { orgs, sessions, students, teachers } from '../generator/collections.ts';
import { lmsCourses } from '../generator/lms.ts';
import { draw, uuidFor } from '../generator/prng.ts';
import type { PersonRecord } from '../generator/records.ts';
import type { School } from '../generator/school.ts';

/** What every record carries that an SIS import may touch. `stuck`: fields changed by hand, which an import leaves alone. */
const imported = {
  id: z.string(),
  sisId: z.string().nullable(),
  integrationId: z.string().nullable(),
  importId: z.string().nullable(),
  stuck: z.array(z.string()),
};
const accountSchema = z.object({
  ...imported,
  name: z.string(),
  parentId: z.string().nullable(),
  state: z.enum(['active', 'deleted']),
});
const termSchema = z.object({
  ...imported,
  name: z.string(),
  start: z.string().nullable(),
  end: z.string().nullable(),
  state: z.enum(['active', 'deleted']),
});
const userSchema = z.object({
  ...imported,
  /** Every user of the sandbox has one login; its id, name, provider and state. */
  loginId: z.string(),
  login: z.string(),
  authenticationProviderId: z.string().nullable(),
  state: z.enum(['active', 'suspended', 'deleted']),
  name: z.string(),
  sortableName: z.string(),
  shortName: z.string(),
  /** The active e-mail channel. */
  email: z.string().nullable(),
  /** Accounts that the user administers, sub-accounts included; empty for everybody else. */
  adminOf: z.array(z.string()).readonly(),
});
const courseSchema = z.object({
  ...imported,
  name: z.string(),
  code: z.string(),
  accountId: z.string(),
  termId: z.string(),
  state: z.enum(['available', 'unpublished', 'completed', 'deleted']),
  uuid: z.string(),
  start: z.string().nullable(),
  end: z.string().nullable(),
});
const sectionSchema = z.object({
  ...imported,
  name: z.string(),
  courseId: z.string(),
  state: z.enum(['active', 'deleted']),
  isDefault: z.boolean(),
  start: z.string().nullable(),
  end: z.string().nullable(),
});
export const enrollmentTypes = [
  'StudentEnrollment',
  'TeacherEnrollment',
  'TaEnrollment',
  'ObserverEnrollment',
  'DesignerEnrollment',
] as const;
const enrollmentSchema = z.object({
  id: z.string(),
  userId: z.string(),
  courseId: z.string(),
  sectionId: z.string(),
  type: z.enum(enrollmentTypes),
  state: z.enum(['active', 'inactive', 'completed', 'deleted']),
  associatedUserId: z.string().nullable(),
  limitsToSection: z.boolean(),
  start: z.string().nullable(),
  end: z.string().nullable(),
  importId: z.string().nullable(),
});
const categorySchema = z.object({
  id: z.string(),
  sisId: z.string().nullable(),
  importId: z.string().nullable(),
  name: z.string(),
  contextType: z.enum(['Account', 'Course']),
  contextId: z.string(),
  state: z.enum(['active', 'deleted']),
});
const groupSchema = z.object({
  id: z.string(),
  sisId: z.string().nullable(),
  importId: z.string().nullable(),
  stuck: z.array(z.string()),
  name: z.string(),
  categoryId: z.string().nullable(),
  contextType: z.enum(['Account', 'Course']),
  contextId: z.string(),
  state: z.enum(['available', 'deleted']),
});
const membershipSchema = z.object({
  id: z.string(),
  groupId: z.string(),
  userId: z.string(),
  state: z.enum(['accepted', 'deleted']),
  importId: z.string().nullable(),
});

/** All records as they are kept across a restart. */
export const recordsSchema = z.object({
  nextId: z.int(),
  accounts: z.array(accountSchema),
  terms: z.array(termSchema),
  users: z.array(userSchema),
  courses: z.array(courseSchema),
  sections: z.array(sectionSchema),
  enrollments: z.array(enrollmentSchema),
  categories: z.array(categorySchema),
  groups: z.array(groupSchema),
  memberships: z.array(membershipSchema),
});
export type CanvasRecords = z.output<typeof recordsSchema>;

export type Account = z.output<typeof accountSchema>;
export type Term = z.output<typeof termSchema>;
export type User = z.output<typeof userSchema>;
export type Course = z.output<typeof courseSchema>;
export type Section = z.output<typeof sectionSchema>;
export type Enrollment = z.output<typeof enrollmentSchema>;
export type GroupCategory = z.output<typeof categorySchema>;
export type Group = z.output<typeof groupSchema>;
export type Membership = z.output<typeof membershipSchema>;

export type CanvasModel = {
  school: School;
  rootId: string;
  accounts: Map<string, Account>;
  terms: Map<string, Term>;
  users: Map<string, User>;
  courses: Map<string, Course>;
  sections: Map<string, Section>;
  enrollments: Map<string, Enrollment>;
  categories: Map<string, GroupCategory>;
  groups: Map<string, Group>;
  memberships: Map<string, Membership>;
  /** An id that no record has. */
  newId(): string;
};

/**
 * Who filled this Canvas before Crosswalk came. `sis`: the school's SIS, whose ids users, courses and sections carry. `hand`: people,
 * without one SIS id. `nobody`: a new Canvas with administrators, sites and a few courses of no timetable.
 */
export type FilledBy = 'sis' | 'hand' | 'nobody';

/** Demo users of every Canvas of the sandbox; the password is the same for all and stands on the sign-in page. */
export const canvasLogins = {
  admin: 'canvas-admin',
  siteAdmin: 'canvas-site-admin',
  teacher: 'canvas-teacher',
  password: 'canvas-demo',
} as const;

/** The SIS import that brought what a Canvas filled by the SIS was born with. */
export const birthImportId = '77';

/** Ids beyond 2^53, as Canvas gives for records of another shard. */
const FAR_SHARD = 10_070_000_000_000_000n;

const untouched = { sisId: null, integrationId: null, importId: null };
const bySis = (sisId: string | null): Pick<User, 'sisId' | 'integrationId' | 'importId' | 'stuck'> => ({
  sisId,
  integrationId: null,
  importId: sisId === null ? null : birthImportId,
  stuck: [],
});

function userOf(person: PersonRecord, id: string, filledBy: FilledBy): User {
  const name = `${person.given} ${person.family}`;
  const isLinked = filledBy === 'sis' && draw(`canvas-user/${person.id}`, 10) < 8;
  return {
    ...bySis(isLinked ? person.id : null),
    id,
    loginId: `9${id}`,
    login: person.username,
    authenticationProviderId: null,
    state: 'active',
    name,
    sortableName: `${person.family}, ${person.given}`,
    shortName: name,
    email: person.email === '' ? null : person.email,
    adminOf: [],
  };
}

/** Builds the LMS of a school. */
export function buildCanvas(school: School, filledBy: FilledBy = 'sis'): CanvasModel {
  const rootId = '1';
  const isOfSis = filledBy === 'sis';
  const accounts = new Map<string, Account>();
  const account = (id: string, name: string, parentId: string | null, sisId: string | null): void => {
    accounts.set(id, { ...bySis(isOfSis ? sisId : null), id, name, parentId, state: 'active' });
  };
  account(rootId, school.name, null, null);
  const accountOfSite = new Map<string, string>();
  for (const org of orgs(school)) {
    if (org.kind !== 'school') continue;
    const id = String(101 + accountOfSite.size);
    accountOfSite.set(org.id, id);
    account(id, org.name, rootId, org.id);
  }
  const firstSite = '101';
  account('150', 'Manually-Created Courses', rootId, null);
  account('151', 'Pilot projects', firstSite, null);

  const terms = new Map<string, Term>();
  const term = (id: string, name: string, sisId: string | null, start: string | null, end: string | null): void => {
    terms.set(id, { ...bySis(isOfSis ? sisId : null), id, name, start, end, state: 'active' });
  };
  term('1', 'Default Term', null, null, null);
  for (const session of filledBy === 'nobody' ? [] : sessions(school)) {
    if (session.kind === 'gradingPeriod' || session.kind === 'term') continue;
    const id = String(terms.size + 20);
    term(id, session.title, session.id, `${session.start}T00:00:00Z`, `${session.end}T00:00:00Z`);
  }

  const users = new Map<string, User>();
  const demo = (id: string, login: string, name: string, adminOf: readonly string[]): void => {
    users.set(id, {
      ...untouched,
      stuck: [],
      id,
      loginId: `9${id}`,
      login,
      authenticationProviderId: null,
      state: 'active',
      name,
      sortableName: name.split(' ').reverse().join(', '),
      shortName: name,
      email: `${login}@${school.emailDomain}`,
      adminOf,
    });
  };
  demo('2', canvasLogins.admin, 'Alex Admin', [...accounts.keys()]);
  demo('3', canvasLogins.siteAdmin, 'Sam Siteadmin', [firstSite, '151']);
  demo('4', canvasLogins.teacher, 'Toni Teacher', []);
  const userOfPerson = new Map<string, string>();
  for (const people of filledBy === 'nobody' ? [] : [teachers(school), students(school)]) {
    for (const person of people) {
      if (person.status !== 'active') continue;
      const id = String(1000 + users.size);
      userOfPerson.set(person.id, id);
      users.set(id, userOf(person, id, filledBy));
    }
  }

  const courses = new Map<string, Course>();
  const sections = new Map<string, Section>();
  const enrollments = new Map<string, Enrollment>();
  const yearTerm = [...terms.keys()][1] ?? '1';
  for (const course of lmsCourses(school)) {
    const isOwn = course.sections.length === 0;
    if (filledBy === 'nobody' && !isOwn) continue;
    const id = isOwn ? String(FAR_SHARD + BigInt(courses.size)) : String(5000 + courses.size);
    courses.set(id, {
      ...bySis(isOfSis ? course.sisId : null),
      id,
      name: course.name,
      code: course.code,
      accountId: course.sisId === null && !isOwn ? '150' : (accountOfSite.get(course.siteId) ?? rootId),
      termId: isOwn ? '1' : yearTerm,
      state: course.state,
      uuid: uuidFor(`${course.key}/uuid`).replaceAll('-', '').slice(0, 40),
      start: null,
      end: null,
    });
    const teacherId = course.teacher === null ? '4' : (userOfPerson.get(course.teacher.id) ?? null);
    const planned = isOwn ? [{ name: course.name, sisId: null }] : course.sections;
    for (const { name, sisId } of planned) {
      const sectionId = String(20_000 + sections.size);
      const isDefault = isOwn;
      sections.set(sectionId, {
        ...bySis(isOfSis ? sisId : null),
        id: sectionId,
        name,
        courseId: id,
        state: 'active',
        isDefault,
        start: null,
        end: null,
      });
      if (teacherId === null) continue;
      const enrollmentId = String(300_000 + enrollments.size);
      enrollments.set(enrollmentId, {
        id: enrollmentId,
        userId: teacherId,
        courseId: id,
        sectionId,
        type: 'TeacherEnrollment',
        state: course.state === 'deleted' ? 'deleted' : 'active',
        associatedUserId: null,
        limitsToSection: false,
        start: null,
        end: null,
        importId: isOfSis && sisId !== null ? birthImportId : null,
      });
    }
  }
  return withIds(
    {
      school,
      rootId,
      accounts,
      terms,
      users,
      courses,
      sections,
      enrollments,
      categories: new Map(),
      groups: new Map(),
      memberships: new Map(),
    },
    1_000_000,
  );
}

function withIds(model: Omit<CanvasModel, 'newId'>, from: number): CanvasModel {
  let nextId = from;
  return Object.assign(model, {
    newId: () => {
      nextId += 1;
      return String(nextId);
    },
  });
}

const byId = <T extends { id: string }>(records: readonly T[]): Map<string, T> =>
  new Map(records.map((record) => [record.id, record]));

/** The records of a Canvas as they are written down. */
export function recordsOf(model: CanvasModel): CanvasRecords {
  return {
    nextId: Number(model.newId()),
    accounts: [...model.accounts.values()],
    terms: [...model.terms.values()],
    users: [...model.users.values()],
    courses: [...model.courses.values()],
    sections: [...model.sections.values()],
    enrollments: [...model.enrollments.values()],
    categories: [...model.categories.values()],
    groups: [...model.groups.values()],
    memberships: [...model.memberships.values()],
  };
}

/** A Canvas of written-down records. */
export function canvasOfRecords(school: School, rootId: string, records: CanvasRecords): CanvasModel {
  return withIds(
    {
      school,
      rootId,
      accounts: byId(records.accounts),
      terms: byId(records.terms),
      users: byId(records.users),
      courses: byId(records.courses),
      sections: byId(records.sections),
      enrollments: byId(records.enrollments),
      categories: byId(records.categories),
      groups: byId(records.groups),
      memberships: byId(records.memberships),
    },
    records.nextId,
  );
}

/** An account and everything below it. */
export function accountsBelow(model: CanvasModel, id: string): ReadonlySet<string> {
  const found = new Set([id]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const account of model.accounts.values())
      if (account.parentId !== null && found.has(account.parentId)) found.add(account.id);
  }
  return found;
}

/** The sections of a course that are not deleted. */
export function sectionsOf(model: CanvasModel, courseId: string): Section[] {
  return [...model.sections.values()].filter((section) => section.courseId === courseId && section.state === 'active');
}
