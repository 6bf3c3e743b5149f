/** The web service functions that this Moodle has. Source: Moodle 4.5 external functions and what a running one answered. */

import type { Call, Value } from './call.ts';
import { invalid } from './call.ts';
import * as courses from './courses.ts';
import * as enrolments from './enrolments.ts';
import * as groups from './groups.ts';
import * as people from './people.ts';
import type { PhpArray } from './php.ts';
import { siteInfo } from './site.ts';

type WsFunction = { params: readonly string[]; run(call: Call): Value };

const searchParameters = ['criterianame', 'criteriavalue', 'page', 'perpage', 'requiredcapabilities'];

/** Every function that a service may hold, with the parameters that it knows; others are refused. */
export const functions: ReadonlyMap<string, WsFunction> = new Map<string, WsFunction>([
  ['core_webservice_get_site_info', { params: ['serviceshortnames'], run: siteInfo }],
  ['core_course_get_courses', { params: ['options'], run: courses.getCourses }],
  ['core_course_get_courses_by_field', { params: ['field', 'value'], run: courses.coursesByField }],
  [
    'core_course_search_courses',
    { params: [...searchParameters, 'limittoenrolled', 'onlywithcompletion'], run: courses.searchCourses },
  ],
  ['core_course_get_contents', { params: ['courseid', 'options'], run: courses.courseContents }],
  [
    'mod_forum_get_forum_discussions',
    { params: ['forumid', 'sortorder', 'page', 'perpage', 'groupid'], run: courses.forumDiscussions },
  ],
  ['core_course_create_courses', { params: ['courses'], run: courses.createCourses }],
  ['core_course_update_courses', { params: ['courses'], run: courses.updateCourses }],
  ['core_course_delete_courses', { params: ['courseids'], run: courses.deleteCourses }],
  ['core_course_get_categories', { params: ['criteria', 'addsubcategories'], run: courses.getCategories }],
  ['core_course_create_categories', { params: ['categories'], run: courses.createCategories }],
  ['core_course_update_categories', { params: ['categories'], run: courses.updateCategories }],
  ['core_course_delete_categories', { params: ['categories'], run: courses.deleteCategories }],
  ['core_user_get_users', { params: ['criteria'], run: people.searchUsers }],
  ['core_user_get_users_by_field', { params: ['field', 'values'], run: people.usersByField }],
  ['core_user_create_users', { params: ['users'], run: people.createUsers }],
  ['core_user_update_users', { params: ['users'], run: people.updateUsers }],
  ['core_user_set_user_preferences', { params: ['preferences'], run: people.setPreferences }],
  ['core_message_get_user_notification_preferences', { params: ['userid'], run: people.notificationPreferences }],
  ['core_enrol_get_enrolled_users', { params: ['courseid', 'options'], run: enrolments.enrolledUsers }],
  ['enrol_manual_enrol_users', { params: ['enrolments'], run: enrolments.enrolUsers }],
  ['enrol_manual_unenrol_users', { params: ['enrolments'], run: enrolments.unenrolUsers }],
  ['core_role_unassign_roles', { params: ['unassignments'], run: enrolments.unassignRoles }],
  ['core_group_get_course_groups', { params: ['courseid'], run: groups.courseGroups }],
  ['core_group_create_groups', { params: ['groups'], run: groups.createGroups }],
  ['core_group_update_groups', { params: ['groups'], run: groups.updateGroups }],
  ['core_group_delete_groups', { params: ['groupids'], run: groups.deleteGroups }],
  ['core_group_get_group_members', { params: ['groupids'], run: groups.groupMembers }],
  ['core_group_add_group_members', { params: ['members'], run: groups.addGroupMembers }],
  ['core_group_delete_group_members', { params: ['members'], run: groups.deleteGroupMembers }],
  ['core_cohort_get_cohorts', { params: ['cohortids'], run: groups.getCohorts }],
  [
    'core_cohort_search_cohorts',
    { params: ['query', 'context', 'includes', 'limitfrom', 'limitnum'], run: groups.searchCohorts },
  ],
  ['core_cohort_create_cohorts', { params: ['cohorts'], run: groups.createCohorts }],
  ['core_cohort_update_cohorts', { params: ['cohorts'], run: groups.updateCohorts }],
  ['core_cohort_delete_cohorts', { params: ['cohortids'], run: groups.deleteCohorts }],
  ['core_cohort_get_cohort_members', { params: ['cohortids'], run: groups.cohortMembers }],
  ['core_cohort_add_cohort_members', { params: ['members'], run: groups.addCohortMembers }],
  ['core_cohort_delete_cohort_members', { params: ['members'], run: groups.deleteCohortMembers }],
]);

/** Whether a function only reads: what it leaves behind need not be kept. */
export const onlyReads = (name: string): boolean => /_(?:get|search)_/.test(name);

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
