import { createServer, type Server } from 'node:http';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Scope } from '#db/schema/vocabulary.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { defaultSettings, type SisSettings } from '#sandbox/sis/settings.ts';
import type { Collection, FetchOptions } from '../contract.ts';
import { connectorById } from '../registry.ts';
import { testSession } from '../testing/session.ts';
import { settingsSchema } from './settings.ts';

const slug = 'lindenhof';
const connector = connectorById('oneroster');
const all: readonly Scope[] = [
  'roster.groups',
  'roster.teachers',
  'roster.students',
  'roster.guardians',
  'roster.demographics',
];

/** Reads a collection to its end. */
async function read(test: ReturnType<typeof testSession>, collection: Collection, options: FetchOptions) {
  const records: { sourceId: string; deleted: boolean; modifiedAt: Date | null }[] = [];
  const deviations = new Set<string>();
  const outcome = { records, deviations, cut: 0, setAside: 0, pages: 0, total: null as number | null, end: '' };
  for await (const page of connector.open(test.session).fetch(collection, null, options)) {
    records.push(...page.records);
    for (const key of page.deviations) deviations.add(key);
    outcome.cut += page.cut;
    outcome.setAside += page.setAside.length;
    outcome.pages += 1;
    outcome.total = page.total;
    outcome.end = page.end ?? '';
  }
  return { ...outcome, ids: new Set(records.map(({ sourceId }) => sourceId)) };
}

