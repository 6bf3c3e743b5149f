/** Accounts, terms, courses and sections. Sources: the importers of these names below `lib/sis/` of instructure/canvas-lms. */

import { uuidFor } from '../../generator/prng.ts';
import type { Account, Course, Section, Term } from '../model.ts';
import type { Row } from './csv-files.ts';
import type { Work } from './work.ts';
import { cell, ImportError, indexOf, isStuck, momentOf, statusOf } from './work.ts';

type AddRow = (row: Row) => boolean;

export function accountImporter(work: Work): AddRow {
  const { model } = work;
  const accounts = indexOf(model.accounts);
  return (row) => {
    const id = cell(row, 'account_id');
    const parentSisId = cell(row, 'parent_account_id');
    const name = cell(row, 'name');
    const status = statusOf(row.cells);
    if (id === null) throw new ImportError('No account_id given for an account');
    if (work.options.skipDeletes && /^deleted/i.test(status)) return false;
    const parent = parentSisId === null ? undefined : accounts.get(parentSisId);
    if (parentSisId !== null && parent === undefined) throw new ImportError(`Parent account didn't exist for ${id}`);
    const known = accounts.get(id);
    if (known === undefined) {
      if (name === null) throw new ImportError(`No name given for account ${id}, skipping`);
      if (!/^(active|deleted)/i.test(status))
        throw new ImportError(`Improper status "${status}" for account ${id}, skipping`);
      work.count('Account', 'created');
    }
    const account: Account = known ?? {
      id: model.newId(),
      sisId: id,
      integrationId: null,
      importId: null,
      stuck: [],
      name: name ?? id,
      parentId: model.rootId,
      state: 'active',
    };
    if (name !== null && !isStuck(work, account, 'name')) account.name = name;
    if (!isStuck(work, account, 'parent_account_id')) account.parentId = parent?.id ?? model.rootId;
    if (status !== '') account.state = /^deleted/i.test(status) ? 'deleted' : 'active';
    account.importId = work.importId;
    accounts.put(account);
    return true;
  };
}

export function termImporter(work: Work): AddRow {
  const { model } = work;
  const terms = indexOf(model.terms);
  return (row) => {
    const id = cell(row, 'term_id');
    const name = cell(row, 'name');
    const status = statusOf(row.cells);
    if (id === null) throw new ImportError('No term_id given for a term');
    if (!/^(active|deleted)/i.test(status)) throw new ImportError(`Improper status "${status}" for term ${id}`);
    if (work.options.skipDeletes && /^deleted/i.test(status)) return false;
    if (name === null) throw new ImportError(`No name given for term ${id}`);
    const start = momentOf(row, 'start_date', `Bad date format for term ${id}`);
    const end = momentOf(row, 'end_date', `Bad date format for term ${id}`);
    const known = terms.get(id);
    if (known === undefined) work.count('EnrollmentTerm', 'created');
    else if (/^deleted/i.test(status) && known.state === 'active') {
      if ([...model.courses.values()].some((course) => course.termId === known.id && course.state !== 'deleted'))
        throw new ImportError(
          `A term did not pass validation (term: ${id} / ${name}, error: Cannot delete a term with active courses)`,
        );
      work.count('EnrollmentTerm', 'deleted');
    }
    const term: Term = known ?? {
      id: model.newId(),
      sisId: id,
      integrationId: null,
      importId: null,
      stuck: [],
      name,
      start,
      end,
      state: 'active',
    };
    if (!isStuck(work, term, 'name')) term.name = name;
    term.integrationId = cell(row, 'integration_id');
    term.state = /^deleted/i.test(status) ? 'deleted' : 'active';
    if (!isStuck(work, term, 'start_at') && !isStuck(work, term, 'end_at')) Object.assign(term, { start, end });
    term.importId = work.importId;
    terms.put(term);
    return true;
  };
}

/** A cell of a course's date: empty leaves it as it is, `<delete>` takes it away. */
function dateOf(row: Row, name: string, current: string | null, id: string): string | null {
  const text = cell(row, name);
  if (text === '<delete>') return null;
  return text === null ? current : momentOf(row, name, `Bad date format for course ${id}`);
}

/** What became of the enrolments of a course whose state an import changed. */
function followCourse(work: Work, course: Course): void {
  for (const enrollment of work.model.enrollments.values()) {
    if (enrollment.courseId !== course.id) continue;
    if (course.state === 'deleted' && enrollment.state !== 'deleted') {
      enrollment.state = 'deleted';
      work.count('Enrollment', 'deleted');
    }
    if (course.state === 'completed' && enrollment.state === 'active') {
      enrollment.state = 'completed';
      work.count('Enrollment', 'concluded');
    }
  }
}

function nextCourseState(current: Course['state'] | null, status: string): Course['state'] {
  if (/^deleted/i.test(status)) return 'deleted';
  if (/^completed/i.test(status)) return 'completed';
  if (/^published/i.test(status)) return 'available';
  if (current === null || current === 'deleted') return 'unpublished';
  return current === 'completed' ? 'available' : current;
}

