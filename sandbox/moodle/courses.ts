/** Categories and courses. Source: course/externallib.php of Moodle 4.5, and what a running one answered. */

import type { Call, Row, Value } from './call.ts';
import {
  allOrNothing,
  courseNamed,
  failed,
  idsOf,
  int,
  invalid,
  MoodleException,
  missingRecord,
  requireWriter,
  rowsOf,
  text,
} from './call.ts';
import type { MoodleCourse } from './model.ts';
import { deleteCourse, roleIds } from './model.ts';
import { listOf, textOf } from './php.ts';

const seconds = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day) / 1000;

function isEnrolled(call: Call, course: MoodleCourse): boolean {
  return (call.model.enrolled.get(course.id) ?? []).some(({ userId }) => userId === call.user.id);
}

export function requireAccess(call: Call, course: MoodleCourse): void {
  if (call.user.seesAll || isEnrolled(call, course)) return;
  throw failed(
    'errorcoursecontextnotvalid',
    `You cannot execute functions in the course context (course id:${course.id}). The context error message was: Course or activity not accessible. (Not enrolled)`,
  );
}

function publicCourse(call: Call, course: MoodleCourse): { [key: string]: Value } {
  return {
    id: course.id,
    fullname: text(call, course.fullname),
    displayname: text(call, course.fullname),
    shortname: text(call, course.shortname),
    categoryid: course.categoryId,
    summary: '',
    summaryformat: 1,
  };
}

function fullCourse(call: Call, course: MoodleCourse): { [key: string]: Value } {
  const { schoolYear } = call.model.school;
  return {
    ...publicCourse(call, course),
    categorysortorder: 10_000 * course.categoryId + course.id,
    // Empty, not left out, as a running 4.5.6 answers.
    idnumber: course.idnumber,
    format: course.id === 1 ? 'site' : 'topics',
    showgrades: 1,
    newsitems: 5,
    startdate: course.startdate,
    enddate: course.enddate,
    numsections: 4,
    maxbytes: 0,
    showreports: 0,
    visible: course.visible ? 1 : 0,
    hiddensections: 1,
    groupmode: 0,
    groupmodeforce: 0,
    defaultgroupingid: 0,
    timecreated: seconds(schoolYear, 7, 1),
    timemodified: course.timemodified,
    enablecompletion: 1,
    completionnotify: 0,
    lang: '',
    forcetheme: '',
    courseformatoptions: [{ name: 'hiddensections', value: 1 }],
    showactivitydates: true,
    showcompletionconditions: true,
    customfields: [],
  };
}

function listedCourse(call: Call, course: MoodleCourse): { [key: string]: Value } {
  const contacts = (call.model.enrolled.get(course.id) ?? [])
    .filter(({ roleIds: held }) => held.includes(roleIds.editingteacher))
    .map(({ userId }) => call.model.users.get(userId));
  return {
    ...(call.user.seesAll || isEnrolled(call, course) ? fullCourse(call, course) : publicCourse(call, course)),
    categoryname: text(call, call.model.categories.get(course.categoryId)?.name ?? ''),
    sortorder: 10_000 * course.categoryId + course.id,
    overviewfiles: [],
    contacts: contacts
      .filter((user) => user !== undefined)
      .map((user) => ({ id: user.id, fullname: `${user.firstname} ${user.lastname}` })),
    enrollmentmethods: course.methods,
  };
}

const isVisible = (call: Call, course: MoodleCourse): boolean =>
  course.visible || call.user.seesAll || isEnrolled(call, course);

/** Ids that no course has are passed over without a word. */
export function getCourses(call: Call): Value {
  const options = call.params.get('options');
  const ids = options instanceof Map ? listOf(options, 'ids').map((id) => int(id, 'ids')) : [];
  const courses =
    ids.length === 0
      ? [...call.model.courses.values()]
      : [...new Set(ids)].map((id) => call.model.courses.get(id)).filter((course) => course !== undefined);
  for (const course of courses) requireAccess(call, course);
  return courses.map((course) => fullCourse(call, course));
}

