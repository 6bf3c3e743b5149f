import { startMoodle } from '#sandbox/moodle/server.ts';
import { describeConnector } from '../contract-suite.ts';

describeConnector({
  connector: 'moodle',
  scopes: ['lms.courses'],
  largest: 'courses',
  path: '/webservice/rest/server.php',
  people: /user|enrol|participants|group|cohort/i,
  pages: false,
  totals: false,
  foreignNext: 'refused',
  refusedOnce: 'credential-refused',
  ended: 'credential-refused',
  secrets: (peer) => {
    const { secret } = peer;
    return typeof secret === 'object' && secret !== null && 'token' in secret ? [String(secret.token)] : [];
  },
  start: async () => {
    const moodle = await startMoodle({ school: 'lindenhof' });
    return {
      settings: { baseUrl: moodle.url },
      secret: { token: moodle.demoToken },
      tokens: null,
      faults: moodle.faults,
      requests: () => moodle.requests(),
      clearRequests: () => moodle.log.clear(),
      // The front page of the site is no course of anybody.
      count: () => moodle.model.courses.size - 1,
      close: moodle.close,
    };
  },
});
