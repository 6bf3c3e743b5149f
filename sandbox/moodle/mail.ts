/** What a real Moodle 4.5 would have mailed, written down instead of sent. Measured on one with its outgoing mail caught. */

import type { Call } from './call.ts';
import type { Mail, MoodleCourse, MoodleUser } from './model.ts';
import { roleIds } from './model.ts';

/** The user preference that switches the welcome message of a course off. */
export const welcomePreference = 'message_provider_moodle_enrolcoursewelcomemessage_enabled';

/** Nobody gets mail who may not sign in, nor at an address that is none by its very name. */
const isReached = (user: MoodleUser): boolean =>
  !user.deleted && !user.suspended && user.auth !== 'nologin' && !user.email.endsWith('.invalid');

const mailOf = (call: Call, user: MoodleUser, kind: Mail['kind'], courseId: number): Mail[] =>
  isReached(user) ? [{ at: call.now, userId: user.id, to: user.email, kind, courseId }] : [];

/** `createpassword=1`: the new password goes by mail, after the users are made. */
export function sendNewPassword(call: Call, user: MoodleUser): void {
  call.model.mails.push(...mailOf(call, user, 'new-password', 0));
}

/**
 * The welcome message of manual enrolment, asked for before the role is given: at every call that enrols, also one that repeats or suspends an
 * enrolment, as long as the instance sends it, somebody is there to be its sender and the person has not switched it off.
 */
export function welcomeOf(call: Call, user: MoodleUser, course: MoodleCourse): Mail[] {
  if (course.welcome === 0) return [];
  const hasContact = (call.model.enrolled.get(course.id) ?? []).some(({ roleIds: held }) =>
    held.includes(roleIds.editingteacher),
  );
  if (course.welcome === 1 && !hasContact) return [];
  const enabled = user.preferences[welcomePreference] ?? 'popup,email';
  const isMailed = enabled.split(',').includes('email') || call.settings.forcesMail;
  return isMailed ? mailOf(call, user, 'course-welcome', course.id) : [];
}
