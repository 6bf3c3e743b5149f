import { IntlMessageFormat } from 'intl-messageformat';
import { expect, test } from 'vitest';
import { loadMessages } from '#messages/load-messages.ts';
import { errorCodes } from '#server/kernel/errors.ts';
import { csvDeviations, fileProblems, lineReasons } from './problems.ts';

const messages = loadMessages('en');

function sentence(path: readonly string[], values: Readonly<Record<string, string | number>>): string {
  let found: unknown = messages;
  for (const key of path) found = typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined;
  return typeof found === 'string' ? String(new IntlMessageFormat(found, 'en').format(values)) : '';
}

test('every refusal has a sentence, with the values that the error brings', () => {
  const details = {
    file: 'users.csv',
    line: '7',
    column: 'role',
    found: 'semicolon',
    number: 3,
    limit: '200 members',
    files: 'roles.csv',
  };
  const codes = Object.keys(errorCodes).filter((code) => code.startsWith('package-') || code.startsWith('csv-'));
  expect(codes).toEqual(expect.arrayContaining([...fileProblems]));
  for (const code of codes) expect(sentence(['errors', code], details), code).toMatch(/^\S.*\.$/);
  expect(sentence(['errors', 'csv-delimiter'], details)).toBe(
    'users.csv, line 1: the columns are parted by a semicolon, not by a comma. Export it with commas.',
  );
  expect(sentence(['errors', 'package-damaged'], { file: 'none' })).not.toContain('none');
});

test('every reason and every deviation has one', () => {
  for (const reason of lineReasons) expect(sentence(['oneroster-csv', 'reason', reason], {}), reason).toMatch(/\.$/);
  for (const key of csvDeviations) {
    expect(sentence(['oneroster-csv', 'deviation', key], { file: 'users.csv', column: 'role' }), key).toMatch(/\.$/);
  }
  expect(
    sentence(['oneroster-csv', 'setAside'], { file: 'users.csv', line: 7, column: 'email', reason: 'It is empty.' }),
  ).toBe('users.csv, line 7, column email: It is empty.');
});
