import { describe, expect, it } from 'vitest';
import { asksForPeople } from './asks-for-people.ts';

describe('a call that asked for people', () => {
  it.each([
    '/ims/oneroster/rostering/v1p2/users?limit=100',
    '/ims/oneroster/v1p1/classes/7/students',
    '/ims/oneroster/v1p1/enrollments',
    '/ims/oneroster/rostering/v1p2/demographics/9',
    '/api/v1/accounts/1/users?per_page=100',
    '/webservice/rest/server.php?wsfunction=core_user_get_users',
    '/webservice/rest/server.php?wsfunction=core_enrol_get_enrolled_users',
  ])('is seen: %s', (path) => {
    expect(asksForPeople(path)).toBe(true);
  });

  it.each([
    '/students-academy/ims/oneroster/rostering/v1p2/classes?limit=1000&offset=0',
    '/ims/oneroster/v1p1/courses',
    '/oauth/token',
    '/api/v1/accounts/1/courses?per_page=1',
    '/webservice/rest/server.php?wsfunction=core_course_get_courses',
    '/webservice/rest/server.php?wsfunction=core_webservice_get_site_info',
  ])('is not taken for one: %s', (path) => {
    expect(asksForPeople(path)).toBe(false);
  });
});
