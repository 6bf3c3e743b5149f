import { z } from 'zod';
import { webAddressSchema } from '#server/connectors/exchange/web-address.ts';

const roleIdSchema = z
  .string()
  .trim()
  .regex(/^\d{0,9}$/)
  .optional();

export const settingsSchema = z.object({
  /** Moodle's own `wwwroot`: `https://moodle.school.example` or with a path behind it. */
  baseUrl: webAddressSchema,
  /** Numbers of roles, which every site gives by itself; empty is what a Moodle has when it is installed. */
  teacherRole: roleIdSchema,
  studentRole: roleIdSchema,
});
export type Settings = z.infer<typeof settingsSchema>;

/** The role over there for each of ours. */
export const roleIdsOf = (settings: Settings) => ({
  teacher: Number(settings.teacherRole || '3'),
  student: Number(settings.studentRole || '5'),
});

export const secretSchema = z.object({ token: z.string().trim().min(1).max(200) });
export type Secret = z.infer<typeof secretSchema>;

/** The web service functions that courses and their ids need. */
export const courseFunctions = ['core_webservice_get_site_info', 'core_course_get_courses_by_field'] as const;

/** What finding people needs. */
export const peopleFunctions = ['core_webservice_get_site_info', 'core_user_get_users_by_field'] as const;

/** What writing a roster needs: none that deletes a person. */
export const rosterFunctions = [
  'core_webservice_get_site_info',
  'core_course_get_courses_by_field',
  'core_course_get_courses',
  'core_course_create_courses',
  'core_course_update_courses',
  'core_course_delete_courses',
  'core_course_get_contents',
  'mod_forum_get_forum_discussions',
  'core_course_get_categories',
  'core_course_create_categories',
  'core_course_update_categories',
  'core_course_delete_categories',
  'core_user_get_users',
  'core_user_get_users_by_field',
  'core_user_create_users',
  'core_user_update_users',
  'core_user_set_user_preferences',
  'core_message_get_user_notification_preferences',
  'core_enrol_get_enrolled_users',
  'enrol_manual_enrol_users',
  'enrol_manual_unenrol_users',
  'core_role_unassign_roles',
  'core_group_get_course_groups',
  'core_group_create_groups',
  'core_group_update_groups',
  'core_group_delete_groups',
  'core_group_add_group_members',
  'core_group_delete_group_members',
  'core_cohort_search_cohorts',
  'core_cohort_create_cohorts',
  'core_cohort_update_cohorts',
  'core_cohort_delete_cohorts',
  'core_cohort_get_cohort_members',
  'core_cohort_add_cohort_members',
  'core_cohort_delete_cohort_members',
] as const;
export type WsFunction =
  | (typeof courseFunctions)[number]
  | (typeof peopleFunctions)[number]
  | (typeof rosterFunctions)[number];
