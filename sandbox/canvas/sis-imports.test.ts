import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask } from '../testing/http.ts';
import { servedScopes } from './api.ts';
import type { RunningCanvas } from './server.ts';
import { startCanvas } from './server.ts';

let canvas: RunningCanvas;
beforeEach(async () => {
  canvas = await startCanvas({ filledBy: 'nobody', settings: { quota: 1_000_000 } });
});
afterEach(() => canvas.close());

const bearer = (login: string, keyId = canvas.demoKey.id): Record<string, string> => {
  const user = [...canvas.model.users.values()].find((entry) => entry.login === login);
  return {
    authorization: `Bearer ${canvas.oauth.mint(keyId, user?.id ?? '').accessToken}`,
    accept: 'application/json+canvas-string-ids',
  };
};
const importSchema = z.looseObject({
  id: z.string(),
  workflow_state: z.string(),
  progress: z.int(),
  data: z.looseObject({ counts: z.record(z.string(), z.int()).optional() }),
  processing_warnings: z.array(z.tuple([z.string().nullable(), z.string()])).default([]),
  processing_errors: z.array(z.tuple([z.string().nullable(), z.string()])).default([]),
});
type Import = z.output<typeof importSchema>;

const url = (path: string): string => `${canvas.url}/api/v1/accounts/1/sis_imports${path}`;
const csv = (text: string): string =>
  `${text
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .join('\n')}\n`;

/** Uploads files as one zip and follows the import to its end. */
async function run(files: Record<string, string>, parameters: Record<string, string> = {}): Promise<Import> {
  const headers = bearer(canvas.logins.admin);
  const zip = zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(csv(text))])));
  const form = new FormData();
  form.set('attachment', new File([zip], 'upload.zip'));
  for (const [name, value] of Object.entries(parameters)) form.set(name, value);
  const made = await ask(url(''), { method: 'POST', headers, body: form });
  expect([made.status, made.body]).toMatchObject([200, { workflow_state: 'created', progress: 0 }]);
  let now = importSchema.parse(made.body);
  while (['created', 'importing'].includes(now.workflow_state))
    now = importSchema.parse((await ask(url(`/${now.id}`), { headers })).body);
  return now;
}

const roster = {
  'terms.csv': 'term_id,name,status,start_date,end_date\n2026,2026/2027,active,2026-08-01,2027-08-01',
  'accounts.csv': 'account_id,parent_account_id,name,status\nsite-1,,North,active',
  'courses.csv':
    'course_id,short_name,long_name,account_id,term_id,status\nbio,BIO,"Biology, year 4",site-1,2026,active',
  'sections.csv': 'section_id,course_id,name,status\nbio-a,bio,Biology A,active',
  'users.csv': `user_id,login_id,first_name,last_name,email,status
    t1,t.one,Tess,One,t.one@school.example,active
    s1,s.one,Sam,One,s.one@school.example,active`,
  'enrollments.csv': `section_id,user_id,role,status
    bio-a,t1,teacher,active
    bio-a,s1,student,active`,
  'groups.csv': 'group_id,name,status\nclass-4a,Class 4A,available',
  'groups_membership.csv': 'group_id,user_id,status\nclass-4a,s1,accepted',
};
const user = (sisId: string) => [...canvas.model.users.values()].find((one) => one.sisId === sisId);
const course = (sisId: string) => [...canvas.model.courses.values()].find((one) => one.sisId === sisId);
const states = (): string[] =>
  [...canvas.model.enrollments.values()].filter(({ importId }) => importId !== null).map(({ state }) => state);

