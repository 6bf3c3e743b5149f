import { call, type MoodleSession } from '#server/connectors/moodle/client.ts';
import {
  categoriesSchema,
  cohortMembersSchema,
  enrolledSchema,
  foundCohortsSchema,
  foundUsersSchema,
  groupsSchema,
  listedCoursesSchema,
  type StandingCategory,
  type StandingCohort,
  type StandingCourse,
  type StandingGroup,
  type StandingUser,
  standingCoursesSchema,
  usersSchema,
} from '#server/connectors/moodle/wire.ts';
import { isAddress, isUsername } from './moodle-text.ts';
import { refusalOf } from './send.ts';

const rows = (list: readonly unknown[]) => list.length;

/** Whose address has no `@` any more was deleted over there: the row stays, mangled, and comes back by its id. */
export const isDeleted = (user: StandingUser): boolean =>
  user.email !== null && user.email !== undefined && user.email !== '' && !user.email.includes('@');

type Field = 'id' | 'idnumber' | 'username' | 'email';

/** A value of another shape than its field has would be refused, and all others with it. */
const fits: Readonly<Record<Field, (value: string) => boolean>> = {
  id: (value) => /^\d+$/.test(value),
  idnumber: (value) => !/<(?=\S)/.test(value),
  username: isUsername,
  email: isAddress,
};

/** Users by exact values of one field; who is not there is absent. */
export async function usersBy(
  session: MoodleSession,
  field: Field,
  values: Iterable<string>,
): Promise<readonly StandingUser[]> {
  const wanted = [...new Set(values)].filter((value) => value !== '' && fits[field](value));
  if (wanted.length === 0) return [];
  return call(session, 'core_user_get_users_by_field', { field, values: wanted }, usersSchema, rows);
}

/** Users of an address however its letters are written, as Moodle compares it when it refuses one. */
export async function usersOfAddress(session: MoodleSession, email: string): Promise<readonly StandingUser[]> {
  const pattern = email.replaceAll(/[\\%_]/g, '\\$&');
  const parameters = { criteria: [{ key: 'email', value: pattern }] };
  const { users } = await call(session, 'core_user_get_users', parameters, foundUsersSchema, ({ users: found }) =>
    rows(found),
  );
  return users;
}

/** Courses by their ids; who is gone is absent. */
export async function coursesById(
  session: MoodleSession,
  ids: Iterable<number>,
): Promise<ReadonlyMap<number, StandingCourse>> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return new Map();
  const courses = await call(
    session,
    'core_course_get_courses',
    { options: { ids: wanted } },
    standingCoursesSchema,
    rows,
  );
  return new Map(courses.map((course) => [course.id, course]));
}

/** The course with an id number, which is unique, or null. */
export async function courseByKey(session: MoodleSession, key: string): Promise<StandingCourse | null> {
  const { courses } = await call(
    session,
    'core_course_get_courses_by_field',
    { field: 'idnumber', value: key },
    listedCoursesSchema,
    (answer) => rows(answer.courses),
  );
  return courses[0] ?? null;
}

/** Every course: Moodle has no pages for them. */
export async function allCourses(session: MoodleSession): Promise<readonly StandingCourse[]> {
  const { courses } = await call(session, 'core_course_get_courses_by_field', {}, listedCoursesSchema, (answer) =>
    rows(answer.courses),
  );
  return courses;
}

export const allCategories = (session: MoodleSession): Promise<readonly StandingCategory[]> =>
  call(session, 'core_course_get_categories', {}, categoriesSchema, rows);

/** The groups of a course, or null where the course is gone. */
export const groupsOf = (session: MoodleSession, courseId: number): Promise<readonly StandingGroup[] | null> =>
  orNull(() => call(session, 'core_group_get_course_groups', { courseid: courseId }, groupsSchema, rows));

const cohortPage = 200;

/**
 * A page of the cohorts of the whole site. Those of a category are left alone: changing one moves it to the context that is named, and
 * where it stands is not told.
 */
export async function cohortsFrom(
  session: MoodleSession,
  from: number,
): Promise<{ readonly cohorts: readonly StandingCohort[]; readonly next: number | null }> {
  const { cohorts } = await call(
    session,
    'core_cohort_search_cohorts',
    {
      query: '',
      context: { contextlevel: 'system', instanceid: 0 },
      includes: 'self',
      limitfrom: from,
      limitnum: cohortPage,
    },
    foundCohortsSchema,
    (answer) => rows(answer.cohorts),
  );
  return { cohorts, next: cohorts.length < cohortPage ? null : from + cohortPage };
}

export async function allCohorts(session: MoodleSession): Promise<readonly StandingCohort[]> {
  const found: StandingCohort[] = [];
  for (let from: number | null = 0; from !== null; ) {
    const page: Awaited<ReturnType<typeof cohortsFrom>> = await cohortsFrom(session, from);
    found.push(...page.cohorts);
    from = page.next;
  }
  return found;
}

/** Who is in a cohort, or null where it is gone. */
export async function membersOf(session: MoodleSession, cohortId: number): Promise<ReadonlySet<number> | null> {
  const answer = await orNull(() =>
    call(session, 'core_cohort_get_cohort_members', { cohortids: [cohortId] }, cohortMembersSchema, rows),
  );
  return answer === null ? null : new Set(answer.flatMap(({ userids }) => userids));
}

/** Somebody in a course. */
export interface Enrolled {
  readonly roleIds: ReadonlySet<number>;
  readonly groupIds: ReadonlySet<number>;
  /** The enrolment or the account is suspended. */
  isSuspended: boolean;
}

const peoplePage = 500;

/** Who is in a course, by user id, or null where the course is gone. Moodle tells who is suspended only to a question of its own. */
export async function enrolledIn(
  session: MoodleSession,
  courseId: number,
): Promise<ReadonlyMap<number, Enrolled> | null> {
  const read = async (userfields: string, more: readonly { name: string; value: string }[]) => {
    const found = [];
    for (let from = 0; ; from += peoplePage) {
      const options = [
        { name: 'userfields', value: userfields },
        { name: 'sortby', value: 'id' },
        { name: 'limitfrom', value: from },
        { name: 'limitnumber', value: peoplePage },
        ...more,
      ];
      const page = await call(
        session,
        'core_enrol_get_enrolled_users',
        { courseid: courseId, options },
        enrolledSchema,
        rows,
      );
      found.push(...page);
      if (page.length < peoplePage) return found;
    }
  };
  return orNull(async () => {
    const people = new Map<number, Enrolled>();
    for (const { id, roles, groups } of await read('id,roles,groups', [])) {
      people.set(id, {
        roleIds: new Set(roles.map(({ roleid }) => roleid)),
        groupIds: new Set(groups.map((group) => group.id)),
        isSuspended: false,
      });
    }
    for (const { id } of await read('id', [{ name: 'onlysuspended', value: '1' }])) {
      const person = people.get(id);
      if (person !== undefined) person.isSuspended = true;
    }
    return people;
  });
}

/** What something that is gone over there answers: the same for a course, a group and a cohort, and no reason to give up. */
async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    const code = refusalOf(error);
    if (code === 'invalidrecord' || code === 'errorcoursecontextnotvalid' || code === 'invalidparameter') return null;
    throw error;
  }
}
