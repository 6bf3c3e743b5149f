import { call, type MoodleSession } from '#server/connectors/moodle/client.ts';
import {
  contentsSchema,
  discussionsSchema,
  madeSchema,
  type StandingCourse,
  voidSchema,
  warningsSchema,
} from '#server/connectors/moodle/wire.ts';
import type { PushBatch, PushChange, PushOutcome, PushProblem } from '#server/connectors/push-contract.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { longest, nameFor, secondsBefore, secondsOf } from './moodle-text.ts';
import { done, idOf, refused, unknown } from './outcome.ts';
import { allCategories, courseByKey, coursesById, enrolledIn } from './reads.ts';
import { type Deadline, sendHalving } from './send.ts';

type CourseChange = PushChange<'course'>;
type Content = NonNullable<CourseChange['content']>;

const meanings: Readonly<Record<string, PushProblem>> = {
  shortnametaken: 'code-taken',
  courseidnumbertaken: 'key-taken',
  errorcatcontextnotvalid: 'parent-missing',
  enddatebeforestartdate: 'date-refused',
  nostartdatenoenddate: 'date-refused',
  invalidrecord: 'gone-over-there',
  errorcoursecontextnotvalid: 'gone-over-there',
  nopermissions: 'rights-missing',
  requireloginerror: 'rights-missing',
};
const refusal = (change: CourseChange, code: string) => refused(change, meanings[code] ?? 'refused', { code });

export function deliverCourses(
  session: MoodleSession,
  batch: PushBatch<'course'>,
  deadline: Deadline,
): Promise<readonly PushOutcome[]> {
  switch (batch.action) {
    case 'create':
      return create(session, batch, deadline);
    case 'adopt':
      return adopt(session, batch.changes);
    case 'update':
      return change(session, batch.changes, updated);
    case 'suspend':
      return change(session, batch.changes, (_content, course) => ({ id: course.id, visible: 0 }));
    case 'restore':
      return change(session, batch.changes, (_content, course) => ({ id: course.id, visible: 1 }));
    case 'remove':
      return remove(session, batch.changes, deadline);
  }
}

async function byKey(session: MoodleSession, changes: readonly CourseChange[], deadline: Deadline) {
  const found = new Map<string, StandingCourse>();
  for (const { key } of changes) {
    if (deadline.isOver()) break;
    const course = await courseByKey(session, key);
    if (course !== null) found.set(key, course);
  }
  return found;
}

async function create(session: MoodleSession, batch: PushBatch<'course'>, deadline: Deadline) {
  const before = batch.mayHaveBeenSent
    ? await byKey(session, batch.changes, deadline)
    : new Map<string, StandingCourse>();
  const outcomes: PushOutcome[] = [];
  const wanted: { change: CourseChange; row: { [field: string]: string | number } }[] = [];
  let standard: number | null = null;
  for (const change of batch.changes) {
    const { content, key } = change;
    const there = before.get(key);
    if (there !== undefined) {
      outcomes.push(done(change, there.id, there.fullname));
      continue;
    }
    if (content === null || content.name === null || content.code === null) {
      outcomes.push(refused(change, 'name-refused'));
      continue;
    }
    standard ??= content.category === null ? await standardCategory(session) : null;
    const categoryid = content.category === null ? standard : idOf(content.category.foreignId);
    if (categoryid === null) {
      outcomes.push(refused(change, 'parent-missing'));
      continue;
    }
    const startdate = secondsOf(content.startsOn);
    wanted.push({
      change,
      row: {
        fullname: nameFor(content.name, longest.course),
        shortname: nameFor(content.code, longest.courseCode),
        categoryid,
        idnumber: key,
        startdate,
        // Without a word on it Moodle takes a year; without a start it takes no end.
        enddate: startdate === 0 ? 0 : secondsBefore(content.endsOn),
      },
    });
  }
  const ids = new Map<string, number>();
  const sent = await sendHalving(deadline, wanted, async (rows) => {
    const made = await call(
      session,
      'core_course_create_courses',
      { courses: rows.map(({ row }) => row) },
      madeSchema,
      (list) => list.length,
    );
    for (const [n, { id }] of made.entries()) {
      const key = rows[n]?.change.key;
      if (key !== undefined) ids.set(key, id);
    }
  });
  const standing = await coursesById(session, ids.values());
  for (const row of wanted) {
    const { change } = row;
    const told = standing.get(ids.get(change.key) ?? 0);
    // Another id than it has, no answer for it, or one that is taken: it is looked for by its key, which no two courses have.
    const there =
      told?.idnumber === change.key ? told : sent.unsent.has(row) ? null : await courseByKey(session, change.key);
    const code = sent.refused.get(row);
    if (there !== null) outcomes.push(done(change, there.id, there.fullname));
    else if (sent.unsent.has(row)) outcomes.push(unknown(change));
    else outcomes.push(code === undefined ? refused(change, 'not-written') : refusal(change, code));
  }
  return outcomes;
}