export function coursesByField(call: Call): Value {
  const field = textOf(call.params, 'field') ?? '';
  const value = textOf(call.params, 'value') ?? '';
  const all = [...call.model.courses.values()];
  const matching = (): MoodleCourse[] => {
    switch (field) {
      case '':
        return all;
      case 'id':
        return all.filter(({ id }) => id === int(value, 'value'));
      case 'ids': {
        const ids = new Set(value.split(',').map((id) => int(id.trim(), 'value')));
        // An id that no course has ends in an error of PHP, which has no code.
        if ([...ids].some((id) => !call.model.courses.has(id)))
          throw new MoodleException('Error', '', 'Attempt to assign property "contextvalidated" on null');
        return all.filter(({ id }) => ids.has(id));
      }
      case 'shortname':
        return all.filter(({ shortname }) => shortname === value);
      case 'idnumber':
        return all.filter(({ idnumber }) => idnumber === value);
      case 'category':
        return all.filter(({ categoryId }) => categoryId === int(value, 'value'));
      default:
        throw invalid(`Invalid field name: ${field}`);
    }
  };
  return {
    courses: matching()
      .filter((course) => isVisible(call, course))
      .map((course) => listedCourse(call, course)),
    warnings: [],
  };
}

export function searchCourses(call: Call): Value {
  const name = textOf(call.params, 'criterianame') ?? '';
  if (name !== 'search') throw invalid(`Invalid criteria name: ${name}`);
  const wanted = (textOf(call.params, 'criteriavalue') ?? '').toLowerCase();
  const page = int(call.params.get('page') ?? '0', 'page');
  const perPage = int(call.params.get('perpage') ?? '0', 'perpage');
  const found = [...call.model.courses.values()].filter(
    (course) =>
      course.id !== 1 &&
      isVisible(call, course) &&
      [course.fullname, course.shortname, course.idnumber].some((value) => value.toLowerCase().includes(wanted)),
  );
  const rows = perPage > 0 ? found.slice(page * perPage, (page + 1) * perPage) : found;
  return { total: found.length, courses: rows.map((course) => listedCourse(call, course)), warnings: [] };
}

const courseFields = {
  fullname: 'plain',
  shortname: 'plain',
  categoryid: 'int',
  idnumber: 'raw',
  summary: 'raw',
  summaryformat: 'int',
  startdate: 'int',
  enddate: 'int',
  visible: 'int',
  groupmode: 'int',
} as const;

function requireUnique(call: Call, row: Row, but: number): void {
  for (const [field, code] of [
    ['shortname', 'shortnametaken'],
    ['idnumber', 'courseidnumbertaken'],
  ] as const) {
    const value = row.text(field);
    if (value !== '' && [...call.model.courses.values()].some((other) => other.id !== but && other[field] === value))
      throw failed(code, `${field} is already used for another course (${value})`);
  }
}

function requireDates(startdate: number, enddate: number): void {
  if (enddate === 0) return;
  if (startdate === 0) throw failed('nostartdatenoenddate', 'A course end date can only be set with a start date.');
  if (enddate <= startdate) throw failed('enddatebeforestartdate', 'The course end date must be after the start date.');
}

export function createCourses(call: Call): Value {
  requireWriter(call, 'Create courses');
  const rows = rowsOf(call, 'courses', {
    ...courseFields,
    fullname: ['plain', 'required'],
    shortname: ['plain', 'required'],
    categoryid: ['int', 'required'],
  });
  return allOrNothing(call, () =>
    rows.map((row) => {
      if (!call.model.categories.has(row.int('categoryid')))
        throw failed(
          'errorcatcontextnotvalid',
          `You cannot execute functions in the category context (category id:${row.text('categoryid')}).`,
        );
      for (const name of ['fullname', 'shortname'])
        if (row.text(name).trim() === '') throw failed('errorinvalidparam', `The param "${name}" is invalid.`);
      requireUnique(call, row, 0);
      const startdate = row.has('startdate') ? row.int('startdate') : call.now - (call.now % 86_400);
      const enddate = row.has('enddate') ? row.int('enddate') : startdate + 365 * 86_400;
      requireDates(startdate, enddate);
      const id = call.model.nextId();
      call.model.courses.set(id, {
        id,
        shortname: row.text('shortname'),
        fullname: row.text('fullname'),
        idnumber: row.text('idnumber'),
        categoryId: row.int('categoryid'),
        visible: !row.has('visible') || row.int('visible') === 1,
        classId: '',
        startdate,
        enddate,
        timemodified: call.now,
        welcome: call.settings.welcome,
        methods: call.settings.manualEnrolment ? ['manual'] : [],
        activities: [],
        announcements: [],
      });
      call.model.enrolled.set(id, []);
      return { id, shortname: row.text('shortname') };
    }),
  );
}

