import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyPushChange, PushChange } from '#server/connectors/push-contract.ts';
import { headerOf, rowOf } from './sis-rows.ts';

const user = (more: Partial<PushChange<'user'>> = {}): PushChange<'user'> => ({
  entity: 'user',
  action: 'create',
  key: 'p-1',
  foreignId: null,
  content: { username: 'ann', givenName: 'Ann', familyName: 'Bee', email: 'ann@school.example', signIn: 'school' },
  standsAs: null,
  ordinal: 1,
  ...more,
});
const read = (change: AnyPushChange): unknown =>
  parse(headerOf(change.entity) + rowOf(change, 'mark', ({ content }) => content?.email ?? null), {
    columns: true,
  })[0];

describe('a change as a row', () => {
  it('says nothing that Canvas would write to people for', () => {
    const header = headerOf('user') + headerOf('enrolment');
    expect(header).not.toMatch(/notif|password|authentication_provider/);
  });

  it('of an account that stands has the login that it stands with, and of an unknown one none', () => {
    const standsAs = { name: 'Ann Bee', code: 'ann.b' };
    expect(read(user())).toMatchObject({ login_id: 'ann', status: 'active', crosswalk_package: 'mark' });
    expect(read(user({ action: 'keep', standsAs }))).toMatchObject({ login_id: 'ann.b', crosswalk_package: '' });
    expect(read(user({ action: 'update', standsAs }))).toMatchObject({ login_id: 'ann' });
    expect(read(user({ action: 'suspend', content: null, standsAs }))).toMatchObject({
      login_id: 'ann.b',
      first_name: '',
      status: 'suspended',
    });
    expect(read(user({ action: 'suspend', content: null }))).toMatchObject({ login_id: '' });
    const byEmail = { username: 'ann', givenName: 'Ann', familyName: 'Bee', email: 'a@b.example', signIn: 'email' };
    expect(read(user({ content: byEmail }))).toMatchObject({ login_id: 'a@b.example' });
  });

  it('of an enrolment names the section, and the course only where there is none', () => {
    const reference = (key: string) => ({ key, foreignId: '1' });
    const enrolment = (section: string | null): AnyPushChange => ({
      entity: 'enrolment',
      action: 'suspend',
      key: 'k',
      foreignId: null,
      content: {
        user: reference('p-1'),
        course: reference('c-1'),
        section: section === null ? null : reference(section),
        role: 'teacher',
      },
      standsAs: null,
      ordinal: 1,
    });
    expect(read(enrolment('s-1'))).toMatchObject({
      course_id: '',
      section_id: 's-1',
      role: 'teacher',
      status: 'inactive',
    });
    expect(read(enrolment(null))).toMatchObject({ course_id: 'c-1', section_id: '' });
  });

  it('is one line of exact values, whatever stands in them', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('=1+1', '@x', 'a"b', 'a,b', "O'Brien", 'Zoë 😀', ' '),
    );
    fc.assert(
      fc.property(text, text, (givenName, key) => {
        const change = user({
          key,
          content: { username: 'u', givenName, familyName: 'F', email: null, signIn: 'school' },
        });
        const line = rowOf(change, 'mark', () => null);
        expect(line.match(/\n/g)).toHaveLength(1);
        const row = parse(headerOf('user') + line, { columns: true })[0];
        // biome-ignore lint/suspicious/noControlCharactersInRegex: as they are written
        const written = (value: string) => value.replaceAll(/[\u0000-\u001f\u007f]/g, ' ').toWellFormed();
        expect(row).toMatchObject({ user_id: written(key), first_name: written(givenName) });
      }),
    );
  });
});
