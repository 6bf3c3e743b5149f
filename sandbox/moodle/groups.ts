/** Groups in a course, and cohorts. Source: group/externallib.php and cohort/externallib.php of Moodle 4.5. */

import type { Call, Row, Value } from './call.ts';
import {
  allOrNothing,
  courseNamed,
  failed,
  idsOf,
  int,
  invalid,
  missingRecord,
  pairOf,
  requireWriter,
  rowsOf,
  text,
} from './call.ts';
import { requireAccess } from './courses.ts';
import type { Cohort, MoodleGroup } from './model.ts';
import { textOf } from './php.ts';

const wireGroup = (call: Call, group: MoodleGroup): { [key: string]: Value } => ({
  id: group.id,
  courseid: group.courseId,
  name: text(call, group.name),
  description: '',
  descriptionformat: 1,
  enrolmentkey: null,
  idnumber: group.idnumber,
  visibility: 0,
  participation: true,
});

const inCourse = (call: Call, courseId: number): MoodleGroup[] =>
  [...call.model.groups.values()].filter((group) => group.courseId === courseId);

export function courseGroups(call: Call): Value {
  const course = courseNamed(call, int(call.params.get('courseid'), 'courseid'));
  requireAccess(call, course);
  return inCourse(call, course.id).map((group) => wireGroup(call, group));
}

const groupFields = {
  name: ['plain', 'required'],
  description: 'raw',
  descriptionformat: 'int',
  enrolmentkey: 'raw',
  idnumber: 'raw',
  visibility: 'int',
  participation: 'bool',
} as const;

function requireGroupId(call: Call, row: Row, courseId: number, but: number): void {
  const idnumber = row.text('idnumber');
  if (idnumber !== '' && inCourse(call, courseId).some((other) => other.id !== but && other.idnumber === idnumber))
    throw failed('idnumbertaken', 'This ID number is already in use');
}

export function createGroups(call: Call): Value {
  const rows = rowsOf(call, 'groups', {
    ...groupFields,
    courseid: ['int', 'required'],
    description: ['raw', 'required'],
  });
  return allOrNothing(call, () =>
    rows.map((row) => {
      const name = row.text('name');
      if (name.trim() === '') throw invalid('Invalid group name');
      if (inCourse(call, row.int('courseid')).some((other) => other.name === name))
        throw invalid('Group with the same name already exists in the course');
      const course = courseNamed(call, row.int('courseid'));
      requireWriter(call, 'Manage groups');
      requireGroupId(call, row, course.id, 0);
      const group = {
        id: call.model.nextId(),
        courseId: course.id,
        name: name.trim(),
        idnumber: row.text('idnumber').trim(),
        members: [],
      };
      call.model.groups.set(group.id, group);
      return wireGroup(call, group);
    }),
  );
}

export function updateGroups(call: Call): Value {
  const rows = rowsOf(call, 'groups', { ...groupFields, id: ['int', 'required'] });
  return allOrNothing(call, () => {
    for (const row of rows) {
      const group = call.model.groups.get(row.int('id'));
      if (group === undefined) throw invalid(`Group ${row.text('id')} does not exist`);
      const name = row.text('name');
      if (name !== group.name && inCourse(call, group.courseId).some((other) => other.name === name))
        throw invalid('A different group with the same name already exists in the course');
      requireWriter(call, 'Manage groups');
      requireGroupId(call, row, group.courseId, group.id);
      group.name = name.trim();
      if (row.has('idnumber')) group.idnumber = row.text('idnumber').trim();
    }
    return null;
  });
}

export function deleteGroups(call: Call): Value {
  const ids = idsOf(call, 'groupids');
  return allOrNothing(call, () => {
    for (const id of ids) {
      // One that is gone already is passed over.
      if (!call.model.groups.has(id)) continue;
      requireWriter(call, 'Manage groups');
      call.model.groups.delete(id);
    }
    return null;
  });
}

const groupNamed = (call: Call, id: number): MoodleGroup => {
  const group = call.model.groups.get(id);
  if (group === undefined) throw missingRecord('groups');
  return group;
};

