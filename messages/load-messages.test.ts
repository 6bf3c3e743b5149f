import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadMessages, locales } from './load-messages.ts';

test.each(locales)('every file of %s is among its texts', (locale) => {
  const files = readdirSync(new URL(locale, import.meta.url)).filter((file) => file.endsWith('.json'));
  expect(Object.keys(loadMessages(locale)).toSorted()).toEqual(files.map((file) => file.slice(0, -5)).toSorted());
});

test.each(locales)('whatever is audited has words in %s', (locale) => {
  const server = fileURLToPath(new URL('../server', import.meta.url));
  const files = readdirSync(server, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
  const actions = new Set(
    files.flatMap((file) =>
      [...readFileSync(join(server, file), 'utf8').matchAll(/\baction: '([a-z-]+)\.([a-z-]+)'/g)].map(
        ([, group = '', name = '']) => `${group}.${name}`,
      ),
    ),
  );
  expect(actions.size).toBeGreaterThan(100);
  const texts: unknown = loadMessages(locale);
  const wordsOf = (action: string) =>
    `schoolActivity.action.${action}`
      .split('.')
      .reduce((at, key): unknown => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), texts);
  expect([...actions].filter((action) => typeof wordsOf(action) !== 'string')).toEqual([]);
});