/** Where a course goes that no site has a place for: the oldest category at the top. */
async function standardCategory(session: MoodleSession): Promise<number> {
  const tops = (await allCategories(session)).filter(({ parent }) => parent === 0).map(({ id }) => id);
  if (tops.length === 0) throw new CrosswalkError('rights-missing', { details: { problem: 'no-category-visible' } });
  return Math.min(...tops);
}

interface Row {
  readonly id: number;
  readonly [field: string]: string | number;
}

/** The fields that are wanted. Moodle judges an end by the start that comes with it, not by the one that stands there. */
function updated(content: Content | null, course: StandingCourse): Row | null {
  if (content === null) return null;
  const category = content.category === null ? null : idOf(content.category.foreignId);
  const startdate = content.startsOn === null ? course.startdate : secondsOf(content.startsOn);
  const enddate = content.endsOn === null ? course.enddate : secondsBefore(content.endsOn);
  const hasDates = content.startsOn !== null || content.endsOn !== null;
  return {
    id: course.id,
    ...(content.name === null ? {} : { fullname: nameFor(content.name, longest.course) }),
    ...(content.code === null ? {} : { shortname: nameFor(content.code, longest.courseCode) }),
    ...(category === null ? {} : { categoryid: category }),
    ...(hasDates ? { startdate, enddate: startdate === 0 ? 0 : enddate } : {}),
  };
}

const isAs = (course: StandingCourse, row: Row) =>
  Object.entries(row).every(([field, value]) => Reflect.get(course, field) === value);

/** Writes what is wanted of courses that stand there, one by one over there, and reads back what they are then. */
async function change(
  session: MoodleSession,
  changes: readonly CourseChange[],
  rowOf: (content: Content | null, course: StandingCourse) => Row | null,
): Promise<readonly PushOutcome[]> {
  const ids = changes.flatMap(({ foreignId }) => idOf(foreignId) ?? []);
  const before = await coursesById(session, ids);
  const rows = new Map<number, Row>();
  for (const { foreignId, content } of changes) {
    const course = before.get(idOf(foreignId) ?? 0);
    const row = course === undefined ? null : rowOf(content, course);
    if (course !== undefined && row !== null && !isAs(course, row)) rows.set(course.id, row);
  }
  const codes = await write(session, [...rows.values()]);
  const after = rows.size === 0 ? before : await coursesById(session, ids);
  return changes.map((one) => {
    const course = after.get(idOf(one.foreignId) ?? 0);
    if (course === undefined) return refused(one, 'gone-over-there');
    const row = rows.get(course.id);
    const code = codes.get(course.id);
    if (row === undefined || isAs(course, row)) return done(one, course.id, course.fullname);
    return code === undefined ? refused(one, 'not-written') : refusal(one, code);
  });
}

async function write(session: MoodleSession, rows: readonly Row[]): Promise<ReadonlyMap<number, string>> {
  const codes = new Map<number, string>();
  const { refused: cut } = await sendHalving({ isOver: () => false }, rows, async (part) => {
    const { warnings } = await call(
      session,
      'core_course_update_courses',
      { courses: part },
      warningsSchema,
      () => part.length,
    );
    for (const { itemid, warningcode } of warnings) codes.set(itemid, warningcode);
  });
  for (const [{ id }, code] of cut) codes.set(id, code);
  return codes;
}

async function adopt(session: MoodleSession, changes: readonly CourseChange[]) {
  const before = await coursesById(
    session,
    changes.flatMap(({ foreignId }) => idOf(foreignId) ?? []),
  );
  const isFree = (one: CourseChange) => {
    const key = before.get(idOf(one.foreignId) ?? 0)?.idnumber;
    return key === undefined || key === '' || key === one.key;
  };
  const taken = changes.filter((one) => !isFree(one)).map((one) => refused(one, 'key-taken'));
  const keys = new Map(changes.map(({ foreignId, key }) => [idOf(foreignId), key]));
  const rest = await change(session, changes.filter(isFree), (_content, course) => ({
    id: course.id,
    idnumber: keys.get(course.id) ?? '',
  }));
  return [...taken, ...rest];
}

/** Deletes a course in which nothing of others stands; else it is hidden, and what is in it stays. */
async function remove(session: MoodleSession, changes: readonly CourseChange[], deadline: Deadline) {
  const before = await coursesById(
    session,
    changes.flatMap(({ foreignId }) => idOf(foreignId) ?? []),
  );
  const outcomes: PushOutcome[] = [];
  for (const one of changes) {
    const course = before.get(idOf(one.foreignId) ?? 0);
    if (course === undefined) outcomes.push(done(one, null));
    else if (deadline.isOver()) outcomes.push(unknown(one));
    // Somebody over there has given it another id: it is not ours any more.
    else if (course.idnumber !== undefined && course.idnumber !== one.key) outcomes.push(refused(one, 'key-taken'));
    else if (await holdsOthers(session, course.id)) {
      const codes = await write(session, course.visible === 0 ? [] : [{ id: course.id, visible: 0 }]);
      const code = codes.get(course.id);
      outcomes.push(code === undefined ? done(one, course.id, course.fullname, { hidden: true }) : refusal(one, code));
    } else {
      const { warnings } = await call(
        session,
        'core_course_delete_courses',
        { courseids: [course.id] },
        warningsSchema,
        () => 1,
      );
      const [warning] = warnings;
      outcomes.push(warning === undefined ? done(one, null) : refusal(one, warning.warningcode));
    }
  }
  return outcomes;
}