export function groupMembers(call: Call): Value {
  return idsOf(call, 'groupids').map((id) => ({ groupid: id, userids: groupNamed(call, id).members }));
}

const memberFields = { groupid: ['int', 'required'], userid: ['int', 'required'] } as const;

export function addGroupMembers(call: Call): Value {
  const rows = rowsOf(call, 'members', memberFields);
  return allOrNothing(call, () => {
    for (const row of rows) {
      const group = groupNamed(call, row.int('groupid'));
      const user = call.model.users.get(row.int('userid'));
      if (user === undefined || user.deleted) throw missingRecord('user');
      requireWriter(call, 'Manage groups');
      if (!(call.model.enrolled.get(group.courseId) ?? []).some(({ userId }) => userId === user.id))
        throw invalid('Only enrolled users may be members of groups');
      if (!group.members.includes(user.id)) group.members.push(user.id);
    }
    return null;
  });
}

export function deleteGroupMembers(call: Call): Value {
  const rows = rowsOf(call, 'members', memberFields);
  return allOrNothing(call, () => {
    for (const row of rows) {
      const group = groupNamed(call, row.int('groupid'));
      const user = call.model.users.get(row.int('userid'));
      if (user === undefined || user.deleted) throw missingRecord('user');
      requireWriter(call, 'Manage groups');
      group.members = group.members.filter((id) => id !== user.id);
    }
    return null;
  });
}

const wireCohort = (call: Call, cohort: Cohort): { [key: string]: Value } => ({
  id: cohort.id,
  name: text(call, cohort.name),
  idnumber: cohort.idnumber,
  description: '',
  descriptionformat: 1,
  visible: cohort.visible,
  theme: '',
});

export function getCohorts(call: Call): Value {
  if (!call.user.mayWrite)
    throw failed('nopermissions', 'Sorry, but you do not currently have permissions to do that.');
  const ids = call.params.has('cohortids') ? idsOf(call, 'cohortids') : [];
  return [...call.model.cohorts.values()]
    .filter(({ id }) => ids.length === 0 || ids.includes(id))
    .map((cohort) => wireCohort(call, cohort));
}

/** In a context alone (`self`), or with what is below it (`all`); a page of 25 unless more is asked for. */
export function searchCohorts(call: Call): Value {
  if (!call.user.mayWrite)
    throw failed('nopermissions', 'Sorry, but you do not currently have permissions to do that.');
  const query = textOf(call.params, 'query');
  const context = call.params.get('context');
  if (query === undefined || !(context instanceof Map))
    throw invalid('Missing required key in single structure: query');
  const from = int(call.params.get('limitfrom') ?? '0', 'limitfrom');
  const number = int(call.params.get('limitnum') ?? '25', 'limitnum');
  const isSelf = textOf(call.params, 'includes') !== 'all';
  const found = [...call.model.cohorts.values()].filter(
    ({ name, idnumber, categoryId }) =>
      (!isSelf || categoryId === 0) &&
      [name, idnumber].some((value) => value.toLowerCase().includes(query.toLowerCase())),
  );
  return { cohorts: found.slice(from, from + number).map((cohort) => wireCohort(call, cohort)) };
}

const cohortFields = {
  categorytype: ['pair', 'required'],
  name: ['raw', 'required'],
  idnumber: 'raw',
  description: 'raw',
  descriptionformat: 'int',
  visible: 'bool',
  theme: 'raw',
} as const;

function categoryOf(call: Call, row: Row): number {
  const { type, value } = pairOf(row, 'categorytype');
  if (type === 'system') return 0;
  const found = [...call.model.categories.values()].find((category) =>
    type === 'id' ? String(category.id) === value : type === 'idnumber' && category.idnumber === value,
  );
  if (found === undefined) throw invalid(`category not exists: category ${type} = ${value}`);
  return found.id;
}

