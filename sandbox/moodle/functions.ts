/** The web service functions that this Moodle has. Source: Moodle 4.5 external functions and what a running one answered. */

import type { MoodleCourse, MoodleModel, MoodleUser } from './model.ts';
import type { PhpArray, PhpValue } from './php.ts';
import { listOf, textOf } from './php.ts';

/** An exception that Moodle answers with HTTP 200. `debug` is told only while debugging is on. */
export class MoodleException extends Error {
  override name = 'MoodleException';
  readonly exception: string;
  readonly errorcode: string;
  readonly debug: string;
  constructor(exception: string, errorcode: string, message: string, debug = '') {
    super(message);
    this.exception = exception;
    this.errorcode = errorcode;
    this.debug = debug;
  }
}

/** A value as a web service returns it. `null` is what functions without a result answer. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };
export type Call = {
  model: MoodleModel;
  user: MoodleUser;
  params: PhpArray;
  raw: boolean;
  functions: readonly string[];
  siteUrl: string;
};

export const RELEASE = '4.5.6 (Build: 20250811)';
const VERSION = '2024100706';

const invalid = (debug: string): MoodleException =>
  new MoodleException('invalid_parameter_exception', 'invalidparameter', 'Invalid parameter value detected', debug);

function int(value: PhpValue | undefined, name: string): number {
  if (typeof value !== 'string' || !/^-?\d+$/.test(value))
    throw invalid(`Invalid parameter value detected: ${name} (expected integer)`);
  return Number(value);
}

/** Names pass Moodle's text filters, which escape the ampersand, unless `moodlewssettingraw` is set. */
const text = (call: Call, value: string): string => (call.raw ? value : value.replaceAll('&', '&amp;'));
const given = (name: string, value: string): { [key: string]: Value } => (value === '' ? {} : { [name]: value });

const seconds = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day) / 1000;

function isEnrolled(call: Call, course: MoodleCourse): boolean {
  return (call.model.enrolled.get(course.id) ?? []).some(({ userId }) => userId === call.user.id);
}

function requireAccess(call: Call, course: MoodleCourse): void {
  if (call.user.seesAll || isEnrolled(call, course)) return;
  throw new MoodleException(
    'core\\exception\\moodle_exception',
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
    startdate: course.id === 1 ? 0 : seconds(schoolYear, 8, 17),
    enddate: course.id === 1 ? 0 : seconds(schoolYear + 1, 7, 10),
    numsections: 4,
    maxbytes: 0,
    showreports: 0,
    visible: course.visible ? 1 : 0,
    hiddensections: 1,
    groupmode: 0,
    groupmodeforce: 0,
    defaultgroupingid: 0,
    timecreated: seconds(schoolYear, 7, 1),
    timemodified: seconds(schoolYear, 8, 1) + course.id,
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
    .filter(({ role }) => role === 'editingteacher')
    .map(({ userId }) => call.model.users.get(userId));
  return {
    ...(call.user.seesAll || isEnrolled(call, course) ? fullCourse(call, course) : publicCourse(call, course)),
    categoryname: text(call, call.model.categories.get(course.categoryId)?.name ?? ''),
    sortorder: 10_000 * course.categoryId + course.id,
    overviewfiles: [],
    contacts: contacts
      .filter((user) => user !== undefined)
      .map((user) => ({ id: user.id, fullname: `${user.firstname} ${user.lastname}` })),
    enrollmentmethods: ['manual'],
  };
}

const isVisible = (call: Call, course: MoodleCourse): boolean =>
  course.visible || call.user.seesAll || isEnrolled(call, course);

function siteInfo(call: Call): Value {
  const { user, siteUrl, model } = call;
  return {
    sitename: text(call, `${model.school.name} Moodle`),
    username: user.username,
    firstname: user.firstname,
    lastname: user.lastname,
    fullname: `${user.firstname} ${user.lastname}`,
    lang: 'en',
    userid: user.id,
    siteurl: siteUrl,
    userpictureurl: `${siteUrl}/theme/image.php/boost/core/1/u/f1`,
    functions: call.functions.map((name) => ({ name, version: VERSION })),
    downloadfiles: 0,
    uploadfiles: 0,
    release: RELEASE,
    version: VERSION,
    mobilecssurl: '',
    advancedfeatures: [{ name: 'usecomments', value: 1 }],
    usercanmanageownfiles: true,
    userquota: 104_857_600,
    usermaxuploadfilesize: -1,
    userhomepage: 1,
    siteid: 1,
    sitecalendartype: 'gregorian',
    usercalendartype: 'gregorian',
    userissiteadmin: user.isAdmin,
    theme: 'boost',
    limitconcurrentlogins: 0,
    policyagreed: 0,
  };
}

function getCourses(call: Call): Value {
  const options = call.params.get('options');
  const ids = options instanceof Map ? listOf(options, 'ids').map((id) => int(id, 'ids')) : [];
  const courses =
    ids.length === 0
      ? [...call.model.courses.values()]
      : ids.map((id) => call.model.courses.get(id)).filter((course) => course !== undefined);
  for (const course of courses) requireAccess(call, course);
  return courses.map((course) => fullCourse(call, course));
}

function coursesByField(call: Call): Value {
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
        return all.filter(({ id }) => ids.has(id));
      }
      case 'shortname':
        return all.filter(({ shortname }) => shortname === value);
      case 'idnumber':
        return all.filter(({ idnumber }) => idnumber === value);
      case 'category':
        return all.filter(({ categoryId }) => categoryId === int(value, 'value'));
      default:
        throw new MoodleException(
          'invalid_parameter_exception',
          'invalidparameter',
          'Invalid parameter value detected (Invalid field name)',
          `Invalid field name: ${field}`,
        );
    }
  };
  return {
    courses: matching()
      .filter((course) => isVisible(call, course))
      .map((course) => listedCourse(call, course)),
    warnings: [],
  };
}

