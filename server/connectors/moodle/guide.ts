import type { GuideStep } from '#server/connectors/contract.ts';

/** What the Moodle administrator does; the texts stand in messages/<locale>/connectors.json. */
export const guide: readonly GuideStep[] = [
  { text: 'moodle.guide.enable-web-services' },
  { text: 'moodle.guide.enable-rest' },
  { text: 'moodle.guide.service-user' },
  { text: 'moodle.guide.capabilities', copy: 'webservice/rest:use moodle/course:view moodle/course:viewhiddencourses' },
  { text: 'moodle.guide.service' },
  { text: 'moodle.guide.functions', copy: '{{scopes}}' },
  { text: 'moodle.guide.token' },
  { text: 'moodle.guide.addresses', copy: '{{addresses}}' },
  { text: 'moodle.guide.enter' },
];
