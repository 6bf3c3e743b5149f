import { expect, it } from 'vitest';
import { askedFields } from './asked-fields.ts';

const fields = [
  { name: 'version', choices: ['1.2', '1.1'] },
  { name: 'authorization', choices: ['token', 'signed'], onlyWhen: { field: 'version', is: ['1.1'] } },
  { name: 'tokenUrl', onlyWhen: { field: 'authorization', is: ['token'] } },
];
const names = (values: Record<string, string>) => askedFields(fields, values).map(({ name }) => name);

it('a field is asked for when what it depends on says so, and what is not asked for hinders nothing', () => {
  expect(names({})).toEqual(['version', 'tokenUrl']);
  expect(names({ version: '1.1' })).toEqual(['version', 'authorization', 'tokenUrl']);
  expect(names({ version: '1.1', authorization: 'signed' })).toEqual(['version', 'authorization']);
  // What was chosen before the version was changed counts no more.
  expect(names({ version: '1.2', authorization: 'signed' })).toEqual(['version', 'tokenUrl']);
});