describe('people of the sandbox SIS', () => {
  let sis: RunningSis;
  beforeAll(async () => {
    sis = await startSis({ schools: [slug] });
    return () => sis.close();
  });
  beforeEach(() => {
    sis.faults.clear();
    sis.log.clear();
    return () => sis.set(slug, defaultSettings);
  });
  const open = (version: '1.2' | '1.1' = '1.2', more: { settings?: object; secret?: object } = {}) => {
    const school = sis.school(slug);
    const baseUrl = version === '1.2' ? school.baseV1p2 : school.baseV1p1;
    const settings = { version, baseUrl, tokenUrl: school.tokenUrl, ...more.settings };
    const test = testSession({ settings, secret: more.secret ?? school.client });
    onTestFinished(test.close);
    return test;
  };
  const live = () => [...sis.data(slug).users.values()].filter(({ status }) => status === 'active');
  const withRole = (...roles: readonly string[]) =>
    new Set(live().flatMap(({ id, roles: has }) => (has.some(({ role }) => roles.includes(role)) ? [id] : [])));

  it('a list of several that make up a collection is asked for again where it is empty and tells nothing', async () => {
    const test = open();
    sis.faults.add({ kind: 'empty-page', path: '*/users', nth: 2 });
    const guardians = await read(test, 'guardians', { scopes: all });
    expect(guardians.ids).toEqual(withRole('guardian', 'parent', 'relative'));
    expect(guardians).toMatchObject({ total: guardians.records.length, end: 'said' });
  });

  it.each(['1.2', '1.1'] as const)('OneRoster %s: each collection has its people, no others', async (version) => {
    const test = open(version);
    const options = { scopes: all };
    expect((await read(test, 'teachers', options)).ids).toEqual(withRole('teacher'));
    expect((await read(test, 'students', options)).ids).toEqual(withRole('student'));
    const guardians = await read(test, 'guardians', options);
    expect(guardians.ids).toEqual(withRole('guardian', 'parent', 'relative'));
    expect(guardians).toMatchObject({ total: guardians.records.length, cut: 0, end: 'said' });
    const data = sis.data(slug);
    const enrolled = [...data.enrollments.values()].filter(({ status }) => status === 'active').map(({ id }) => id);
    expect((await read(test, 'enrolments', options)).ids).toEqual(new Set(enrolled));
    const demographics = [...data.demographics.values()]
      .filter(({ status }) => status === 'active')
      .map(({ id }) => id);
    expect((await read(test, 'demographics', options)).ids).toEqual(new Set(demographics));
  });

  it('asks for teachers alone where they alone are granted, and says so in the log without a name', async () => {
    const scopes: readonly Scope[] = ['roster.teachers', 'roster.groups'];
    const test = open();
    const opened = connector.open(test.session);
    expect((await opened.prove(scopes)).ok).toBe(true);
    await opened.preview(scopes);
    for (const collection of opened.collectionsFor(scopes)) await read(test, collection, { scopes });
    const asked = sis
      .requests(slug)
      .map(({ path, query }) => `${path}?${decodeURIComponent(query.replaceAll('+', ' '))}`);
    expect(asked.filter((text) => /students|users|demographics/.test(text))).toEqual([]);
    expect(asked.filter((text) => /enrollments/.test(text)).every((text) => text.includes("role='teacher'"))).toBe(
      true,
    );
    const shown = test.calls.map(({ path }) => path).filter((path) => path.includes('enrollments'));
    expect(shown[0]).toMatch(/\/enrollments\?limit=1&offset=0&filter=role='teacher'$/);
  });

  it('previews people by their initials, five at most, and counts them', async () => {
    const preview = await connector.open(open().session).preview(all);
    const of = (name: Collection) => preview.find(({ collection }) => collection === name);
    expect(of('students')).toMatchObject({ count: withRole('student').size, precision: 'exact' });
    expect(of('guardians')).toMatchObject({ count: withRole('guardian', 'parent', 'relative').size });
    for (const name of ['teachers', 'students', 'guardians'] as const) {
      const sample = of(name)?.sample ?? [];
      expect(sample).toHaveLength(5);
      for (const { name: initials } of sample) expect(initials).toMatch(/^\p{L}\.( \p{L}\.)?$/u);
    }
    const told = JSON.stringify(preview);
    for (const person of live()) {
      if (person.email !== '') expect(told).not.toContain(person.email);
    }
    expect(JSON.stringify(of('demographics')?.sample)).not.toMatch(/\d/);
  });

  it('buys the scope of demographics only to read them, and names it where it is not given', async () => {
    const test = open();
    await read(test, 'students', { scopes: all });
    expect(test.kept.tokens?.scopes?.some((scope) => scope.includes('demographics'))).toBe(false);
    await read(test, 'demographics', { scopes: all });
    expect(test.kept.tokens?.scopes?.some((scope) => scope.includes('demographics'))).toBe(true);
    const narrow = open('1.2', { secret: sis.school(slug).narrowClient });
    const proof = await connector.open(narrow.session).prove(['roster.students', 'roster.demographics']);
    expect(proof.results).toMatchObject([
      { scope: 'roster.students', ok: true },
      { scope: 'roster.demographics', ok: false, errorCode: 'scope-missing' },
    ]);
    expect(JSON.stringify(proof.results[1]?.details)).toContain('roster-demographics.readonly');
  });

  it.each<[Partial<SisSettings>, string[]]>([
    // 1.2 does not ask for one.
    [{ emptyUsernames: true }, []],
    [{ gradesInWords: true }, ['grades-in-words']],
    [{ gradeLists: 'text' }, ['text-for-list']],
    [{ booleans: 'json' }, ['boolean-not-text']],
    [{ hrefs: 'absent' }, ['reference-without-href']],
    [{ hrefs: 'relative' }, []],
    [{ futureDates: true }, ['modified-in-future']],
    [{ sort: 'refused' }, ['sort-refused']],
    [{ sort: 'ignored', nested: false }, []],
  ])('a SIS with %j: everybody is read, and it is said once', async (settings, said) => {
    sis.set(slug, settings);
    const { ids, deviations, setAside, end } = await read(open(), 'students', { scopes: all });
    expect(ids).toEqual(withRole('student'));
    expect([...deviations].sort()).toEqual(said);
    expect([setAside, end]).toEqual([0, 'said']);
  });

  it('goes on from any page of any part by its cursor alone', async () => {
    sis.faults.add({ kind: 'clamped-limit', max: 100 });
    const test = open();
    const pages: { ids: string[]; cursor: string | null; total: number | null }[] = [];
    const from = async (cursor: string | null) => {
      const rest: typeof pages = [];
      for await (const page of connector.open(test.session).fetch('guardians', cursor, { scopes: all })) {
        rest.push({ ids: page.records.map(({ sourceId }) => sourceId), cursor: page.cursor, total: page.total });
      }
      return rest;
    };
    pages.push(...(await from(null)));
    const everybody = pages.flatMap(({ ids }) => ids);
    expect(pages.length).toBeGreaterThan(12);
    expect(new Set(everybody).size).toBe(everybody.length);
    expect(pages.at(-1)?.total).toBe(everybody.length);
    for (const at of [0, 1, 2, 7, pages.length - 2]) {
      expect(await from(pages[at]?.cursor ?? null)).toEqual(pages.slice(at + 1));
    }
    // A cursor may be kept: it tells of nobody.
    for (const { cursor } of pages) for (const id of everybody.slice(0, 20)) expect(cursor ?? '').not.toContain(id);
  });

  describe('a delta', () => {
    const since = new Date(Date.now() - 60_000);

    it.each(['1.2', '1.1'] as const)(
      'OneRoster %s: what changed and what was deleted, nothing else',
      async (version) => {
        const [changed = '', gone = ''] = withRole('student');
        expect(sis.change(slug, { collection: 'users', id: changed, name: 'Changed' })).toBe(true);
        expect(sis.change(slug, { collection: 'users', id: gone, status: 'tobedeleted' })).toBe(true);
        const { records, end, deviations } = await read(open(version), 'students', { scopes: all, since });
        const told = new Map(records.map((record) => [record.sourceId, record.deleted]));
        expect(told.get(changed)).toBe(false);
        expect(told.get(gone)).toBe(true);
        expect(records.every(({ modifiedAt }) => modifiedAt !== null && modifiedAt >= since)).toBe(true);
        expect(end).toBe('said');
        expect([...deviations].filter((key) => key.startsWith('delta'))).toEqual([]);
      },
    );

    it('of guardians, and of one role among enrolments, keeps to the role', async () => {
      const { records, end } = await read(open(), 'guardians', { scopes: all, since });
      expect(records).toEqual([]);
      expect(end).toBe('said');
      const asked = sis.requests(slug).filter(({ path }) => path.endsWith('/users'));
      expect(asked.every(({ query }) => /roles\.role/.test(query))).toBe(true);
      const scopes: readonly Scope[] = ['roster.students', 'roster.classes'];
      expect((await read(open(), 'enrolments', { scopes, since })).end).toBe('said');
    });

    it('that the system does not give is found out, ends in doubt, and nothing of it is told', async () => {
      for (const [deltaFilter, key] of [
        ['ignored', 'delta-filter-ignored'],
        ['refused', 'delta-filter-refused'],
      ] as const) {
        sis.set(slug, { deltaFilter });
        for (const collection of ['sites', 'students', 'guardians', 'enrolments'] as const) {
          const { records, end, deviations, pages } = await read(open(), collection, { scopes: all, since });
          expect([collection, [...deviations], end, pages]).toEqual([collection, [key], 'doubtful', 1]);
          expect(records).toEqual([]);
        }
      }
    });
  });

  it('signed calls of OneRoster 1.1 (OAuth 1.0a): proof, people, no token', async () => {
    sis.set(slug, { v1p1Authentication: 'oauth1' });
    for (const authorization of ['oauth1-hmac-sha256', 'oauth1-hmac-sha1']) {
      const test = open('1.1', { settings: { authorization, tokenUrl: undefined } });
      expect((await connector.open(test.session).prove(['roster.students', 'roster.guardians'])).ok).toBe(true);
      expect((await read(test, 'guardians', { scopes: all })).records.length).toBeGreaterThan(1_000);
      expect(test.kept.tokens).toBeNull();
      expect(test.calls.every(({ purpose, path }) => purpose !== 'token' && !/oauth_/.test(path))).toBe(true);
    }
    const { client } = sis.school(slug);
    const wrong = open('1.1', {
      settings: { authorization: 'oauth1-hmac-sha1' },
      secret: { ...client, clientSecret: 'wrong' },
    });
    expect((await connector.open(wrong.session).prove(['roster.students'])).results).toMatchObject([
      { ok: false, errorCode: 'credential-refused' },
    ]);
  });
});