export function updateCourses(call: Call): Value {
  requireWriter(call, 'Update course settings');
  const rows = rowsOf(call, 'courses', { ...courseFields, id: ['int', 'required'] });
  const warnings: Value[] = [];
  for (const row of rows) {
    const id = row.int('id');
    try {
      const course = call.model.courses.get(id);
      if (course === undefined) throw missingRecord('course');
      requireUnique(call, row, id);
      // What does not come is not taken from what stands there.
      requireDates(row.has('startdate') ? row.int('startdate') : 0, row.has('enddate') ? row.int('enddate') : 0);
      if (row.has('categoryid') && !call.model.categories.has(row.int('categoryid')))
        throw missingRecord('course_categories');
      for (const name of ['fullname', 'shortname', 'idnumber'] as const)
        if (row.has(name)) course[name] = row.text(name);
      for (const name of ['startdate', 'enddate'] as const) if (row.has(name)) course[name] = row.int(name);
      if (row.has('categoryid')) course.categoryId = row.int('categoryid');
      if (row.has('visible')) course.visible = row.int('visible') === 1;
      course.timemodified = call.now;
    } catch (error) {
      if (!(error instanceof MoodleException)) throw error;
      warnings.push({ item: 'course', itemid: id, warningcode: error.errorcode, message: error.message });
    }
  }
  return { warnings };
}

export function deleteCourses(call: Call): Value {
  requireWriter(call, 'Delete courses');
  const warnings: Value[] = [];
  for (const id of idsOf(call, 'courseids'))
    if (!deleteCourse(call.model, id))
      warnings.push({
        item: 'course',
        itemid: id,
        warningcode: 'unknowncourseidnumber',
        message: `Unknown course ID ${id}`,
      });
  return { warnings };
}

/** What stands in the forum for announcements that every new course has; its number is that of the course. */
export function forumDiscussions(call: Call): Value {
  const course = call.model.courses.get(int(call.params.get('forumid'), 'forumid'));
  if (course === undefined) throw missingRecord('forum');
  requireAccess(call, course);
  return { discussions: course.announcements.map((subject) => ({ name: subject, subject })), warnings: [] };
}

/** Every new course has a forum for announcements. */
export function courseContents(call: Call): Value {
  const course = courseNamed(call, int(call.params.get('courseid'), 'courseid'));
  requireAccess(call, course);
  const modules = [
    { id: course.id * 100, name: 'Announcements', modname: 'forum', instance: course.id },
    ...course.activities.map((name, n) => ({ id: course.id * 100 + n + 1, name, modname: 'assign', instance: n + 1 })),
  ];
  return [{ id: course.id, name: 'General', visible: 1, summary: '', section: 0, modules }];
}

