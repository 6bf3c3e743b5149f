import type { GuideStep } from '#server/connectors/contract.ts';

/** What the Moodle administrator does; the texts stand in messages/<locale>/connectors.json. */
export const guide: readonly GuideStep[] = [
  { text: 'moodle.guide.enable-web-services' },
  { text: 'moodle.guide.enable-rest' },
  { text: 'moodle.guide.service-user' },
  { text: 'moodle.guide.capabilities', copy: 'webservice/rest:use moodle/course:view moodle/course:viewhiddencourses' },
  {
    text: 'moodle.guide.capabilities-people',
    copy: [
      'moodle/user:viewdetails moodle/user:viewalldetails moodle/user:viewhiddendetails moodle/site:viewuseridentity',
      'moodle/site:viewfullnames moodle/course:useremail moodle/course:viewparticipants',
    ].join(' '),
    onlyFor: 'people',
  },
  {
    text: 'moodle.guide.capabilities-roster',
    copy: [
      'moodle/user:create moodle/user:update moodle/user:editmessageprofile moodle/course:create moodle/course:update',
      'moodle/course:delete moodle/course:changefullname moodle/course:changeshortname moodle/course:changeidnumber',
      'moodle/course:visibility moodle/course:managegroups moodle/course:enrolreview moodle/site:accessallgroups',
      'moodle/category:manage moodle/category:viewhiddencategories moodle/cohort:manage moodle/cohort:view',
      'moodle/cohort:assign moodle/role:assign enrol/manual:enrol enrol/manual:unenrol mod/forum:viewdiscussion',
    ].join(' '),
    onlyFor: 'people',
  },
  { text: 'moodle.guide.roles', onlyFor: 'people' },
  { text: 'moodle.guide.welcome', onlyFor: 'people' },
  { text: 'moodle.guide.service' },
  { text: 'moodle.guide.functions', copy: '{{scopes}}' },
  { text: 'moodle.guide.token' },
  { text: 'moodle.guide.addresses', copy: '{{addresses}}' },
  { text: 'moodle.guide.enter' },
];
