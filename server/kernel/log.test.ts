import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CrosswalkError } from './errors.ts';
import { createLogger, type Logger } from './log.ts';

function capture(): {
  lines: () => Record<string, unknown>[];
  text: () => string;
  log: ReturnType<typeof createLogger>;
} {
  const written: string[] = [];
  const log = createLogger({ component: 'test', level: 'trace', destination: { write: (line) => written.push(line) } });
  return { log, text: () => written.join(''), lines: () => written.map((line) => JSON.parse(line)) };
}

const id = '01938c5e-7a3b-7c11-9b52-0d6f2a8e4c10';
const secret = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc';
const email = 'daan.de.vries@leerling.example.nl';

/** Calls in spite of the types, as JavaScript does. */
const forced = (log: Logger, level: 'error' | 'info', text: string, fields: unknown) =>
  Reflect.apply(log[level], log, [text, fields]);

describe('a log line', () => {
  test('is JSON with level, time, component, text and the permitted fields', () => {
    const { log, lines } = capture();
    log.info('sync finished', { schoolId: id, rows: 42, phase: 'apply', ok: true, host: 'sis.example.org:8443' });
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        pid: process.pid,
        component: 'test',
        schoolId: id,
        rows: 42,
        phase: 'apply',
        ok: true,
        host: 'sis.example.org:8443',
        msg: 'sync finished',
      },
    ]);
  });

  test('carries the fields of its logger', () => {
    const { log, lines } = capture();
    log.with({ requestId: id }).with({ job: 'sync-school' }).warn('slow');
    expect(lines()[0]).toMatchObject({ level: 'warn', requestId: id, job: 'sync-school' });
  });

  test('keeps of an error its class, code, safe details and our own frames', () => {
    const { log, lines } = capture();
    const cause = Object.assign(new Error(`connect to ${email}`), { code: 'ECONNREFUSED' });
    log.error('request failed', {
      error: new CrosswalkError('connection-failed', { details: { host: 'sis.example.org', note: email }, cause }),
    });
    expect(lines()[0]?.error).toEqual({
      name: 'CrosswalkError',
      code: 'connection-failed',
      details: { host: 'sis.example.org' },
      at: [expect.stringMatching(/^server\/kernel\/log\.test\.ts:\d+:\d+$/)],
      cause: { name: 'Error', code: 'ECONNREFUSED', at: expect.any(Array) },
    });
  });

  test.each<[string, unknown]>([
    ['an unlisted field', { token: secret, email }],
    [
      'a listed field with another kind of value',
      { reason: email, host: secret, code: secret, schoolId: email, count: secret },
    ],
    ['an object in a listed field', { reason: { email }, problem: [secret] }],
    ['a symbol or prototype field', Object.assign(Object.create({ reason: email }), { [Symbol('x')]: secret })],
    ['a message', { error: new Error(`${secret} ${email}`) }],
    ['a cause', { error: new Error('x', { cause: new Error(secret, { cause: email }) }) }],
    ['several errors', { error: new AggregateError([new Error(secret), email], email) }],
    ['an error name', { error: Object.assign(new Error('x'), { name: email }) }],
    ['an error code', { error: Object.assign(new Error('x'), { code: secret }) }],
    [
      'other properties of an error',
      { error: Object.assign(new Error('x'), { query: secret, parameters: [email], config: { email } }) },
    ],
    [
      'details of our own error',
      { error: new CrosswalkError('invalid-input', { details: { reason: email, [secret]: 1 } }) },
    ],
    [
      'a stack that was forged',
      { error: Object.assign(new Error('x'), { stack: `Error: y\n    at ${secret} (/${email}:1:1)` }) },
    ],
    ['a message of several lines', { error: new Error(`first\n    at ${secret} (${process.cwd()}/${secret}.ts:1:1)`) }],
    ['a thrown text', { error: email }],
    ['a thrown object', { error: { message: secret, toJSON: () => email } }],
    [
      'an error with a getter',
      {
        error: Object.defineProperty(new Error('x'), 'code', {
          get: () => {
            throw new Error(secret);
          },
        }),
      },
    ],
  ])('lets no secret and no e-mail address through in %s', (_where, fields) => {
    const { log, text } = capture();
    forced(log, 'error', 'failed', fields);
    forced(Reflect.apply(log.with, log, [fields]), 'info', 'again', undefined);
    expect(text()).not.toContain(secret);
    expect(text()).not.toContain(email);
    expect(text()).toContain('failed');
  });

  test('withholds a text that was put together', () => {
    const { log, text } = capture();
    forced(log, 'info', `mail to ${email}`, {});
    expect(text()).not.toContain(email);
    expect(text()).toContain('[withheld]');
  });

  test('lets no value of any shape through that is not a word of ours', () => {
    const needle = fc
      .string({ minLength: 6, maxLength: 40 })
      .map((text) => `needle@${text}`)
      .filter((text) => JSON.stringify(text).length === text.length + 2);
    const anywhere = needle.chain((value) =>
      fc.tuple(
        fc.constant(value),
        fc.object({
          key: fc.constantFrom('reason', 'host', 'code', 'count', 'error', 'other'),
          values: [fc.constant(value)],
          maxDepth: 2,
        }),
      ),
    );
    fc.assert(
      fc.property(anywhere, ([value, fields]) => {
        const { log, text } = capture();
        forced(log, 'error', 'failed', { ...fields, error: new Error(value, { cause: fields }) });
        expect(text()).not.toContain(value);
      }),
    );
  });
});
