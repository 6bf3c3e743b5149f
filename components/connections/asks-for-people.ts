/** Collections that hold people, as last or inner parts of a path: OneRoster 1.1 and 1.2, Canvas. */
const collections =
  /\/(users|students|teachers|guardians|agents|demographics|enrollments|enrolments|people|search_users)(?=[/?#]|$)/i;
/** Moodle's functions stand in the query: `wsfunction=core_user_get_users`, `core_enrol_get_enrolled_users`. */
const functions = /wsfunction=\w*(user|enrol|cohort|grade)/i;

/** Whether a call of the school's log asked for people. */
export function asksForPeople(path: string): boolean {
  return collections.test(path) || functions.test(path);
}