function searchCourses(call: Call): Value {
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

function getCategories(call: Call): Value {
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
        throw new MoodleException(
          'core\\exception\\moodle_exception',
          'criteriaerror',
          'Missing permissions to search on a criteria.',
          `You can not search on this criteria: ${key}`,
        );
    }
  }
  return found.map((category) => ({
    id: category.id,
    name: text(call, category.name),
    ...(call.user.seesAll ? given('idnumber', category.idnumber) : {}),
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

const roles = {
  editingteacher: { roleid: 3, name: '', shortname: 'editingteacher', sortorder: 0 },
  student: { roleid: 5, name: '', shortname: 'student', sortorder: 0 },
} as const;

function wireUser(call: Call, user: MoodleUser): { [key: string]: Value } {
  return {
    id: user.id,
    username: user.username,
    firstname: user.firstname,
    lastname: user.lastname,
    fullname: `${user.firstname} ${user.lastname}`,
    email: user.email,
    ...(call.user.seesAll ? given('idnumber', user.idnumber) : {}),
    department: '',
    firstaccess: 0,
    lastaccess: 0,
    auth: 'manual',
    suspended: false,
    confirmed: true,
    lang: 'en',
    theme: '',
    timezone: '99',
    mailformat: 1,
  };
}

function enrolledUsers(call: Call): Value {
  const course = call.model.courses.get(int(call.params.get('courseid'), 'courseid'));
  if (course === undefined)
    throw new MoodleException(
      'core\\exception\\moodle_exception',
      'invalidrecord',
      "Can't find data record in database table course.",
    );
  requireAccess(call, course);
  let from = 0;
  let number = 0;
  for (const option of listOf(call.params, 'options')) {
    if (!(option instanceof Map)) continue;
    if (textOf(option, 'name') === 'limitfrom') from = int(option.get('value'), 'limitfrom');
    if (textOf(option, 'name') === 'limitnumber') number = int(option.get('value'), 'limitnumber');
  }
  const all = call.model.enrolled.get(course.id) ?? [];
  const rows = number > 0 ? all.slice(from, from + number) : all.slice(from);
  return rows.flatMap(({ userId, role }) => {
    const user = call.model.users.get(userId);
    return user === undefined
      ? []
      : [{ ...wireUser(call, user), lastcourseaccess: 0, groups: [], roles: [roles[role]] }];
  });
}

function usersByField(call: Call): Value {
  if (!call.user.seesAll)
    throw new MoodleException(
      'core\\exception\\required_capability_exception',
      'nopermissions',
      'Sorry, but you do not currently have permissions to do that (View user details).',
    );
  const field = textOf(call.params, 'field') ?? '';
  const values = new Set(listOf(call.params, 'values').map((value) => (typeof value === 'string' ? value : '')));
  const pick = (user: MoodleUser): string => {
    switch (field) {
      case 'id':
        return String(user.id);
      case 'idnumber':
        return user.idnumber;
      case 'username':
        return user.username;
      case 'email':
        return user.email;
      default:
        throw invalid(`Search field '${field}' is not supported`);
    }
  };
  return [...call.model.users.values()].filter((user) => values.has(pick(user))).map((user) => wireUser(call, user));
}

type WsFunction = { params: readonly string[]; run(call: Call): Value };

/** Every function that a service may hold, with the parameters that it knows; others are refused. */
export const functions: ReadonlyMap<string, WsFunction> = new Map<string, WsFunction>([
  ['core_webservice_get_site_info', { params: ['serviceshortnames'], run: siteInfo }],
  ['core_course_get_courses', { params: ['options'], run: getCourses }],
  ['core_course_get_courses_by_field', { params: ['field', 'value'], run: coursesByField }],
  [
    'core_course_search_courses',
    {
      params: [
        'criterianame',
        'criteriavalue',
        'page',
        'perpage',
        'requiredcapabilities',
        'limittoenrolled',
        'onlywithcompletion',
      ],
      run: searchCourses,
    },
  ],
  ['core_course_get_categories', { params: ['criteria', 'addsubcategories'], run: getCategories }],
  ['core_enrol_get_enrolled_users', { params: ['courseid', 'options'], run: enrolledUsers }],
  ['core_user_get_users_by_field', { params: ['field', 'values'], run: usersByField }],
]);

/** Throws for a parameter that the function does not know. */
export function requireKnown(params: PhpArray, name: string): void {
  const known = functions.get(name)?.params ?? [];
  const unknown = [...params.keys()].filter(
    (key) =>
      !known.includes(key) &&
      !key.startsWith('moodlewssetting') &&
      !['wstoken', 'wsfunction', 'moodlewsrestformat'].includes(key),
  );
  if (unknown.length > 0) throw invalid(`Unexpected keys (${unknown.join(', ')}) detected in parameter array.`);
}

/** Records in a value: its length, or that of the one list in it. */
export function rowsIn(value: Value): number | null {
  if (isList(value)) return value.length;
  if (value === null || typeof value !== 'object') return null;
  const list = 'courses' in value ? value.courses : undefined;
  return list !== undefined && isList(list) ? list.length : null;
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

const entities = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function element(value: Value): string {
  if (isList(value)) return `<MULTIPLE>\n${value.map(element).join('')}</MULTIPLE>\n`;
  if (value === null) return '<VALUE null="null"/>\n';
  if (typeof value === 'object')
    return `<SINGLE>\n${Object.entries(value)
      .map(([key, inner]) => `<KEY name="${entities(key)}">${element(inner)}</KEY>\n`)
      .join('')}</SINGLE>\n`;
  return `<VALUE>${entities(typeof value === 'boolean' ? (value ? '1' : '0') : String(value))}</VALUE>\n`;
}

/** A value as Moodle's REST server writes XML, its default format. */
export function toXml(value: Value): string {
  return `<?xml version="1.0" encoding="UTF-8" ?>\n<RESPONSE>\n${element(value)}</RESPONSE>\n`;
}

/** An exception in XML. */
export function exceptionXml(exception: string, errorcode: string, message: string, debug: string): string {
  const info = debug === '' ? '' : `<DEBUGINFO>${entities(debug)}</DEBUGINFO>\n`;
  return `<?xml version="1.0" encoding="UTF-8" ?>\n<EXCEPTION class="${entities(exception)}">\n<ERRORCODE>${entities(errorcode)}</ERRORCODE>\n<MESSAGE>${entities(message)}</MESSAGE>\n${info}</EXCEPTION>\n`;
}
