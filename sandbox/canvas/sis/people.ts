/** Users and enrolments. Sources: `lib/sis/user_importer.rb` and `lib/sis/enrollment_importer.rb` of instructure/canvas-lms. */

import type { Course, Enrollment, Section, User } from '../model.ts';
import type { Row } from './csv-files.ts';
import type { Work } from './work.ts';
import { cell, ImportError, indexOf, isStuck, momentOf, statusOf } from './work.ts';

type AddRow = (row: Row) => boolean;

const isEmail = (text: string): boolean => /^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>"]+$/.test(text);
const isLogin = (text: string): boolean => /^[\p{L}\p{N}_.+\-=@'"!#$%&*/?^`{|}~:;,()[\]\\ ]{1,255}$/u.test(text);

function nameOf(row: Row, prior: string | null): string {
  const first = cell(row, 'first_name');
  const last = cell(row, 'last_name');
  const full = cell(row, 'full_name');
  if (full !== null) return full;
  if (first !== null || last !== null) return [first ?? '', last ?? ''].join(' ').trim();
  return prior ?? cell(row, 'sortable_name') ?? cell(row, 'short_name') ?? cell(row, 'login_id') ?? '';
}

function sortableNameOf(row: Row, name: string, prior: string | null): string {
  const words = name.split(' ');
  const inferred = words.length < 2 ? name : `${words.at(-1)}, ${words.slice(0, -1).join(' ')}`;
  const first = cell(row, 'first_name');
  const last = cell(row, 'last_name');
  const sortable = cell(row, 'sortable_name');
  if (sortable !== null) return sortable;
  if (cell(row, 'full_name') !== null) return inferred;
  if (first !== null || last !== null) return [last ?? '', first ?? ''].join(', ');
  return prior ?? inferred;
}

/** Deletes what a user had once his last login is gone, whoever made it. */
function removeAll(work: Work, user: User): void {
  const { model } = work;
  for (const enrollment of model.enrollments.values()) {
    if (enrollment.userId !== user.id || !['active', 'inactive'].includes(enrollment.state)) continue;
    enrollment.state = 'deleted';
    work.count('Enrollment', 'deleted');
  }
  for (const membership of model.memberships.values()) {
    if (membership.userId !== user.id || membership.state === 'deleted') continue;
    membership.state = 'deleted';
    work.count('GroupMembership', 'deleted');
  }
  user.adminOf = [];
}

export function userImporter(work: Work): AddRow {
  const { model, options } = work;
  const users = indexOf(model.users);
  const logins = new Map<string, User>();
  const integrationIds = new Map<string, User>();
  const emails = new Map<string, Set<User>>();
  const remember = (user: User): void => {
    if (user.state !== 'deleted') logins.set(user.login.toLowerCase(), user);
    if (user.integrationId !== null) integrationIds.set(user.integrationId, user);
    if (user.email === null || user.state === 'deleted') return;
    const key = user.email.toLowerCase();
    emails.set(key, (emails.get(key) ?? new Set()).add(user));
  };
  for (const user of model.users.values()) remember(user);
  const claimed = (other: User, id: string, what: string): ImportError =>
    new ImportError(
      `An existing Canvas user with the ${other.sisId === null ? `Canvas ID ${other.id}` : `SIS ID ${other.sisId}`} has already claimed ${id}'s ${what}, skipping`,
    );

  const setEmail = (user: User, id: string, email: string, status: string): void => {
    if (!isEmail(email))
      throw new ImportError(`The email address associated with user '${id}' is invalid (email: '${email}')`);
    const isNew = user.email !== email;
    const others = [...(emails.get(email.toLowerCase()) ?? [])].filter(
      (other) => other !== user && other.email?.toLowerCase() === email.toLowerCase() && other.state !== 'deleted',
    );
    user.email = status === 'deleted' ? null : email;
    // Whoever has the address and no SIS id could be the same person: Canvas offers the new one to merge them, by mail.
    if (isNew && status !== 'deleted' && work.tellsOfSameEmail && others.some(({ sisId }) => sisId === null))
      work.mails.send({ to: email, notification: 'Merge Email Communication Channel', importId: work.importId });
  };

  return (row) => {
    const id = cell(row, 'user_id');
    const login = cell(row, 'login_id');
    const status = statusOf(row.cells).toLowerCase();
    if (Object.values(row.cells).some((text) => text?.includes('\u0000') === true))
      throw new ImportError('Some of the fields contain NULL character');
    if (id === null) throw new ImportError('No user_id given for a user');
    if (login === null) throw new ImportError(`No login_id given for user ${id}`);
    if (status === '') throw new ImportError(`No status given for user ${id}`);
    if (!/^(active|suspended|deleted)$/.test(status)) throw new ImportError(`Improper status for user ${id}`);
    if (options.skipDeletes && status === 'deleted') return false;
    const provider = cell(row, 'authentication_provider_id');
    const integrationId = cell(row, 'integration_id');
    const byLogin = logins.get(login.toLowerCase());
    const byLoginHere = provider === null || byLogin?.authenticationProviderId === provider ? byLogin : undefined;
    const known = users.get(id) ?? byLoginHere;
    const byIntegrationId = integrationId === null ? undefined : integrationIds.get(integrationId);
    if (byIntegrationId !== undefined && status !== 'deleted' && byIntegrationId !== known)
      throw claimed(byIntegrationId, id, 'requested integration_id');
    if (known !== undefined) {
      if (known.sisId !== null && known.sisId !== id && !options.updateSisIdIfLoginClaimed)
        throw new ImportError(
          `An existing Canvas user with the SIS ID ${known.sisId} has already claimed ${id}'s user_id requested login information, skipping`,
        );
      if (byLoginHere !== undefined && byLoginHere !== known && status !== 'deleted')
        throw claimed(byLoginHere, id, 'user_id requested login information');
      if (status === 'deleted' && known.id === work.userId)
        throw new ImportError(`Can't remove yourself user_id '${id}'`);
      if (status === 'deleted' && known.state === 'deleted') return false;
    }
    if (provider !== null && !work.providers.includes(provider))
      throw new ImportError(`unrecognized authentication provider ${provider} for ${id}, skipping`);
    if (!isLogin(login))
      throw new ImportError(`Could not save the user with user_id: '${id}'. Invalid login_id: '${login}'`);
    const newId = known?.id ?? model.newId();
    const name = known !== undefined && isStuck(work, known, 'name') ? known.name : nameOf(row, known?.name ?? null);
    if (name.length > 255) throw new ImportError(`Could not save the user with user_id: '${id}'. Unknown reason: name`);
    const user: User = known ?? {
      id: newId,
      sisId: id,
      integrationId: null,
      importId: null,
      stuck: [],
      loginId: `9${newId}`,
      login,
      authenticationProviderId: null,
      state: 'active',
      name,
      sortableName: name,
      shortName: name,
      email: null,
      adminOf: [],
    };
    user.name = name;
    if (!isStuck(work, user, 'sortable_name'))
      user.sortableName = sortableNameOf(row, name, known === undefined ? null : user.sortableName);
    const short = cell(row, 'short_name');
    if (short !== null && !isStuck(work, user, 'short_name')) user.shortName = short;
    if (status === 'deleted' && known !== undefined) removeAll(work, user);
    if (!isStuck(work, user, 'unique_id')) user.login = login;
    // An empty cell is no "unchanged" here: it takes the provider of an existing login away.
    user.authenticationProviderId = provider;
    user.sisId = id;
    if (integrationId !== null) user.integrationId = integrationId;
    const state = status === 'deleted' ? 'deleted' : status === 'suspended' ? 'suspended' : 'active';
    if (known === undefined) work.count('Pseudonym', 'created');
    else if (state !== user.state && !isStuck(work, user, 'workflow_state'))
      work.count('Pseudonym', state === 'deleted' ? 'deleted' : 'restored');
    if (!isStuck(work, user, 'workflow_state')) user.state = state;
    user.importId = work.importId;
    users.put(user);
    const email = cell(row, 'email');
    if (email !== null) setEmail(user, id, email, status);
    remember(user);
    // Canvas asks whether the cell is filled, not what it says: `false` notifies too.
    if (
      known === undefined &&
      email !== null &&
      cell(row, 'canvas_password_notification') !== null &&
      provider === 'canvas'
    )
      work.mails.send({ to: email, notification: 'Pseudonym Registration', importId: work.importId });
    return true;
  };
}

function typeOf(role: string): Enrollment['type'] | null {
  if (/^teacher$/i.test(role)) return 'TeacherEnrollment';
  if (/^student/i.test(role)) return 'StudentEnrollment';
  if (/^ta$/i.test(role)) return 'TaEnrollment';
  if (/^observer$/i.test(role)) return 'ObserverEnrollment';
  return /^designer$/i.test(role) ? 'DesignerEnrollment' : null;
}

const isYes = (text: string | null): boolean => /^(1|t|true|y|yes|on)$/i.test(text ?? '');

export function enrollmentImporter(work: Work): AddRow {
  const { model } = work;
  const users = indexOf(model.users);
  const courses = indexOf(model.courses);
  const sections = indexOf(model.sections);
  const keyOf = (enrollment: Pick<Enrollment, 'sectionId' | 'userId' | 'type' | 'associatedUserId'>): string =>
    `${enrollment.sectionId}/${enrollment.userId}/${enrollment.type}/${enrollment.associatedUserId ?? ''}`;
  const known = new Map<string, Enrollment>();
  for (const enrollment of model.enrollments.values()) known.set(keyOf(enrollment), enrollment);

  const placeOf = (row: Row): { course: Course; section: Section } => {
    const courseSisId = cell(row, 'course_id');
    const sectionSisId = cell(row, 'section_id');
    const ids = `Course ID: ${courseSisId ?? ''}, Section ID: ${sectionSisId ?? ''}`;
    const course = courseSisId === null ? undefined : courses.get(courseSisId);
    const section = sectionSisId === null ? undefined : sections.get(sectionSisId);
    if (course === undefined && section === undefined)
      throw new ImportError(
        `Neither course nor section existed for user enrollment (${ids}, User ID: ${cell(row, 'user_id') ?? ''})`,
      );
    if (sectionSisId !== null && section === undefined)
      throw new ImportError(`An enrollment referenced a non-existent section ${sectionSisId}`);
    if (courseSisId !== null && course === undefined)
      throw new ImportError(`An enrollment referenced a non-existent course ${courseSisId}`);
    const its = section === undefined ? course : (model.courses.get(section.courseId) ?? course);
    if (its === undefined) throw new Error('a section has no course');
    if (section !== undefined && course !== undefined && course.id !== section.courseId)
      throw new ImportError(
        `An enrollment listed a section (${sectionSisId}) and a course (${courseSisId}) that are unrelated for user (${cell(row, 'user_id')})`,
      );
    return { course: its, section: section ?? defaultSection(its) };
  };
  const defaultSection = (course: Course): Section => {
    for (const section of model.sections.values())
      if (section.courseId === course.id && section.isDefault && section.state === 'active') return section;
    const made: Section = {
      id: model.newId(),
      sisId: null,
      integrationId: null,
      importId: null,
      stuck: [],
      name: course.name,
      courseId: course.id,
      state: 'active',
      isDefault: true,
      start: null,
      end: null,
    };
    model.sections.set(made.id, made);
    return made;
  };

  return (row) => {
    const userSisId = cell(row, 'user_id');
    const userIntegrationId = cell(row, 'user_integration_id');
    const status = statusOf(row.cells);
    const role = cell(row, 'role') ?? '';
    if (cell(row, 'course_id') === null && cell(row, 'section_id') === null)
      throw new ImportError('No course_id or section_id given for an enrollment');
    if (userSisId === null && userIntegrationId === null) throw new ImportError('No user_id given for an enrollment');
    if (!/^(active|deleted|completed|inactive|deleted_last_completed)/i.test(status))
      throw new ImportError(`Improper status "${status}" for an enrollment`);
    if (work.options.skipDeletes && /^deleted/i.test(status)) return false;
    const user =
      userIntegrationId === null
        ? users.get(userSisId ?? '')
        : [...model.users.values()].find(({ integrationId }) => integrationId === userIntegrationId);
    if (user === undefined)
      throw new ImportError(
        `User not found for enrollment (User ID: ${userSisId ?? ''}, Course ID: ${cell(row, 'course_id') ?? ''}, Section ID: ${cell(row, 'section_id') ?? ''})`,
      );
    const { course, section } = placeOf(row);
    const type = typeOf(role);
    if (type === null) throw new ImportError(`Improper role "${role}" for an enrollment`);
    const observed = cell(row, 'associated_user_id');
    const associated = observed === null || type !== 'ObserverEnrollment' ? undefined : users.get(observed);
    if (observed !== null && type === 'ObserverEnrollment' && associated === undefined)
      throw new ImportError(`An enrollment referenced a non-existent associated user ${observed}`);
    const wanted = { sectionId: section.id, userId: user.id, type, associatedUserId: associated?.id ?? null };
    const before = known.get(keyOf(wanted));
    const start = momentOf(row, 'start_date', `Bad date format for user ${userSisId} in section ${section.sisId}`);
    const end = momentOf(row, 'end_date', `Bad date format for user ${userSisId} in section ${section.sisId}`);
    const refusal = (): ImportError =>
      new ImportError(`Attempted enrolling of deleted user ${userSisId} in course ${course.sisId ?? ''}`);
    if (before?.state === 'deleted' && user.state === 'deleted' && /^active/i.test(status)) throw refusal();
    let state: Enrollment['state'] = 'active';
    if (/^completed/i.test(status)) state = 'completed';
    else if (/^inactive/i.test(status)) state = 'inactive';
    else if (/^deleted_last_completed/i.test(status)) {
      const isLast = ![...model.enrollments.values()].some(
        (other) =>
          other !== before && other.courseId === course.id && other.userId === user.id && other.state === 'active',
      );
      state = isLast ? 'completed' : 'deleted';
    } else if (/^deleted/i.test(status) || user.state === 'deleted') state = 'deleted';
    const isWarned = /^active/i.test(status) && user.state === 'deleted';
    const enrollment: Enrollment = before ?? {
      ...wanted,
      id: model.newId(),
      courseId: course.id,
      state,
      limitsToSection: false,
      start,
      end,
      importId: work.importId,
    };
    const isChanged = before === undefined || before.state !== state || before.start !== start || before.end !== end;
    if (before === undefined) work.count('Enrollment', 'created');
    else if (before.state !== state)
      work.count(
        'Enrollment',
        state === 'active'
          ? 'restored'
          : state === 'inactive'
            ? 'deactivated'
            : state === 'completed'
              ? 'concluded'
              : 'deleted',
      );
    const limits = cell(row, 'limit_section_privileges');
    if (limits !== null) enrollment.limitsToSection = isYes(limits);
    Object.assign(enrollment, { state, start, end, courseId: course.id, importId: work.importId });
    model.enrollments.set(enrollment.id, enrollment);
    known.set(keyOf(enrollment), enrollment);
    if (isYes(cell(row, 'notify')) && isChanged && state === 'active' && user.email !== null)
      work.mails.send({ to: user.email, notification: 'Enrollment Notification', importId: work.importId });
    if (isWarned) throw refusal();
    return true;
  };
}
