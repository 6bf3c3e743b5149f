/** Who is in a course, and how. Source: enrol/externallib.php and enrol/manual/externallib.php of Moodle 4.5. */

import type { Call, Value } from './call.ts';
import {
  allOrNothing,
  courseNamed,
  failed,
  int,
  MoodleException,
  missingRecord,
  requireWriter,
  rowsOf,
} from './call.ts';
import { requireAccess } from './courses.ts';
import { welcomeOf } from './mail.ts';
import type { Mail, MoodleUser } from './model.ts';
import { roleIds, roleNames } from './model.ts';
import { wireUser } from './people.ts';
import { listOf, textOf } from './php.ts';

export function enrolledUsers(call: Call): Value {
  const course = call.model.courses.get(int(call.params.get('courseid'), 'courseid'));
  if (course === undefined) throw missingRecord('course');
  requireAccess(call, course);
  const options = new Map<string, string>();
  for (const option of listOf(call.params, 'options')) {
    if (option instanceof Map) options.set(textOf(option, 'name') ?? '', textOf(option, 'value') ?? '');
  }
  const isOn = (name: string): boolean => !['', '0'].includes(options.get(name) ?? '');
  const isActive = (suspended: boolean, user: MoodleUser): boolean => !suspended && !user.suspended;
  const from = int(options.get('limitfrom') ?? '0', 'limitfrom');
  const number = int(options.get('limitnumber') ?? '0', 'limitnumber');
  const wanted = options.get('userfields')?.split(',');
  const all = (call.model.enrolled.get(course.id) ?? []).flatMap((row) => {
    const user = call.model.users.get(row.userId);
    if (user === undefined) return [];
    if (isOn('onlyactive') && !isActive(row.suspended, user)) return [];
    if (isOn('onlysuspended') && isActive(row.suspended, user)) return [];
    return [{ row, user }];
  });
  const sorted = all.toSorted((a, b) => a.user.id - b.user.id);
  const rows = number > 0 ? sorted.slice(from, from + number) : sorted.slice(from);
  return rows.map(({ row, user }) => {
    const groups = [...call.model.groups.values()].filter(
      ({ courseId, members }) => courseId === course.id && members.includes(user.id),
    );
    const told: { [key: string]: Value } = {
      ...wireUser(call, user),
      lastcourseaccess: 0,
      // Left out where there are none.
      ...(groups.length === 0
        ? {}
        : { groups: groups.map(({ id, name }) => ({ id, name, description: '', descriptionformat: 1 })) }),
      roles: row.roleIds.map((id) => ({ roleid: id, name: '', shortname: roleNames.get(id) ?? '', sortorder: 0 })),
      enrolledcourses: [],
    };
    if (wanted === undefined) return told;
    return Object.fromEntries(
      Object.entries(told).filter(([name]) => name === 'id' || name === 'fullname' || wanted.includes(name)),
    );
  });
}

const assignable: readonly number[] = [roleIds.editingteacher, roleIds.teacher, roleIds.student];

function activeUser(call: Call, id: number): MoodleUser {
  const user = call.model.users.get(id);
  if (user === undefined) throw new MoodleException('dml_missing_record_exception', 'invaliduser', 'Invalid user');
  if (user.deleted) throw failed('userdeleted', 'error/userdeleted');
  return user;
}

/** Mails go once all of it stands, as from a transaction. */
export function enrolUsers(call: Call): Value {
  const rows = rowsOf(call, 'enrolments', {
    roleid: ['int', 'required'],
    userid: ['int', 'required'],
    courseid: ['int', 'required'],
    timestart: 'int',
    timeend: 'int',
    suspend: 'int',
  });
  const mails: Mail[] = [];
  allOrNothing(call, () => {
    for (const row of rows) {
      const course = courseNamed(call, row.int('courseid'));
      requireWriter(call, 'Enrol users');
      const user = activeUser(call, row.int('userid'));
      if (!assignable.includes(row.int('roleid')))
        throw failed('wsusercannotassign', "You don't have the permission to assign this role.");
      if (!course.methods.includes('manual'))
        throw failed('wsnoinstance', 'Manual enrolment plugin instance does not exist.');
      const suspended = row.has('suspend') && row.int('suspend') !== 0;
      const list = call.model.enrolled.get(course.id) ?? [];
      mails.push(...welcomeOf(call, user, course));
      const known = list.find(({ userId, method }) => userId === user.id && method === 'manual');
      if (known === undefined)
        list.push({ userId: user.id, roleIds: [row.int('roleid')], suspended, method: 'manual' });
      else {
        known.suspended = suspended;
        if (!known.roleIds.includes(row.int('roleid'))) known.roleIds.push(row.int('roleid'));
      }
      call.model.enrolled.set(course.id, list);
    }
  });
  call.model.mails.push(...mails);
  return null;
}

/** Whoever is not enrolled is passed over without a word; a role that is named is not looked at. */
export function unenrolUsers(call: Call): Value {
  const rows = rowsOf(call, 'enrolments', {
    userid: ['int', 'required'],
    courseid: ['int', 'required'],
    roleid: 'int',
  });
  return allOrNothing(call, () => {
    for (const row of rows) {
      const course = courseNamed(call, row.int('courseid'));
      requireWriter(call, 'Unenrol users');
      const user = activeUser(call, row.int('userid'));
      if (!course.methods.includes('manual'))
        throw failed('wsnoinstance', 'Manual enrolment plugin instance does not exist.');
      const list = (call.model.enrolled.get(course.id) ?? []).filter(
        ({ userId, method }) => userId !== user.id || method !== 'manual',
      );
      call.model.enrolled.set(course.id, list);
      if (list.some(({ userId }) => userId === user.id)) continue;
      for (const group of call.model.groups.values())
        if (group.courseId === course.id) group.members = group.members.filter((member) => member !== user.id);
    }
    return null;
  });
}

export function unassignRoles(call: Call): Value {
  const rows = rowsOf(call, 'unassignments', {
    roleid: ['int', 'required'],
    userid: ['int', 'required'],
    contextid: 'int',
    contextlevel: 'raw',
    instanceid: 'int',
  });
  return allOrNothing(call, () => {
    for (const row of rows) {
      if (row.text('contextlevel') !== 'course') throw failed('invalidcontext', 'Invalid context');
      const course = courseNamed(call, row.int('instanceid'));
      requireWriter(call, 'Assign roles to users');
      for (const known of call.model.enrolled.get(course.id) ?? [])
        if (known.userId === row.int('userid')) known.roleIds = known.roleIds.filter((id) => id !== row.int('roleid'));
    }
    return null;
  });
}
