/** Canvas's JSON of its records. SIS fields are there for who may read SIS data, and absent for all others. */

import type { Caller } from './gate.ts';
import { idText } from './ids.ts';
import type { Account, CanvasModel, Course, Enrollment, Group, Section, Term, User } from './model.ts';
import { sectionsOf } from './model.ts';

const idOrNull = (id: string | null): string | null => (id === null ? null : idText(id));

export type Wire = ReturnType<typeof createWire>;

/** The writers of one Canvas. */
export function createWire(model: CanvasModel) {
  const { school } = model;
  const createdAt = `${school.schoolYear}-07-01T08:00:00Z`;

  const wireAccount = (account: Account, caller: Caller): unknown => ({
    id: idText(account.id),
    name: account.name,
    uuid: `uuid${account.id.padStart(36, '0')}`,
    parent_account_id: account.parentId === null ? null : idText(account.parentId),
    root_account_id: account.parentId === null ? null : idText(model.rootId),
    workflow_state: account.state,
    default_time_zone: 'Europe/Amsterdam',
    ...(caller.seesSis
      ? {
          sis_account_id: account.sisId,
          sis_import_id: idOrNull(account.importId),
          integration_id: account.integrationId,
        }
      : {}),
  });
  const wireTerm = (term: Term, caller: Caller): unknown => ({
    id: idText(term.id),
    name: term.name,
    start_at: term.start,
    end_at: term.end,
    created_at: createdAt,
    workflow_state: term.state,
    grading_period_group_id: null,
    ...(caller.seesSis ? { sis_term_id: term.sisId, sis_import_id: idOrNull(term.importId) } : {}),
  });
  const wireSection = (section: Section, caller: Caller): unknown => {
    const course = model.courses.get(section.courseId);
    return {
      id: idText(section.id),
      name: section.name,
      course_id: idText(section.courseId),
      start_at: section.start,
      end_at: section.end,
      created_at: createdAt,
      restrict_enrollments_to_section_dates: section.start !== null || section.end !== null,
      nonxlist_course_id: null,
      ...(caller.seesSis
        ? {
            sis_section_id: section.sisId,
            sis_course_id: course?.sisId ?? null,
            integration_id: section.integrationId,
            sis_import_id: idOrNull(section.importId),
          }
        : {}),
    };
  };
  const wireUser = (user: User, caller: Caller, includes: readonly string[] = []): Record<string, unknown> => ({
    id: idText(user.id),
    name: user.name,
    created_at: createdAt,
    sortable_name: user.sortableName,
    short_name: user.shortName,
    ...(caller.seesSis
      ? {
          sis_user_id: user.sisId,
          integration_id: user.integrationId,
          sis_import_id: idOrNull(user.importId),
          login_id: user.login,
        }
      : {}),
    ...(includes.includes('email') && caller.seesSis ? { email: user.email } : {}),
  });
  const teachersOf = (course: Course): User[] => {
    const ids = new Set(
      [...model.enrollments.values()]
        .filter(
          ({ courseId, type, state }) => courseId === course.id && type === 'TeacherEnrollment' && state === 'active',
        )
        .map(({ userId }) => userId),
    );
    return [...ids].map((id) => model.users.get(id)).filter((user) => user !== undefined);
  };
  const wireCourse = (course: Course, caller: Caller, includes: readonly string[]): unknown => {
    const term = model.terms.get(course.termId);
    return {
      id: idText(course.id),
      name: course.name,
      account_id: idText(course.accountId),
      uuid: course.uuid,
      start_at: course.start,
      end_at: course.end,
      grading_standard_id: null,
      is_public: false,
      created_at: createdAt,
      course_code: course.code,
      default_view: 'modules',
      root_account_id: idText(model.rootId),
      enrollment_term_id: idText(course.termId),
      license: 'private',
      grade_passback_setting: null,
      time_zone: 'Europe/Amsterdam',
      blueprint: false,
      template: false,
      apply_assignment_group_weights: false,
      restrict_enrollments_to_course_dates: course.start !== null || course.end !== null,
      workflow_state: course.state,
      ...(caller.seesSis
        ? {
            sis_course_id: course.sisId,
            sis_import_id: idOrNull(course.importId),
            integration_id: course.integrationId,
          }
        : {}),
      ...(includes.includes('term') && term !== undefined ? { term: wireTerm(term, caller) } : {}),
      ...(includes.includes('teachers')
        ? { teachers: teachersOf(course).map((teacher) => ({ id: idText(teacher.id), display_name: teacher.name })) }
        : {}),
      ...(includes.includes('sections')
        ? {
            sections: sectionsOf(model, course.id).map(({ id, name }) => ({
              id: idText(id),
              name,
              start_at: null,
              end_at: null,
              enrollment_role: null,
            })),
          }
        : {}),
      ...(includes.includes('account_name')
        ? { account_name: model.accounts.get(course.accountId)?.name ?? null }
        : {}),
    };
  };

  const roles: Readonly<Record<Enrollment['type'], string>> = {
    StudentEnrollment: '19',
    TeacherEnrollment: '20',
    TaEnrollment: '21',
    DesignerEnrollment: '22',
    ObserverEnrollment: '23',
  };
  const wireEnrollment = (enrollment: Enrollment, caller: Caller): unknown => {
    const course = model.courses.get(enrollment.courseId);
    const section = model.sections.get(enrollment.sectionId);
    const user = model.users.get(enrollment.userId);
    return {
      id: idText(enrollment.id),
      user_id: idText(enrollment.userId),
      course_id: idText(enrollment.courseId),
      course_section_id: idText(enrollment.sectionId),
      root_account_id: idText(model.rootId),
      type: enrollment.type,
      role: enrollment.type,
      role_id: idText(roles[enrollment.type]),
      enrollment_state: enrollment.state,
      associated_user_id: idOrNull(enrollment.associatedUserId),
      limit_privileges_to_course_section: enrollment.limitsToSection,
      start_at: enrollment.start,
      end_at: enrollment.end,
      created_at: createdAt,
      updated_at: createdAt,
      ...(caller.seesSis
        ? {
            sis_account_id: course === undefined ? null : (model.accounts.get(course.accountId)?.sisId ?? null),
            sis_course_id: course?.sisId ?? null,
            course_integration_id: course?.integrationId ?? null,
            sis_section_id: section?.sisId ?? null,
            section_integration_id: section?.integrationId ?? null,
            sis_user_id: user?.sisId ?? null,
            sis_import_id: idOrNull(enrollment.importId),
          }
        : {}),
      ...(user === undefined ? {} : { user: wireUser(user, caller) }),
    };
  };
  const wireGroup = (group: Group, caller: Caller): unknown => ({
    id: idText(group.id),
    name: group.name,
    description: null,
    is_public: false,
    join_level: 'invitation_only',
    context_type: group.contextType,
    [group.contextType === 'Account' ? 'account_id' : 'course_id']: idText(group.contextId),
    group_category_id: idOrNull(group.categoryId),
    members_count: [...model.memberships.values()].filter(
      ({ groupId, state }) => groupId === group.id && state === 'accepted',
    ).length,
    role: null,
    created_at: createdAt,
    ...(caller.seesSis ? { sis_group_id: group.sisId, sis_import_id: idOrNull(group.importId) } : {}),
  });
  const wireLogin = (user: User): unknown => ({
    id: idText(user.loginId),
    user_id: idText(user.id),
    account_id: idText(model.rootId),
    workflow_state: user.state,
    unique_id: user.login,
    created_at: createdAt,
    sis_user_id: user.sisId,
    integration_id: user.integrationId,
    authentication_provider_id: user.authenticationProviderId,
    authentication_provider_type: user.authenticationProviderId,
    declared_user_type: null,
  });
  return {
    account: wireAccount,
    term: wireTerm,
    section: wireSection,
    user: wireUser,
    course: wireCourse,
    enrollment: wireEnrollment,
    group: wireGroup,
    login: wireLogin,
  };
}