/** People, activities, texts, or announcements in the forum that every new course has. */
async function holdsOthers(session: MoodleSession, courseId: number): Promise<boolean> {
  const people = await enrolledIn(session, courseId);
  if (people === null || people.size > 0) return people !== null;
  const sections = await call(
    session,
    'core_course_get_contents',
    { courseid: courseId },
    contentsSchema,
    (list) => list.length,
  );
  const modules = sections.flatMap((section) => section.modules);
  if (sections.some(({ summary }) => (summary ?? '') !== '')) return true;
  if (modules.length > 1 || modules.some(({ modname }) => modname !== 'forum')) return true;
  const [forum] = modules;
  if (forum === undefined) return false;
  const { discussions } = await call(
    session,
    'mod_forum_get_forum_discussions',
    { forumid: forum.instance },
    discussionsSchema,
    (answer) => answer.discussions.length,
  );
  return discussions.length > 0;
}

export async function deliverCategories(
  session: MoodleSession,
  batch: PushBatch<'category'>,
  deadline: Deadline,
): Promise<readonly PushOutcome[]> {
  const before = await allCategories(session);
  const known = new Map(before.map((category) => [category.id, category]));
  const keyed = new Map(before.map((category) => [category.idnumber ?? '', category]));
  const outcomes: PushOutcome[] = [];
  const wanted: { change: PushChange<'category'>; row: { [field: string]: string | number } }[] = [];
  for (const change of batch.changes) {
    const there = known.get(idOf(change.foreignId) ?? 0);
    const holder = keyed.get(change.key);
    if (batch.action === 'create') {
      if (holder !== undefined) outcomes.push(done(change, holder.id, holder.name));
      else if (change.content === null) outcomes.push(refused(change, 'name-refused'));
      else {
        const row = { name: nameFor(change.content.name, longest.category), idnumber: change.key, parent: 0 };
        wanted.push({ change, row });
      }
    } else if (there === undefined) {
      outcomes.push(batch.action === 'remove' ? done(change, null) : refused(change, 'gone-over-there'));
    } else if (batch.action === 'update' && change.content !== null) {
      wanted.push({ change, row: { id: there.id, name: nameFor(change.content.name, longest.category) } });
    } else if (batch.action === 'adopt') {
      if ((there.idnumber ?? '') !== '' && there.idnumber !== change.key) outcomes.push(refused(change, 'key-taken'));
      else if (holder !== undefined && holder.id !== there.id) outcomes.push(refused(change, 'key-taken'));
      else wanted.push({ change, row: { id: there.id, idnumber: change.key } });
    } else if (batch.action === 'remove') {
      const isEmpty = there.coursecount === 0 && before.every(({ parent }) => parent !== there.id);
      const refuge = before.find(({ id, parent }) => id !== there.id && parent === 0);
      // What came to stand in it in this moment would be moved, not lost.
      if (isEmpty && refuge !== undefined)
        wanted.push({ change, row: { id: there.id, newparent: refuge.id, recursive: 0 } });
      else outcomes.push(done(change, there.id, there.name, { kept: true }));
    } else {
      // A category has no state of its own.
      outcomes.push(done(change, there.id, there.name));
    }
  }
  if (wanted.length === 0) return outcomes;
  const sent = await sendHalving(deadline, wanted, async (rows) => {
    const categories = rows.map(({ row }) => row);
    if (batch.action === 'create')
      await call(session, 'core_course_create_categories', { categories }, madeSchema, (made) => made.length);
    else if (batch.action === 'remove')
      await call(session, 'core_course_delete_categories', { categories }, voidSchema, () => rows.length);
    else await call(session, 'core_course_update_categories', { categories }, voidSchema, () => rows.length);
  });
  const after = await allCategories(session);
  for (const row of wanted) {
    const { change } = row;
    const id = idOf(change.foreignId);
    const there = after.find((category) => category.id === id || category.idnumber === change.key);
    const code = sent.refused.get(row);
    const isThere =
      there !== undefined && Object.entries(row.row).every(([field, value]) => Reflect.get(there, field) === value);
    if (batch.action === 'remove' ? there === undefined : isThere)
      outcomes.push(done(change, there?.id ?? null, there?.name ?? null));
    else if (sent.unsent.has(row)) outcomes.push(unknown(change));
    else if (code === undefined) outcomes.push(refused(change, 'not-written'));
    else outcomes.push(refused(change, code === 'categoryidnumbertaken' ? 'key-taken' : 'refused', { code }));
  }
  return outcomes;
}
