/** Group categories, groups and their members. Sources: the importers of these names below `lib/sis/` of instructure/canvas-lms. */

import type { Group, GroupCategory, Membership } from '../model.ts';
import type { Row } from './csv-files.ts';
import type { Work } from './work.ts';
import { cell, ImportError, indexOf, isStuck, statusOf } from './work.ts';

type AddRow = (row: Row) => boolean;
type Context = Pick<Group, 'contextType' | 'contextId'>;

/** The account or the course that a row names; the root account where it names none. */
function contexts(work: Work, what: string): (row: Row, id: string) => Context {
  const accounts = indexOf(work.model.accounts);
  const courses = indexOf(work.model.courses);
  return (row, id) => {
    const accountSisId = cell(row, 'account_id');
    const courseSisId = cell(row, 'course_id');
    if (accountSisId !== null && courseSisId !== null)
      throw new ImportError(
        `Only one context is allowed and both course_id and account_id where provided for ${what} ${id}.`,
      );
    if (accountSisId !== null) {
      const account = accounts.get(accountSisId);
      if (account?.state !== 'active')
        throw new ImportError(`Account with sis id ${accountSisId} didn't exist for ${what} ${id}.`);
      return { contextType: 'Account', contextId: account.id };
    }
    if (courseSisId !== null) {
      const course = courses.get(courseSisId);
      if (course === undefined || course.state === 'deleted')
        throw new ImportError(`Course with sis id ${courseSisId} didn't exist for ${what} ${id}.`);
      return { contextType: 'Course', contextId: course.id };
    }
    return { contextType: 'Account', contextId: work.model.rootId };
  };
}

export function groupCategoryImporter(work: Work): AddRow {
  const { model } = work;
  const categories = indexOf(model.categories);
  const contextOf = contexts(work, 'group category');
  return (row) => {
    const id = cell(row, 'group_category_id');
    const name = cell(row, 'category_name');
    const status = statusOf(row.cells);
    if (id === null) throw new ImportError('No sis_id given for a group category');
    if (name === null) throw new ImportError(`No name given for group category ${id}`);
    if (status === '') throw new ImportError(`No status given for group category ${id}`);
    if (!/^(active|deleted)/i.test(status))
      throw new ImportError(`Improper status "${status}" for group category ${id}, skipping`);
    if (work.options.skipDeletes && /^deleted/i.test(status)) return false;
    const context = contextOf(row, id);
    const known = categories.get(id);
    const twin = [...model.categories.values()].find(
      (other) =>
        other !== known &&
        other.state === 'active' &&
        other.name === name &&
        other.contextType === context.contextType &&
        other.contextId === context.contextId,
    );
    if (twin !== undefined && /^active/i.test(status))
      throw new ImportError(
        `A group category did not pass validation (group category: ${id}, error: Name "${name}" is already in use.)`,
      );
    const category: GroupCategory = known ?? {
      id: model.newId(),
      sisId: id,
      importId: null,
      name,
      ...context,
      state: 'active',
    };
    const state = /^deleted/i.test(status) ? 'deleted' : 'active';
    if (known === undefined) work.count('GroupCategory', 'created');
    else if (known.state !== state) work.count('GroupCategory', state === 'deleted' ? 'deleted' : 'restored');
    Object.assign(category, { name, ...context, state, importId: work.importId });
    categories.put(category);
    return true;
  };
}

export function groupImporter(work: Work): AddRow {
  const { model } = work;
  const groups = indexOf(model.groups);
  const categories = indexOf(model.categories);
  const contextOf = contexts(work, 'group');
  return (row) => {
    const id = cell(row, 'group_id');
    const name = cell(row, 'name');
    const status = statusOf(row.cells);
    if (id === null) throw new ImportError('No group_id given for a group.');
    if (name === null) throw new ImportError(`No name given for group ${id}.`);
    if (!/^(available|closed|completed|deleted)/i.test(status))
      throw new ImportError(`Improper status "${status}" for group ${id}.`);
    if (work.options.skipDeletes && /^deleted/i.test(status)) return false;
    let context = contextOf(row, id);
    const categorySisId = cell(row, 'group_category_id');
    const category = categorySisId === null ? undefined : categories.get(categorySisId);
    if (categorySisId !== null && category?.state !== 'active')
      throw new ImportError(`Group Category ${categorySisId} didn't exist for group ${id}.`);
    if (category !== undefined) context = { contextType: category.contextType, contextId: category.contextId };
    const known = groups.get(id);
    const moves =
      known !== undefined && (known.contextId !== context.contextId || known.contextType !== context.contextType);
    if (moves && [...model.memberships.values()].some(({ groupId }) => groupId === known.id)) {
      if (known.contextType === 'Course' || context.contextType === 'Course')
        throw new ImportError(`Cannot move group ${id} because it has group_memberships.`);
    }
    const group: Group = known ?? {
      id: model.newId(),
      sisId: id,
      importId: null,
      stuck: [],
      name,
      categoryId: null,
      ...context,
      state: 'available',
    };
    if (!isStuck(work, group, 'name')) group.name = name;
    const state = status === 'deleted' ? 'deleted' : 'available';
    if (known === undefined) work.count('Group', 'created');
    else if (known.state !== state) work.count('Group', state === 'deleted' ? 'deleted' : 'restored');
    Object.assign(group, { ...context, state, importId: work.importId, categoryId: category?.id ?? group.categoryId });
    groups.put(group);
    return true;
  };
}

export function groupMembershipImporter(work: Work): AddRow {
  const { model } = work;
  const groups = indexOf(model.groups);
  const users = indexOf(model.users);
  const known = new Map<string, Membership>();
  for (const membership of model.memberships.values())
    known.set(`${membership.groupId}/${membership.userId}`, membership);
  return (row) => {
    const groupSisId = cell(row, 'group_id');
    const userSisId = cell(row, 'user_id');
    const status = statusOf(row.cells);
    if (groupSisId === null) throw new ImportError('No group_id given for a group user');
    if (userSisId === null) throw new ImportError('No user_id given for a group user');
    if (!/^(accepted|deleted)/i.test(status)) throw new ImportError(`Improper status "${status}" for a group user`);
    if (work.options.skipDeletes && /^deleted/i.test(status)) return false;
    const user = users.get(userSisId);
    const group = groups.get(groupSisId);
    if (user === undefined) throw new ImportError(`User ${userSisId} didn't exist for group user`);
    if (group === undefined) throw new ImportError(`Group ${groupSisId} didn't exist for group user`);
    const isEnrolled =
      group.contextType === 'Account' ||
      [...model.enrollments.values()].some(
        ({ courseId, userId, state }) => courseId === group.contextId && userId === user.id && state === 'active',
      );
    if (!isEnrolled)
      throw new ImportError(`User ${userSisId} doesn't have an enrollment in the course of group ${groupSisId}.`);
    const before = known.get(`${group.id}/${user.id}`);
    const state = /^deleted/i.test(status) ? 'deleted' : 'accepted';
    if (before === undefined) work.count('GroupMembership', 'created');
    else if (before.state !== state) work.count('GroupMembership', state === 'deleted' ? 'deleted' : 'restored');
    const membership: Membership = before ?? {
      id: model.newId(),
      groupId: group.id,
      userId: user.id,
      state,
      importId: work.importId,
    };
    Object.assign(membership, { state, importId: work.importId });
    model.memberships.set(membership.id, membership);
    known.set(`${group.id}/${user.id}`, membership);
    return true;
  };
}