describe('people of servers that are short of something', () => {
  const user = (sourcedId: string, role: string) => ({
    sourcedId,
    status: 'active',
    dateLastModified: '2026-01-01T00:00:00.000Z',
    enabledUser: 'true',
    username: sourcedId,
    givenName: 'A',
    familyName: 'B',
    roles: [{ roleType: 'primary', role, org: { sourcedId: 'o', href: '/o', type: 'org' } }],
  });
  const users = [user('t', 'teacher'), user('s', 'student'), user('g', 'guardian'), user('p', 'parent')];
  const roleOf = (filter: string | null) => /role='(\w+)'/.exec(filter ?? '')?.[1];
  const having = (role: string | undefined) =>
    users.filter(({ roles }) => role === undefined || roles[0]?.role === role);

  it('no list of students: people are asked for by their role', async () => {
    const server = await serve(({ pathname, searchParams }) => {
      if (pathname !== '/users') return { status: 404, body: {} };
      return { body: { users: having(roleOf(searchParams.get('filter'))) } };
    });
    const { ids, cut, deviations } = await read(server.test, 'students', { scopes: ['roster.students'] });
    expect([...ids]).toEqual(['s']);
    expect(cut).toBe(0);
    expect(deviations).toContain('role-endpoint-missing');
    expect(server.asked.at(-1)).toContain("filter=roles.role='student'");
  });

  it.each([
    ['teachers', ['t']],
    ['guardians', ['g', 'p']],
  ] as const)('no filter by role: %s are cut from all at once, and that is said', async (collection, wanted) => {
    const server = await serve(({ pathname, searchParams }) => {
      if (pathname !== '/users') return { status: 404, body: '' };
      if (searchParams.has('filter')) return { status: 400, body: { imsx_codeMinor: 'invalid_data' } };
      return { body: { users } };
    });
    const scopes: readonly Scope[] = ['roster.teachers', 'roster.guardians'];
    const { ids, cut, deviations, end } = await read(server.test, collection, { scopes });
    expect([...ids]).toEqual(wanted);
    expect(cut).toBe(users.length - wanted.length);
    expect(deviations).toContain('role-filter-refused');
    // That sorting or the size of a page had been refused is not claimed: it was the filter.
    expect([...deviations].filter((key) => /^(sort|limit)/.test(key))).toEqual([]);
    expect(end).toBe('assumed');
    const proof = await connector.open(server.test.session).prove(['roster.guardians']);
    expect(proof.results).toMatchObject([{ errorCode: 'foreign-not-found' }]);
  });

  it('a filter that is not looked at: others are cut at once, and that is said', async () => {
    const server = await serve(({ pathname }) =>
      pathname === '/users' ? { headers: { 'x-total-count': '4' }, body: { users } } : { body: { users: [] } },
    );
    const outcome = await read(server.test, 'guardians', { scopes: ['roster.guardians'] });
    expect([...outcome.ids].sort()).toEqual(['g', 'p']);
    expect(outcome.deviations).toContain('role-filter-ignored');
    // Whatever was told is accounted for.
    expect(outcome.records.length + outcome.cut).toBe(outcome.total);
  });

  it('a word for a role that the server does not know: nobody bears it', async () => {
    const server = await serve(({ searchParams }) => {
      const role = roleOf(searchParams.get('filter'));
      return role === 'relative' ? { status: 400, body: {} } : { body: { users: having(role) } };
    });
    const { ids, deviations, end } = await read(server.test, 'guardians', { scopes: ['roster.guardians'] });
    expect([...ids]).toEqual(['g', 'p']);
    expect(deviations).toContain('role-filter-refused');
    expect(end).toBe('assumed');
  });

  it('links that drop the filter: it is put back on every page', async () => {
    const many = Array.from({ length: 5 }, (_, at) => user(`p${at}`, 'parent'));
    const server = await serve((url) => {
      const offset = Number(url.searchParams.get('offset'));
      const role = roleOf(url.searchParams.get('filter'));
      const rows = role === 'parent' ? many : role === undefined ? users : [];
      const next = `<http://localhost/users?limit=2&offset=${offset + 2}>; rel="next",`;
      return {
        headers: { 'x-total-count': String(rows.length), link: offset + 2 < rows.length ? next : '' },
        body: { users: rows.slice(offset, offset + 2) },
      };
    });
    const { ids, cut } = await read(server.test, 'guardians', { scopes: ['roster.guardians'] });
    expect([...ids]).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
    expect(cut).toBe(0);
    expect(server.asked.filter((asked) => asked.includes('/users')).every((asked) => asked.includes('filter='))).toBe(
      true,
    );
  });

  it('a server that finds nothing by a date is not believed that nothing has changed', async () => {
    const server = await serve(({ searchParams }) => ({
      body: { orgs: searchParams.has('filter') ? [] : [{ sourcedId: 'o', name: 'O' }] },
    }));
    const { end, deviations, records } = await read(server.test, 'sites', { since: new Date() });
    expect([end, [...deviations], records]).toEqual(['doubtful', ['delta-filter-blind'], []]);
  });

  it('a server where nothing is and nothing has changed is believed', async () => {
    const server = await serve(() => ({ body: { orgs: [] } }));
    const { end, deviations } = await read(server.test, 'sites', { since: new Date() });
    // It tells no total and links nowhere.
    expect(end).toBe('assumed');
    expect([...deviations].filter((key) => key.startsWith('delta'))).toEqual([]);
  });

  it('a server that compares days is asked by the day', async () => {
    const since = new Date('2026-11-20T10:00:00.000Z');
    const org = { sourcedId: 'o', name: 'O', dateLastModified: '2026-11-20T08:00:00.000Z' };
    const server = await serve(({ searchParams }) =>
      searchParams.get('filter') === "dateLastModified>='2026-11-20'"
        ? { body: { orgs: [org] } }
        : { status: 400, body: {} },
    );
    const { ids, end, deviations } = await read(server.test, 'sites', { since });
    expect([...ids]).toEqual(['o']);
    expect(end).toBe('assumed');
    expect(deviations).toContain('delta-filter-by-day');
  });

  it('a way of signing that is refused is told apart from a wrong secret', async () => {
    const server = await serve(() => ({ status: 400, body: {} }));
    const settings = { version: '1.1', authorization: 'oauth1-hmac-sha256', baseUrl: server.url };
    const test = testSession({ settings, secret: { clientId: 'key', clientSecret: 'secret' } });
    onTestFinished(test.close);
    expect((await connector.open(test.session).prove(['roster.teachers'])).results).toMatchObject([
      { errorCode: 'credential-refused', details: { problem: 'signature-refused' } },
    ]);
  });

  it('a token that says nothing of its scope is bought anew for demographics, once', async () => {
    let bought = '';
    const server = await serve(
      () =>
        bought.includes('demographics')
          ? { body: { demographics: [{ sourcedId: 's', birthDate: '2010-01-01' }] } }
          : { status: 403, body: { imsx_codeMinor: 'forbidden' } },
      (scope) => {
        bought = scope;
      },
    );
    await server.test.session.tokens(async () => ({
      accessToken: 'old',
      refreshToken: null,
      expiresAt: null,
      scopes: null,
      actsAs: null,
      clientAuthentication: 'basic',
    }));
    const { ids } = await read(server.test, 'demographics', { scopes: ['roster.students', 'roster.demographics'] });
    expect([...ids]).toEqual(['s']);
  });
});

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

function listen(server: Server): Promise<string> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
    });
  });
}

/** A server that answers as some real ones do and the sandbox does not; `asked` holds what it was asked. */
async function serve(reply: (url: URL) => Reply, buys: (scope: string) => void = () => undefined) {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const answer = (): Reply => {
      if (url.pathname === '/token') {
        buys(new URLSearchParams(text).get('scope') ?? '');
        return { body: { access_token: `a-token-${asked.length}`, token_type: 'bearer' } };
      }
      asked.push(decodeURIComponent(request.url ?? ''));
      return reply(url);
    };
    const { status = 200, headers = {}, body } = answer();
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
  const url = await listen(server);
  const settings = settingsSchema.parse({ version: '1.2', baseUrl: url, tokenUrl: `${url}/token` });
  const test = testSession({ settings, secret: { clientId: 'id', clientSecret: 'secret' } });
  onTestFinished(test.close);
  return { test, asked, url };
}