export function createCohorts(call: Call): Value {
  const rows = rowsOf(call, 'cohorts', { ...cohortFields, idnumber: ['raw', 'required'] });
  return allOrNothing(call, () =>
    rows.map((row) => {
      if (row.text('name').trim() === '') throw invalid('Invalid cohort name');
      const categoryId = categoryOf(call, row);
      const idnumber = row.text('idnumber');
      // Two without an id number are one too many as well.
      if ([...call.model.cohorts.values()].some((other) => other.idnumber === idnumber))
        throw invalid(`record already exists: idnumber=${idnumber}`);
      requireWriter(call, 'Manage cohorts');
      const cohort = {
        id: call.model.nextId(),
        name: row.text('name'),
        idnumber,
        visible: row.text('visible') !== '0',
        categoryId,
        members: [],
      };
      call.model.cohorts.set(cohort.id, cohort);
      return wireCohort(call, cohort);
    }),
  );
}

/** Does not look whether the id number is another's, and moves the cohort to whatever context is named. */
export function updateCohorts(call: Call): Value {
  const rows = rowsOf(call, 'cohorts', { ...cohortFields, id: ['int', 'required'] });
  return allOrNothing(call, () => {
    for (const row of rows) {
      if (row.text('name').trim() === '') throw invalid('Invalid cohort name');
      const cohort = call.model.cohorts.get(row.int('id'));
      if (cohort === undefined) throw missingRecord('cohort');
      requireWriter(call, 'Manage cohorts');
      cohort.categoryId = categoryOf(call, row);
      cohort.name = row.text('name');
      if (row.has('idnumber')) cohort.idnumber = row.text('idnumber');
      if (row.has('visible')) cohort.visible = row.text('visible') === '1';
    }
    return null;
  });
}

export function deleteCohorts(call: Call): Value {
  const ids = idsOf(call, 'cohortids');
  return allOrNothing(call, () => {
    for (const id of ids) {
      requireWriter(call, 'Manage cohorts');
      if (!call.model.cohorts.delete(id)) throw missingRecord('cohort');
    }
    return null;
  });
}

export function cohortMembers(call: Call): Value {
  return idsOf(call, 'cohortids').map((id) => {
    const cohort = call.model.cohorts.get(id);
    if (cohort === undefined) throw missingRecord('cohort');
    return { cohortid: id, userids: cohort.members };
  });
}

/** A cohort or a user that is not there becomes a warning, which does not say which row it was. */
export function addCohortMembers(call: Call): Value {
  const rows = rowsOf(call, 'members', { cohorttype: ['pair', 'required'], usertype: ['pair', 'required'] });
  const warnings: Value[] = [];
  return allOrNothing(call, () => {
    for (const row of rows) {
      const wantedCohort = pairOf(row, 'cohorttype');
      const wantedUser = pairOf(row, 'usertype');
      const cohort = [...call.model.cohorts.values()].find((one) =>
        wantedCohort.type === 'id' ? String(one.id) === wantedCohort.value : one.idnumber === wantedCohort.value,
      );
      const user = [...call.model.users.values()].find(
        (one) =>
          !one.deleted &&
          (wantedUser.type === 'id' ? String(one.id) === wantedUser.value : one.username === wantedUser.value),
      );
      const warn = (warningcode: string, message: string): void => void warnings.push({ warningcode, message });
      if (cohort === undefined) warn('2', `cohort ${wantedCohort.type}=${wantedCohort.value} not exists`);
      else if (user === undefined) warn('2', `user ${wantedUser.type}=${wantedUser.value} not exists`);
      else if (cohort.members.includes(user.id)) warn('3', 'record already exists');
      else {
        requireWriter(call, 'Assign cohort members');
        cohort.members.push(user.id);
      }
    }
    return { warnings };
  });
}

export function deleteCohortMembers(call: Call): Value {
  const rows = rowsOf(call, 'members', { cohortid: ['int', 'required'], userid: ['int', 'required'] });
  return allOrNothing(call, () => {
    for (const row of rows) {
      const cohort = call.model.cohorts.get(row.int('cohortid'));
      const user = call.model.users.get(row.int('userid'));
      if (cohort === undefined) throw missingRecord('cohort');
      if (user === undefined || user.deleted) throw missingRecord('user');
      requireWriter(call, 'Assign cohort members');
      cohort.members = cohort.members.filter((id) => id !== user.id);
    }
    return null;
  });
}
