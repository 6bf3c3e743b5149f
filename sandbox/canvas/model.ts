/** What the Canvas-shaped LMS of one school holds: accounts, terms, users, courses and sections, made from the same school. */

import { orgs, sessions, students, teachers } from '../generator/collections.ts';
import { lmsCourses } from '../generator/lms.ts';
import { draw, uuidFor } from '../generator/prng.ts';
import type { PersonRecord } from '../generator/records.ts';
import type { School } from '../generator/school.ts';

export type Account = { id: string; name: string; parentId: string | null; sisId: string | null };
export type Term = { id: string; name: string; sisId: string | null; start: string | null; end: string | null };
export type User = {
  id: string;
  login: string;
  name: string;
  sortableName: string;
  email: string | null;
  sisId: string | null;
  /** Accounts that the user administers, sub-accounts included; empty for everybody else. */
  adminOf: readonly string[];
};
export type Section = { id: string; name: string; sisId: string | null; courseId: string };
export type Course = {
  id: string;
  name: string;
  code: string;
  sisId: string | null;
  accountId: string;
  termId: string;
  state: 'available' | 'unpublished' | 'completed' | 'deleted';
  uuid: string;
  teacherId: string | null;
  sectionIds: readonly string[];
};

export type CanvasModel = {
  school: School;
  rootId: string;
  accounts: Map<string, Account>;
  terms: Map<string, Term>;
  users: Map<string, User>;
  courses: Map<string, Course>;
  sections: Map<string, Section>;
};

/** Demo users of every Canvas of the sandbox; the password is the same for all and stands on the sign-in page. */
export const canvasLogins = {
  admin: 'canvas-admin',
  siteAdmin: 'canvas-site-admin',
  teacher: 'canvas-teacher',
  password: 'canvas-demo',
} as const;

/** Ids beyond 2^53, as Canvas gives for records of another shard. */
const FAR_SHARD = 10_070_000_000_000_000n;

function userOf(person: PersonRecord, id: string): User {
  const name = `${person.given} ${person.family}`;
  const isLinked = draw(`canvas-user/${person.id}`, 10) < 8;
  return {
    id,
    login: person.username,
    name,
    sortableName: `${person.family}, ${person.given}`,
    email: person.email === '' ? null : person.email,
    sisId: isLinked ? person.id : null,
    adminOf: [],
  };
}

/** Builds the LMS of a school. */
export function buildCanvas(school: School): CanvasModel {
  const rootId = '1';
  const accounts = new Map<string, Account>([[rootId, { id: rootId, name: school.name, parentId: null, sisId: null }]]);
  const accountOfSite = new Map<string, string>();
  for (const org of orgs(school)) {
    if (org.kind !== 'school') continue;
    const id = String(101 + accountOfSite.size);
    accountOfSite.set(org.id, id);
    accounts.set(id, { id, name: org.name, parentId: rootId, sisId: org.id });
  }
  const firstSite = '101';
  accounts.set('150', { id: '150', name: 'Manually-Created Courses', parentId: rootId, sisId: null });
  accounts.set('151', { id: '151', name: 'Pilot projects', parentId: firstSite, sisId: null });

  const terms = new Map<string, Term>([['1', { id: '1', name: 'Default Term', sisId: null, start: null, end: null }]]);
  for (const session of sessions(school)) {
    if (session.kind === 'gradingPeriod' || session.kind === 'term') continue;
    const id = String(terms.size + 20);
    terms.set(id, {
      id,
      name: session.title,
      sisId: session.id,
      start: `${session.start}T00:00:00Z`,
      end: `${session.end}T00:00:00Z`,
    });
  }

  const users = new Map<string, User>();
  const demo = (id: string, login: string, name: string, adminOf: readonly string[]): void => {
    users.set(id, {
      id,
      login,
      name,
      sortableName: name.split(' ').reverse().join(', '),
      email: `${login}@${school.emailDomain}`,
      sisId: null,
      adminOf,
    });
  };
  demo('2', canvasLogins.admin, 'Alex Admin', [...accounts.keys()]);
  demo('3', canvasLogins.siteAdmin, 'Sam Siteadmin', [firstSite, '151']);
  demo('4', canvasLogins.teacher, 'Toni Teacher', []);
  const userOfPerson = new Map<string, string>();
  for (const people of [teachers(school), students(school)]) {
    for (const person of people) {
      if (person.status !== 'active') continue;
      const id = String(1000 + users.size);
      userOfPerson.set(person.id, id);
      users.set(id, userOf(person, id));
    }
  }

  const courses = new Map<string, Course>();
  const sections = new Map<string, Section>();
  const yearTerm = [...terms.keys()][1] ?? '1';
  for (const course of lmsCourses(school)) {
    const isOwn = course.sections.length === 0;
    const id = isOwn ? String(FAR_SHARD + BigInt(courses.size)) : String(5000 + courses.size);
    const planned = isOwn ? [{ name: course.name, sisId: null }] : course.sections;
    const sectionIds = planned.map(({ name, sisId }) => {
      const sectionId = String(20_000 + sections.size);
      sections.set(sectionId, { id: sectionId, name, sisId, courseId: id });
      return sectionId;
    });
    courses.set(id, {
      id,
      name: course.name,
      code: course.code,
      sisId: course.sisId,
      accountId: course.sisId === null && !isOwn ? '150' : (accountOfSite.get(course.siteId) ?? rootId),
      termId: isOwn ? '1' : yearTerm,
      state: course.state,
      uuid: uuidFor(`${course.key}/uuid`).replaceAll('-', '').slice(0, 40),
      teacherId: course.teacher === null ? '4' : (userOfPerson.get(course.teacher.id) ?? null),
      sectionIds,
    });
  }
  return { school, rootId, accounts, terms, users, courses, sections };
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
