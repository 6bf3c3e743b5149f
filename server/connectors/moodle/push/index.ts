import type { MoodleSession } from '#server/connectors/moodle/client.ts';
import type { AnyPushBatch, BatchPush, PushOutcome } from '#server/connectors/push-contract.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { deliverCohorts, deliverMemberships } from './cohorts.ts';
import { deliverCategories, deliverCourses } from './courses.ts';
import { deliverEnrolments } from './enrolments.ts';
import { detectForeignImport, readExisting, reading } from './existing.ts';
import { deliverSections } from './groups.ts';
import { deadlineOf } from './send.ts';
import { deliverUsers } from './users.ts';

const signIn = (id: string, needs: 'username' | 'email' | null) => ({ id, label: `moodle.sign-in.${id}`, needs });

/**
 * A roster written into Moodle by web services: categories for sites, courses, groups, cohorts, users and enrolments, a bounded batch at a time,
 * and all of it read back, since Moodle answers `null` for success and is silent about much.
 */
export const push: BatchPush<MoodleSession> = {
  manner: 'batches',
  entities: ['category', 'course', 'section', 'cohort', 'user', 'enrolment', 'membership'],
  carries: [
    { entity: 'term', field: null, how: 'partly', note: 'moodle.carry.term' },
    { entity: 'user', field: 'signIn', how: 'partly', note: 'moodle.carry.sign-in' },
    { entity: 'user', field: 'remove', how: 'not', note: 'moodle.carry.never-deleted' },
    { entity: 'course', field: 'remove', how: 'partly', note: 'moodle.carry.course-removed' },
    { entity: 'enrolment', field: 'welcome', how: 'partly', note: 'moodle.carry.welcome' },
  ],
  // What the plug-ins call themselves. Moodle takes each that is installed and does not say whether it is switched on.
  signIn: [
    signIn('oauth2', 'email'),
    signIn('oidc', 'email'),
    signIn('saml2', 'username'),
    signIn('ldap', 'username'),
    signIn('cas', 'username'),
    signIn('shibboleth', 'username'),
    signIn('lti', null),
    signIn('manual', null),
  ],
  keyLength: 100,
  codesAreUnique: true,
  reading,
  // PHP takes a thousand variables: the largest row has eight.
  batch: { term: 1, category: 20, course: 20, section: 50, cohort: 50, user: 50, enrolment: 50, membership: 50 },
  readExisting,
  detectForeignImport,
  deliver,
};

function deliver(session: MoodleSession, batch: AnyPushBatch): Promise<readonly PushOutcome[]> {
  const deadline = deadlineOf(session);
  switch (batch.entity) {
    case 'category':
      return deliverCategories(session, batch, deadline);
    case 'course':
      return deliverCourses(session, batch, deadline);
    case 'section':
      return deliverSections(session, batch, deadline);
    case 'cohort':
      return deliverCohorts(session, batch, deadline);
    case 'user':
      return deliverUsers(session, batch, deadline);
    case 'enrolment':
      return deliverEnrolments(session, batch, deadline);
    case 'membership':
      return deliverMemberships(session, batch, deadline);
    case 'term':
      throw new CrosswalkError('internal', { details: { problem: 'not-sent', entity: batch.entity } });
  }
}