export function getCategories(call: Call): Value {
  const { categories, courses } = call.model;
  let found = [...categories.values()];
  for (const criterion of listOf(call.params, 'criteria')) {
    const key = criterion instanceof Map ? (textOf(criterion, 'key') ?? '') : '';
    const value = criterion instanceof Map ? (textOf(criterion, 'value') ?? '') : '';
    switch (key) {
      case 'id':
        found = found.filter(({ id }) => id === int(value, 'value'));
        break;
      case 'ids':
        found = found.filter(({ id }) => value.split(',').includes(String(id)));
        break;
      case 'name':
        found = found.filter(({ name }) => name === value);
        break;
      case 'parent':
        found = found.filter(({ parent }) => parent === int(value, 'value'));
        break;
      case 'idnumber':
        found = found.filter(({ idnumber }) => idnumber === value);
        break;
      case 'visible':
        break;
      default:
        throw failed('criteriaerror', 'Missing permissions to search on a criteria.');
    }
  }
  return found.map((category) => ({
    id: category.id,
    name: text(call, category.name),
    ...(call.user.mayWrite ? { idnumber: category.idnumber === '' ? null : category.idnumber } : {}),
    description: '',
    descriptionformat: 1,
    parent: category.parent,
    sortorder: category.id * 10_000,
    coursecount: [...courses.values()].filter(({ categoryId }) => categoryId === category.id).length,
    visible: 1,
    visibleold: 1,
    timemodified: seconds(call.model.school.schoolYear, 7, 1),
    depth: category.parent === 0 ? 1 : 2,
    path: category.parent === 0 ? `/${category.id}` : `/${category.parent}/${category.id}`,
    theme: '',
  }));
}

const categoryFields = { name: 'plain', parent: 'int', idnumber: 'raw', description: 'raw' } as const;

export function createCategories(call: Call): Value {
  requireWriter(call, 'Manage categories');
  const rows = rowsOf(call, 'categories', { ...categoryFields, name: ['plain', 'required'] });
  return allOrNothing(call, () =>
    rows.map((row) => {
      const parent = row.has('parent') ? row.int('parent') : 0;
      if (parent !== 0 && !call.model.categories.has(parent)) throw failed('unknowcategory', 'Category unknown');
      const idnumber = row.text('idnumber');
      if (idnumber !== '' && [...call.model.categories.values()].some((other) => other.idnumber === idnumber))
        throw failed('categoryidnumbertaken', 'ID number is already used for another category');
      const id = call.model.nextId();
      call.model.categories.set(id, { id, name: row.text('name'), idnumber, parent });
      return { id, name: text(call, row.text('name')) };
    }),
  );
}

export function updateCategories(call: Call): Value {
  requireWriter(call, 'Manage categories');
  const rows = rowsOf(call, 'categories', { ...categoryFields, id: ['int', 'required'] });
  return allOrNothing(call, () => {
    for (const row of rows) {
      const category = call.model.categories.get(row.int('id'));
      if (category === undefined) throw failed('unknowncategory', 'Category unknown');
      const idnumber = row.text('idnumber');
      const isTaken = [...call.model.categories.values()].some(
        (other) => other.id !== category.id && other.idnumber === idnumber,
      );
      if (idnumber !== '' && isTaken)
        throw failed('categoryidnumbertaken', 'ID number is already used for another category');
      for (const name of ['name', 'idnumber'] as const) if (row.has(name)) category[name] = row.text(name);
      if (row.has('parent')) category.parent = row.int('parent');
    }
    return null;
  });
}

export function deleteCategories(call: Call): Value {
  requireWriter(call, 'Manage categories');
  const rows = rowsOf(call, 'categories', { id: ['int', 'required'], newparent: 'int', recursive: 'bool' });
  return allOrNothing(call, () => {
    for (const row of rows) {
      const id = row.int('id');
      if (!call.model.categories.has(id)) throw failed('unknowncategory', 'Category unknown');
      const inside = [...call.model.courses.values()].filter(({ categoryId }) => categoryId === id);
      if (row.text('recursive') === '1') for (const course of inside) deleteCourse(call.model, course.id);
      // Without a word on where to, what is inside moves to the parent.
      else {
        const parent = call.model.categories.get(id)?.parent ?? 0;
        const to = row.has('newparent') ? row.int('newparent') : parent;
        if (to === 0) throw failed('movecatcontentstoroot', 'Courses must be moved into a category.');
        for (const course of inside) course.categoryId = to;
      }
      call.model.categories.delete(id);
    }
    return null;
  });
}