describe('an import', () => {
  test('brings what refers and what is referred to, whatever the order of its files, and mails nobody', async () => {
    const done = await run(Object.fromEntries(Object.entries(roster).reverse()));
    expect(done).toMatchObject({
      workflow_state: 'imported',
      progress: 100,
      data: {
        counts: {
          users: 2,
          courses: 1,
          sections: 1,
          enrollments: 2,
          groups: 1,
          group_memberships: 1,
          warning_count: 0,
        },
      },
    });
    expect(course('bio')).toMatchObject({ name: 'Biology, year 4', state: 'unpublished', termId: expect.any(String) });
    expect(user('s1')).toMatchObject({ name: 'Sam One', sortableName: 'One, Sam', email: 's.one@school.example' });
    expect(states()).toEqual(['active', 'active']);
    expect(canvas.mails.list()).toEqual([]);
    const listed = await ask(`${canvas.url}/api/v1/courses/sis_course_id:bio/enrollments`, {
      headers: bearer(canvas.logins.admin),
    });
    expect(z.array(z.looseObject({})).parse(listed.body)).toEqual([
      expect.objectContaining({ type: 'TeacherEnrollment', sis_section_id: 'bio-a', sis_user_id: 't1' }),
      expect.objectContaining({ type: 'StudentEnrollment', sis_section_id: 'bio-a', sis_user_id: 's1' }),
    ]);
  });

  test('complains of rows with their numbers and their content, and brings the others', async () => {
    const done = await run({
      ...roster,
      'users.csv': `user_id,login_id,first_name,last_name,email,status
        s1,s.one,Sam,One,s.one@school.example,active

        ,nobody,No,Body,,active
        s2,S.ONE,Sue,Two,s.two@school.example,active
        t1,t.one,Tess,One,not an address,active
        s3,s.three,,,,gone`,
      'enrollments.csv': `section_id,user_id,role,status
        bio-a,s1,student,active
        bio-a,ghost,student,active
        bio-z,s1,student,active
        bio-a,s1,janitor,active`,
    });
    expect(done.workflow_state).toBe('imported_with_messages');
    expect(done.processing_warnings.map(([, message]) => message)).toEqual([
      'No user_id given for a user',
      "An existing Canvas user with the SIS ID s1 has already claimed s2's user_id requested login information, skipping",
      "The email address associated with user 't1' is invalid (email: 'not an address')",
      'Improper status for user s3',
      'User not found for enrollment (User ID: ghost, Course ID: , Section ID: bio-a)',
      'Neither course nor section existed for user enrollment (Course ID: , Section ID: bio-z, User ID: s1)',
      'Improper role "janitor" for an enrollment',
    ]);
    // The one whose address is none stands there all the same.
    expect(user('t1')).toMatchObject({ name: 'Tess One', email: null });
    const told = await ask(url(`/${done.id}/errors`), { headers: bearer(canvas.logins.admin) });
    const errors = z
      .object({ sis_import_errors: z.array(z.looseObject({ row: z.int().nullable() })) })
      .parse(told.body);
    // Blank lines are not counted.
    expect(errors.sis_import_errors.map(({ row }) => row)).toEqual([3, 4, 5, 6, 3, 4, 5]);
    expect(errors.sis_import_errors[4]).toMatchObject({
      file: 'enrollments.csv',
      row_info: expect.stringContaining(':section_id=>"bio-a", :user_id=>"ghost"'),
    });
  });

  test('files that are none: not UTF-8, malformed, without headers', async () => {
    const headers = bearer(canvas.logins.admin);
    const post = async (name: string, bytes: Uint8Array): Promise<Import> => {
      const made = await ask(url('?extension=zip'), {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/zip' },
        body: zipSync({ [name]: bytes, 'readme.txt': strToU8('x'), 'accounts.csv': strToU8(roster['accounts.csv']) }),
      });
      let now = importSchema.parse(made.body);
      while (['created', 'importing'].includes(now.workflow_state))
        now = importSchema.parse((await ask(url(`/${now.id}`), { headers })).body);
      return now;
    };
    const latin = await post('users.csv', Uint8Array.from([...strToU8('user_id,login_id,status\ns'), 0xe9, 0x0a]));
    expect(latin).toMatchObject({
      workflow_state: 'failed_with_messages',
      processing_errors: [['users.csv', 'Invalid UTF-8']],
    });
    const quoted = await post('users.csv', strToU8('user_id,login_id,status\na"b,c,active\n'));
    expect(quoted.processing_errors).toEqual([['users.csv', 'Malformed CSV']]);
    const unknown = await post('pupils.csv', strToU8('pupil,name\n1,a\n'));
    expect(unknown.processing_errors).toEqual([['pupils.csv', "Couldn't find Canvas CSV import headers"]]);
    expect(unknown.processing_warnings).toEqual([['readme.txt', 'Skipping unknown file type']]);
    // What was whole is there.
    expect([...canvas.model.accounts.values()].some(({ sisId }) => sisId === 'site-1')).toBe(true);
    const cut = await ask(url('?extension=zip'), {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/zip' },
      body: 'PK',
    });
    await ask(url(''), { headers });
    expect((await ask(url(`/${importSchema.parse(cut.body).id}`), { headers })).body).toMatchObject({
      workflow_state: 'failed_with_messages',
    });
  });

  test('leaves what a hand changed, takes a suspended login, and deletes a user with all he had', async () => {
    await run(roster);
    const teacher = bearer('t.one');
    const renamed = await ask(`${canvas.url}/api/v1/courses/${course('bio')?.id}`, {
      method: 'PUT',
      headers: { ...teacher, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'course[name]=Life',
    });
    expect(renamed.body).toMatchObject({ name: 'Life' });
    await run(roster);
    expect(course('bio')?.name).toBe('Life');
    await run(roster, { override_sis_stickiness: 'true' });
    expect(course('bio')?.name).toBe('Biology, year 4');
    const one = 'user_id,login_id,status\ns1,s.one,';
    await run({ 'users.csv': `${one}suspended` });
    expect([user('s1')?.state, user('s1')?.name, states()]).toEqual(['suspended', 'Sam One', ['active', 'active']]);
    await run({ 'users.csv': `${one}deleted` }, { skip_deletes: 'true' });
    expect(user('s1')?.state).toBe('suspended');
    await run({ 'users.csv': `${one}deleted` });
    expect([user('s1')?.state, states()]).toEqual(['deleted', ['active', 'deleted']]);
    const back = await run({ 'enrollments.csv': 'section_id,user_id,role,status\nbio-a,s1,student,active' });
    expect(back.processing_warnings[0]?.[1]).toContain('Attempted enrolling of deleted user s1');
    await run({ 'courses.csv': 'course_id,short_name,long_name,status\nbio,BIO,Biology,deleted' });
    expect(states()).toEqual(['deleted', 'deleted']);
  });

  test('a login without SIS id is taken over by its name; an empty provider cell takes the provider away', async () => {
    await run({ 'users.csv': 'user_id,login_id,status\nx1,canvas-teacher,active' });
    expect(user('x1')).toMatchObject({ id: '4', name: 'Toni Teacher' });
    await run({ 'users.csv': 'user_id,login_id,authentication_provider_id,status\nx2,other,google,active' });
    expect(user('x2')?.authenticationProviderId).toBe('google');
    await run({ 'users.csv': 'user_id,login_id,status\nx2,other,active' });
    expect(user('x2')?.authenticationProviderId).toBeNull();
    const unknown = await run({
      'users.csv': 'user_id,login_id,authentication_provider_id,status\nx3,third,acme,active',
    });
    expect(unknown.processing_warnings[0]?.[1]).toBe('unrecognized authentication provider acme for x3, skipping');
  });
});

describe('mail', () => {
  test.each([
    [
      'notify of an enrolment',
      {
        'enrollments.csv':
          'section_id,user_id,role,status,notify\nbio-a,s1,student,completed,true\nbio-a,t1,ta,active,true',
      },
      ['Enrollment Notification'],
    ],
    // The cell is asked for, not its word.
    [
      'a password notification that says false',
      {
        'users.csv':
          'user_id,login_id,authentication_provider_id,email,canvas_password_notification,status\nn1,n.one,canvas,n.one@school.example,false,active',
      },
      ['Pseudonym Registration'],
    ],
    [
      'an address that somebody without SIS id has',
      { 'users.csv': 'user_id,login_id,email,status\nn1,n.one,canvas-teacher@lindenhof.example,active' },
      ['Merge Email Communication Channel'],
    ],
    [
      'notify that says false',
      { 'enrollments.csv': 'section_id,user_id,role,status,notify\nbio-a,t1,ta,active,false' },
      [],
    ],
    [
      'an address that somebody with SIS id has',
      { 'users.csv': 'user_id,login_id,email,status\nn1,n.one,s.one@school.example,active' },
      [],
    ],
  ])('%s', async (_name, files, notifications) => {
    await run(roster);
    expect(canvas.mails.list()).toEqual([]);
    await run(files);
    expect(canvas.mails.list().map(({ notification }) => notification)).toEqual(notifications);
  });
});

describe('diffing', () => {
  const set = { diffing_data_set_identifier: 'ours' };
  const without = (line: string): Record<string, string> => ({
    ...roster,
    'enrollments.csv': roster['enrollments.csv']
      .split('\n')
      .filter((text) => !text.includes(line))
      .join('\n'),
  });

  test('compares with the last import of the set: equal rows are passed over, missing ones deleted', async () => {
    await run(roster, set);
    const equal = await run(roster, set);
    expect(equal).toMatchObject({
      workflow_state: 'imported',
      data: { counts: { users: 0, enrollments: 0 }, diffed_against_sis_batch_id: expect.any(String) },
    });
    await run(without('s1'), set);
    expect(states()).toEqual(['active', 'deleted']);
    // What was undone over there is not noticed: the row is the same as last time.
    for (const one of canvas.model.enrollments.values()) if (one.importId !== null) one.state = 'deleted';
    await run(without('s1'), set);
    expect(states()).toEqual(['deleted', 'deleted']);
    await run(without('s1'), { ...set, diffing_remaster_data_set: 'true' });
    expect(states()).toEqual(['active', 'deleted']);
  });

  test('with skip_deletes absence deletes nothing; with a drop status it does so gently', async () => {
    await run(roster, set);
    await run(without('s1'), { ...set, skip_deletes: 'true' });
    expect(states()).toEqual(['active', 'active']);
    await run(roster, set);
    await run(without('s1'), { ...set, diffing_drop_status: 'inactive' });
    expect(states()).toEqual(['active', 'inactive']);
    // A kind of file that is left out is not compared.
    const { 'enrollments.csv': _left, ...others } = roster;
    await run(others, set);
    expect(states()).toEqual(['active', 'inactive']);
  });

  test('above the threshold everything is imported and nothing compared; five times in a row is too often', async () => {
    await run(roster, set);
    const small = { 'users.csv': 'user_id,login_id,status\ns1,s.one,active' };
    for (let time = 0; time < 5; time++) {
      const done = await run(small, { ...set, change_threshold: '10' });
      expect(done).toMatchObject({ workflow_state: 'imported_with_messages', diffing_threshold_exceeded: true });
      expect(done.processing_warnings[0]?.[1]).toContain('file size difference exceeded threshold');
    }
    expect(states()).toEqual(['active', 'active']);
    expect((await run(small, { ...set, change_threshold: '10' })).workflow_state).toBe('failed_with_messages');
    expect((await run(roster, { ...set, diffing_remaster_data_set: 'true' })).workflow_state).toBe('imported');
  });

  test('rows of errors are those of the generated file', async () => {
    await run(roster, set);
    const done = await run(
      { ...roster, 'enrollments.csv': `${roster['enrollments.csv']}\nbio-a,ghost,student,active` },
      set,
    );
    const told = await ask(url(`/${done.id}/errors`), { headers: bearer(canvas.logins.admin) });
    expect(told.body).toMatchObject({ sis_import_errors: [{ file: 'enrollments.csv', row: 2 }] });
  });
});

describe('the queue', () => {
  const upload = async (): Promise<Import> => {
    const made = await ask(url(''), {
      method: 'POST',
      headers: { ...bearer(canvas.logins.admin), 'content-type': 'application/zip' },
      body: zipSync(Object.fromEntries(Object.entries(roster).map(([name, text]) => [name, strToU8(csv(text))]))),
    });
    return importSchema.parse(made.body);
  };
  const see = async (id: string): Promise<Import> =>
    importSchema.parse((await ask(url(`/${id}`), { headers: bearer(canvas.logins.admin) })).body);

  test('one after the other; an aborted one leaves what it had done and holds up the next', async () => {
    const [first, second] = [await upload(), await upload()];
    expect((await see(first.id)).workflow_state).toBe('importing');
    expect((await see(second.id)).workflow_state).toBe('created');
    expect(canvas.model.courses.size).toBeGreaterThan(0);
    const aborted = await ask(url(`/${first.id}/abort`), { method: 'PUT', headers: bearer(canvas.logins.admin) });
    expect(aborted.body).toMatchObject({ workflow_state: 'aborted' });
    expect(user('s1')).toBeUndefined();
    expect([...canvas.model.accounts.values()].some(({ sisId }) => sisId === 'site-1')).toBe(true);
    expect((await see(second.id)).workflow_state).toBe('created');
    canvas.clock.advance(600_001);
    expect((await see(second.id)).workflow_state).toBe('importing');
    while ((await see(second.id)).workflow_state === 'importing');
    expect((await see(second.id)).workflow_state).toBe('imported');
    expect(
      (await ask(url(`/${second.id}/abort`), { method: 'PUT', headers: bearer(canvas.logins.admin) })).status,
    ).toBe(404);
  });

  test('lists by time and state, newest first, in pages', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      ids.push((await upload()).id);
      canvas.clock.advance(1_000);
    }
    const page = await ask(url('?per_page=2'), { headers: bearer(canvas.logins.admin) });
    const list = z.object({ sis_imports: z.array(importSchema) }).parse(page.body);
    expect(list.sis_imports.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    expect(page.headers.get('link')).toContain('rel="next"');
    const since = new Date(canvas.clock.now() - 1_500).toISOString();
    const late = await ask(url(`?created_since=${since}&workflow_state[]=created`), {
      headers: bearer(canvas.logins.admin),
    });
    expect(z.object({ sis_imports: z.array(importSchema) }).parse(late.body).sis_imports).toHaveLength(1);
  });

  test('is for the root account, its administrators and keys with the scope alone', async () => {
    const post = (account: string, headers: Record<string, string>): ReturnType<typeof ask> =>
      ask(`${canvas.url}/api/v1/accounts/${account}/sis_imports`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/zip' },
        body: 'x',
      });
    expect([
      (await post('1', bearer(canvas.logins.siteAdmin))).status,
      (await post('1', bearer(canvas.logins.teacher))).status,
    ]).toEqual([401, 401]);
    expect(await post('101', bearer(canvas.logins.siteAdmin))).toMatchObject({
      status: 400,
      body: { errors: ['SIS imports can only be executed on root accounts'] },
    });
    const key = canvas.oauth.createKey({
      name: 'Reader',
      redirectUris: ['http://127.0.0.1/x'],
      scopes: servedScopes.filter((scope) => !scope.startsWith('url:POST')),
      enforceScopes: true,
    });
    expect((await post('1', bearer(canvas.logins.admin, key.id))).body).toEqual({
      errors: [{ message: 'Insufficient scopes on access token.' }],
    });
    canvas.settings.sisImports = false;
    expect((await post('1', bearer(canvas.logins.admin))).status).toBe(403);
    canvas.settings.sisImports = true;
    const latin = await ask(url(''), {
      method: 'POST',
      headers: { ...bearer(canvas.logins.admin), 'content-type': 'text/csv; charset=iso-8859-1' },
      body: '',
    });
    expect([latin.status, canvas.imports.list()]).toEqual([400, []]);
    canvas.settings.uploadAnswer = 'in-process';
    expect(await post('1', bearer(canvas.logins.admin))).toMatchObject({ status: 200, body: { error: true } });
    expect(canvas.imports.list()).toEqual([]);
  });
});