export function courseImporter(work: Work): AddRow {
  const { model } = work;
  const courses = indexOf(model.courses);
  const accounts = indexOf(model.accounts);
  const terms = indexOf(model.terms);
  return (row) => {
    const id = cell(row, 'course_id');
    const code = cell(row, 'short_name');
    const name = cell(row, 'long_name');
    const status = statusOf(row.cells);
    if (id === null) throw new ImportError('No course_id given for a course');
    if (code === null) throw new ImportError(`No short_name given for course ${id}`);
    if (name === null) throw new ImportError(`No long_name given for course ${id}`);
    if (!/^(active|deleted|completed|unpublished|published)/i.test(status))
      throw new ImportError(`Improper status "${status}" for course ${id}`);
    if (work.options.skipDeletes && /^deleted/i.test(status)) return false;
    const accountSisId = cell(row, 'account_id');
    const account = accountSisId === null ? undefined : accounts.get(accountSisId);
    if (accountSisId !== null && account === undefined)
      throw new ImportError(`Account not found "${accountSisId}" for course ${id}`);
    const tooLong = [name.length > 255 ? 'Name' : null, code.length > 255 ? 'Course code' : null].find(
      (it) => it !== null,
    );
    if (tooLong !== undefined)
      throw new ImportError(
        `A course did not pass validation (course: ${id} / ${code}, error: ${tooLong} is too long (maximum is 255 characters))`,
      );
    const termSisId = cell(row, 'term_id');
    const found = termSisId === null ? undefined : terms.get(termSisId);
    const known = courses.get(id);
    const course: Course = known ?? {
      id: model.newId(),
      sisId: id,
      integrationId: null,
      importId: null,
      stuck: [],
      name,
      code,
      accountId: model.rootId,
      termId: '1',
      state: 'unpublished',
      uuid: uuidFor(`canvas-course/${id}`).replaceAll('-', '').slice(0, 40),
      start: null,
      end: null,
    };
    const start = dateOf(row, 'start_date', course.start, id);
    const end = dateOf(row, 'end_date', course.end, id);
    // An unknown or deleted term is passed over without a word.
    if (found?.state === 'active' && !isStuck(work, course, 'enrollment_term_id')) course.termId = found.id;
    if (account !== undefined && !isStuck(work, course, 'account_id')) course.accountId = account.id;
    if (!isStuck(work, course, 'name')) course.name = name;
    if (!isStuck(work, course, 'course_code')) course.code = code;
    if (!isStuck(work, course, 'start_at') && !isStuck(work, course, 'conclude_at'))
      Object.assign(course, { start, end });
    course.integrationId = cell(row, 'integration_id');
    course.importId = work.importId;
    courses.put(course);
    if (isStuck(work, course, 'workflow_state')) return true;
    const state = nextCourseState(known === undefined ? null : course.state, status);
    if (known === undefined) work.count('Course', 'created');
    else if (state !== course.state)
      work.count('Course', state === 'deleted' ? 'deleted' : state === 'completed' ? 'concluded' : 'restored');
    const isChanged = state !== course.state;
    course.state = state;
    if (isChanged) followCourse(work, course);
    return true;
  };
}

export function sectionImporter(work: Work): AddRow {
  const { model } = work;
  const sections = indexOf(model.sections);
  const courses = indexOf(model.courses);
  return (row) => {
    const id = cell(row, 'section_id');
    const courseSisId = cell(row, 'course_id');
    const name = cell(row, 'name');
    const status = statusOf(row.cells);
    if (id === null) throw new ImportError(`No section_id given for a section in course ${courseSisId ?? ''}`);
    if (courseSisId === null) throw new ImportError(`No course_id given for a section ${id}`);
    if (name === null && /^active/i.test(status))
      throw new ImportError(`No name given for section ${id} in course ${courseSisId}`);
    if (!/^(active|deleted)/i.test(status))
      throw new ImportError(`Improper status "${status}" for section ${id} in course ${courseSisId}`);
    if (work.options.skipDeletes && /^deleted/i.test(status)) return false;
    const course = courses.get(courseSisId);
    if (course === undefined)
      throw new ImportError(`Section ${id} references course ${courseSisId} which doesn't exist`);
    const known = sections.get(id);
    if (known === undefined && name === null)
      throw new ImportError(`No name given for section ${id} in course ${courseSisId}`);
    if ((name ?? '').length > 255)
      throw new ImportError(
        `A section did not pass validation (section: ${id} / ${name}, course: ${courseSisId}, error: Name is too long (maximum is 255 characters))`,
      );
    const start = momentOf(row, 'start_date', `Bad date format for section ${id}`);
    const end = momentOf(row, 'end_date', `Bad date format for section ${id}`);
    const section: Section = known ?? {
      id: model.newId(),
      sisId: id,
      integrationId: null,
      importId: null,
      stuck: [],
      name: name ?? id,
      courseId: course.id,
      state: 'active',
      isDefault: false,
      start,
      end,
    };
    if (name !== null && !isStuck(work, section, 'name')) section.name = name;
    if (section.courseId !== course.id && !isStuck(work, section, 'course_id')) {
      section.courseId = course.id;
      for (const enrollment of model.enrollments.values())
        if (enrollment.sectionId === section.id) enrollment.courseId = course.id;
    }
    section.integrationId = cell(row, 'integration_id');
    if (!isStuck(work, section, 'start_at') && !isStuck(work, section, 'end_at'))
      Object.assign(section, { start, end });
    section.importId = work.importId;
    sections.put(section);
    const state = /^deleted/i.test(status) ? 'deleted' : 'active';
    if (known === undefined) work.count('CourseSection', 'created');
    else if (state !== section.state) work.count('CourseSection', state === 'deleted' ? 'deleted' : 'restored');
    section.state = state;
    if (state === 'deleted')
      for (const enrollment of model.enrollments.values()) {
        if (enrollment.sectionId !== section.id || enrollment.state === 'deleted') continue;
        enrollment.state = 'deleted';
        work.count('Enrollment', 'deleted');
      }
    return true;
  };
}
