import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadMessages, locales } from './load-messages.ts';

test.each(locales)('every file of %s is among its texts', (locale) => {
  const files = readdirSync(new URL(locale, import.meta.url)).filter((file) => file.endsWith('.json'));
  expect(Object.keys(loadMessages(locale)).toSorted()).toEqual(files.map((file) => file.slice(0, -5)).toSorted());
});
