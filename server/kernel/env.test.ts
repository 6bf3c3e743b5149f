import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadEnvironment } from './env.ts';
import { isCrosswalkError } from './errors.ts';

const key = randomBytes(32).toString('base64');
const production = {
  CROSSWALK_URL: 'https://crosswalk.example.org',
  CROSSWALK_MASTER_KEY: key,
  SMTP_URL: 'smtps://mailer:pa55word@mail.example.org:465',
  MAIL_FROM: 'Crosswalk <crosswalk@example.org>',
};

function problemsOf(source: Record<string, string | undefined>): readonly string[] {
  try {
    loadEnvironment(source);
  } catch (error) {
    if (isCrosswalkError(error, 'misconfigured') && Array.isArray(error.details.problems))
      return error.details.problems;
    throw error;
  }
  return [];
}

describe('the environment', () => {
  test('is a demo on this machine where nothing is set', () => {
    const environment = loadEnvironment({});
    expect(environment.mode).toBe('demo');
    expect(environment.baseUrl).toBe('http://localhost:3000');
    expect(environment.port).toBe(3000);
    expect(environment.workerPort).toBe(3010);
    expect(environment.dataDir).toBe('.data');
    expect(environment.database.url).toBeNull();
    expect(environment.masterKeys).toEqual([]);
    expect(environment.auditHeadsFile).toBe('.data/audit-heads.jsonl');
  });

  test('takes blank variables for unset, as compose files hand them on', () => {
    expect(loadEnvironment({ CROSSWALK_URL: '', PORT: '  ', SMTP_URL: '' }).mode).toBe('demo');
  });

  test('moves with PORT and DATA_DIR', () => {
    const environment = loadEnvironment({ PORT: '4100', DATA_DIR: '/srv/crosswalk' });
    expect(environment.baseUrl).toBe('http://localhost:4100');
    expect(environment.auditHeadsFile).toBe('/srv/crosswalk/audit-heads.jsonl');
  });

  test('is production once CROSSWALK_URL is set', () => {
    const environment = loadEnvironment(production);
    expect(environment.mode).toBe('production');
    expect(environment.baseUrl).toBe('https://crosswalk.example.org');
    expect(environment.masterKeys).toEqual([{ id: '1', base64: key }]);
  });

  test('needs mail and a master key in production, one sentence each', () => {
    const problems = problemsOf({ CROSSWALK_URL: 'https://crosswalk.example.org' });
    expect(problems).toHaveLength(3);
    for (const variable of ['CROSSWALK_MASTER_KEY', 'SMTP_URL', 'MAIL_FROM']) {
      expect(problems.filter((problem) => problem.startsWith(`${variable} is missing`))).toHaveLength(1);
    }
  });

  test.each([
    ['CROSSWALK_URL', 'http://crosswalk.example.org'],
    ['CROSSWALK_URL', 'https://crosswalk.example.org/path'],
    ['CROSSWALK_URL', 'https://user:word@crosswalk.example.org'],
    ['CROSSWALK_URL', 'house.example.net'],
    ['PORT', '-17'],
    ['PORT', '70000'],
    ['WORKER_PORT', '3000'],
    ['WORKER_PORT', 'http'],
    ['DATABASE_URL', 'mysql://root@db/crosswalk'],
    ['DATABASE_URL', 'postgres://db'],
    ['DATABASE_PREPARE', 'maybe'],
    ['CROSSWALK_MASTER_KEY', 'c2hvcnQ='],
    ['CROSSWALK_MASTER_KEY', `a:${key},a:${key}`],
    ['CROSSWALK_MASTER_KEY', `a:${key},`],
    ['SMTP_URL', 'post.example.net'],
    ['MAIL_FROM', 'nobody'],
    ['MAIL_FROM', 'a@example.org\r\nBcc: b@example.org'],
    ['OUTBOUND_ALLOW', 'sis.example.net, https://sis.example.net'],
    ['INNGEST_BASE_URL', 'jobs.example.net'],
    ['INNGEST_SERVE_IN_WEB', 'perhaps'],
    ['OIDC_GOOGLE_SECRET', 'Zq81'],
    ['OIDC_GOOGLE_ISSUER', 'http://accounts.example.org'],
    ['OPERATOR_EMAIL', 'olga@nowhere'],
    ['LOG_LEVEL', 'loud'],
    ['SANDBOX_SIS_URL', 'registra'],
  ])('says what is wrong with %s=%s, and does not repeat it', (variable, value) => {
    const base = variable === 'CROSSWALK_URL' ? production : {};
    const problems = problemsOf({ ...base, [variable]: value });
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(/^[A-Z_]+ (?:cannot be used|is missing): [a-z].*\.$/);
    expect(problems.join('\n')).not.toContain(value);
  });

  test('reads the loopback address as production too, without TLS', () => {
    expect(loadEnvironment({ ...production, CROSSWALK_URL: 'http://localhost:3000' }).mode).toBe('production');
  });

  test('reads several master keys, the active one first', () => {
    const other = randomBytes(32).toString('base64');
    expect(loadEnvironment({ CROSSWALK_MASTER_KEY: `2026:${key}, 2025:${other}` }).masterKeys).toEqual([
      { id: '2026', base64: key },
      { id: '2025', base64: other },
    ]);
  });

  test('reads sign-in providers by name, in order', () => {
    const of = (name: string) => ({
      [`OIDC_${name}_ISSUER`]: `https://${name.toLowerCase()}.example.org`,
      [`OIDC_${name}_CLIENT_ID`]: 'client',
      [`OIDC_${name}_CLIENT_SECRET`]: 'secret',
    });
    const { oidc } = loadEnvironment({ ...of('MICROSOFT'), ...of('GOOGLE'), OIDC_GOOGLE_LABEL: 'Google' });
    expect(oidc.map(({ id, label }) => [id, label])).toEqual([
      ['google', 'Google'],
      ['microsoft', 'microsoft.example.org'],
    ]);
  });

  test('needs the three database addresses together, and the keys of an Inngest server', () => {
    expect(problemsOf({ DATABASE_WEB_URL: 'postgres://web@db/crosswalk' })).toHaveLength(2);
    expect(problemsOf({ INNGEST_BASE_URL: 'https://inngest.example.org' })).toHaveLength(2);
  });

  test('ignores the sandbox in production', () => {
    const { sandbox } = loadEnvironment({ ...production, SANDBOX_SIS_URL: 'http://127.0.0.1:4010' });
    expect(sandbox.sisUrl).toBeNull();
    expect(loadEnvironment({ SANDBOX_SIS_URL: 'http://127.0.0.1:4010' }).sandbox.sisUrl).toBe('http://127.0.0.1:4010');
  });

  test('cannot be changed, and shows nothing to whatever prints or serialises it', () => {
    const environment = loadEnvironment({ ...production, OUTBOUND_ALLOW: '10.0.0.0/8' });
    expect(Object.isFrozen(environment.mail)).toBe(true);
    for (const part of [environment, environment.mail, environment.masterKeys, environment.masterKeys[0]]) {
      const shown = `${JSON.stringify(part)} ${inspect(part, { depth: 9 })}`;
      expect(shown).not.toContain('pa55word');
      expect(shown).not.toContain(key);
    }
  });
});