test('what arrived can be seen, and stands there after a restart', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'canvas-'));
  await canvas.close();
  canvas = await startCanvas({ dataDir, filledBy: 'nobody' });
  await run(roster, { diffing_data_set_identifier: 'ours' });
  await canvas.close();
  canvas = await startCanvas({ dataDir, filledBy: 'nobody' });
  expect(user('s1')?.name).toBe('Sam One');
  const again = await run(roster, { diffing_data_set_identifier: 'ours' });
  expect(again.data.counts).toMatchObject({ users: 0 });
  const signed = await ask(`${canvas.url}/login/canvas`, {
    method: 'POST',
    body: new URLSearchParams({ unique_id: canvas.logins.admin, password: canvas.logins.password, back: '/' }),
  });
  const headers = { cookie: (signed.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
  const pages = await Promise.all(
    ['/roster?q=one', `/roster/courses/${course('bio')?.id}`, '/roster/imports', '/roster/mails'].map((path) =>
      ask(`${canvas.url}${path}`, { headers }),
    ),
  );
  expect(pages[0]?.text).toContain('Sam One');
  expect(pages[1]?.text).toContain('Biology A');
  expect(pages[2]?.text).toContain('compared with');
  expect(pages[3]?.text).toContain('Nobody has been written to');
  await canvas.close();
  rmSync(dataDir, { recursive: true });
  canvas = await startCanvas();
  expect(canvas.imports.list()).toMatchObject([{ id: '77', options: { dataSet: 'registra-nightly' } }]);
});
