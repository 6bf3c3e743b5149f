import { beforeEach, describe, expect, it } from 'vitest';
import { type RunningMoodle, startMoodle } from '#sandbox/moodle/server.ts';
import { describeConnector } from '../contract-suite.ts';
import { connectorById } from '../registry.ts';
import { testSession } from '../testing/session.ts';

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

describe('Moodle', () => {
  let moodle: RunningMoodle;
  const connector = connectorById('moodle');
  beforeEach(async () => {
    moodle = await startMoodle({ school: 'lindenhof' });
    return () => moodle.close();
  });

  const open = (token = moodle.demoToken) => {
    const test = testSession({ settings: { baseUrl: moodle.url }, secret: { token } });
    return { ...test, connector: connector.open(test.session) };
  };
  const userNamed = (username: string) => {
    const user = [...moodle.model.users.values()].find((candidate) => candidate.username === username);
    if (user === undefined) throw new Error(`the sandbox has no ${username}`);
    return user;
  };
  const tokenFor = (username: string, functions?: readonly string[]) => {
    const service =
      functions === undefined
        ? moodle.services.byShortname('crosswalk')
        : moodle.services.create({ name: 'Narrow', shortname: 'narrow', functions: [...functions] });
    if (service === undefined) throw new Error('the sandbox has no service');
    return moodle.services.issue(service.id, userNamed(username).id).token;
  };
  const proofOf = async (token?: string) => {
    const { connector: opened, close } = open(token);
    const proof = await opened.prove(['lms.courses']);
    await close();
    return proof;
  };

  it("says who the token is, what the site is, and warns of an administrator's token", async () => {
    expect(await proofOf()).toMatchObject({
      ok: true,
      actsAs: { name: expect.stringContaining('moodle-service') },
      about: { product: 'Moodle', version: expect.stringMatching(/^4\.5/) },
      advice: [],
    });
    expect((await proofOf(tokenFor('moodle-admin'))).advice).toEqual(['token-of-site-administrator']);
  });

  it('names the functions that the service lacks', async () => {
    expect(await proofOf(tokenFor('moodle-service', ['core_webservice_get_site_info']))).toMatchObject({
      ok: false,
      results: [
        {
          errorCode: 'rights-missing',
          details: { problem: 'functions-missing', functions: ['core_course_get_courses_by_field'] },
        },
      ],
    });
  });

  it('tells a wrong token, a user without the right to use REST, web services switched off and maintenance apart', async () => {
    const codeOf = async (token?: string) => (await proofOf(token)).results[0];
    expect(await codeOf('0123456789abcdef0123456789abcdef')).toMatchObject({
      errorCode: 'credential-refused',
      details: { foreignCode: 'invalidtoken' },
    });
    expect(await codeOf(tokenFor('moodle-guest'))).toMatchObject({
      errorCode: 'rights-missing',
      details: { foreignCode: 'accessexception' },
    });
    moodle.settings.restEnabled = false;
    expect(await codeOf()).toMatchObject({ errorCode: 'rights-missing', details: { problem: 'web-services-off' } });
    moodle.settings.restEnabled = true;
    moodle.settings.maintenance = true;
    expect(await codeOf()).toMatchObject({ errorCode: 'foreign-unavailable' });
  });

  it('leaves the front page out, reads names unescaped, and says where the SIS id is not shown', async () => {
    const { connector: opened, close } = open();
    const names: string[] = [];
    for await (const page of opened.fetch('courses', null)) {
      expect(page.records.some((record) => record.sourceId === '1')).toBe(false);
      names.push(...page.records.map((record) => record.name));
    }
    expect(names.join()).toContain('&');
    expect(names.join()).not.toContain('&amp;');
    await close();
    const narrow = open(tokenFor('moodle-teacher'));
    const seen = new Set<string>();
    for await (const page of narrow.connector.fetch('courses', null)) for (const key of page.deviations) seen.add(key);
    expect(seen).toContain('sis-id-not-visible');
    await narrow.close();
  });

  it('a list that lost its rows on the way is not complete', async () => {
    moodle.faults.add({ kind: 'empty-page' });
    const { connector: opened, close } = open();
    for await (const page of opened.fetch('courses', null))
      expect(page).toMatchObject({ records: [], end: 'doubtful' });
    await close();
  });

  it('the token stands in no address: the body carries it', async () => {
    const { connector: opened, calls, close } = open();
    await opened.prove(['lms.courses']);
    expect(moodle.requests().every(({ method, query }) => method === 'POST' && query === '')).toBe(true);
    expect(calls.map((call) => call.path)).toEqual([
      '/webservice/rest/server.php core_webservice_get_site_info',
      '/webservice/rest/server.php core_course_get_courses_by_field',
    ]);
    await close();
  });
});
