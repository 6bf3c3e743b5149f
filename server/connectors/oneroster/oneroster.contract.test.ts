import { createServer, type Server } from 'node:http';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { describeConnector } from '../contract-suite.ts';
import { connectorById } from '../registry.ts';
import { testSession } from '../testing/session.ts';
import { settingsSchema } from './settings.ts';
import { buyToken } from './token.ts';

const slug = 'lindenhof';

const withoutPeople = {
  scopes: ['roster.subjects', 'roster.streams', 'roster.groups'],
  largest: 'groups',
  path: '*/classes',
  people: /users|students|teachers|enrollments|demographics/i,
} as const;
const withPeople = {
  scopes: ['roster.groups', 'roster.teachers', 'roster.students', 'roster.guardians', 'roster.demographics'],
  largest: 'students',
  path: '*/students',
  // All users at once, and what no scope of these needs.
  people: /\/courses|\/users(?!.*role)/i,
} as const;

for (const { version, ...asked } of [
  { version: '1.2', ...withoutPeople },
  { version: '1.1', ...withoutPeople },
  { version: '1.2', ...withPeople },
] as const) {
  describeConnector({
    connector: 'oneroster',
    ...asked,
    pages: true,
    totals: true,
    foreignNext: 'counts-pages',
    refusedOnce: 'renews',
    ended: 'renews',
    secrets: () => [
      `registra-${slug}-demo-secret`,
      Buffer.from(`:registra-${slug}-demo-secret`).toString('base64').slice(4, 20),
    ],
    start: async () => {
      const sis = await startSis({ schools: [slug] });
      const school = sis.school(slug);
      const data = sis.data(slug);
      const live = <R extends { status: string }>(records: Iterable<R>, is: (record: R) => boolean = () => true) =>
        [...records].filter((record) => record.status === 'active' && is(record)).length;
      const people = (...roles: readonly string[]) =>
        live(data.users.values(), (person) => person.roles.some(({ role }) => roles.includes(role)));
      return {
        settings: {
          version,
          baseUrl: version === '1.2' ? school.baseV1p2 : school.baseV1p1,
          tokenUrl: school.tokenUrl,
        },
        secret: school.client,
        tokens: null,
        faults: sis.faults,
        requests: () => sis.requests(slug),
        clearRequests: () => sis.log.clear(),
        count: (collection) =>
          ({
            sites: live(data.orgs.values()),
            terms: live(data.academicSessions.values()),
            subjects: live(data.courses.values()),
            groups: live(data.classes.values()),
            teachers: people('teacher'),
            students: people('student'),
            guardians: people('guardian', 'parent', 'relative'),
            enrolments: live(data.enrollments.values()),
            demographics: live(data.demographics.values()),
            courses: 0,
          })[collection],
        close: sis.close,
      };
    },
  });
}

describe('OneRoster', () => {
  let sis: RunningSis;
  const connector = connectorById('oneroster');
  const scopes = ['roster.subjects', 'roster.groups'] as const;
  beforeEach(async () => {
    sis = await startSis({ schools: [slug] });
    return () => sis.close();
  });
  const open = (more: { settings?: object; secret?: object } = {}) => {
    const { baseV1p2, tokenUrl, client } = sis.school(slug);
    const test = testSession({
      settings: { version: '1.2', baseUrl: baseV1p2, tokenUrl, ...more.settings },
      secret: { ...client, ...more.secret },
    });
    return { ...test, connector: connector.open(test.session) };
  };

  it('a wrong secret is refused in words of its own, and a scope that was not approved by its name', async () => {
    const wrong = open({ secret: { clientSecret: 'wrong' } });
    const proof = await wrong.connector.prove(scopes);
    expect(proof.results).toMatchObject(
      scopes.map(() => ({ errorCode: 'credential-refused', details: { oauthError: 'invalid_client' } })),
    );
    await wrong.close();
    const unapproved = open({ secret: sis.createClient(slug, { name: 'New', scopes: [] }) });
    expect((await unapproved.connector.prove(scopes)).results).toMatchObject(
      scopes.map(() => ({ errorCode: 'scope-missing' })),
    );
    await unapproved.close();
  });

  it('a client approved for the wider scope alone is asked for that', async () => {
    const full = 'https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly';
    const opened = open({ secret: sis.createClient(slug, { name: 'Wide', scopes: [full] }) });
    expect((await opened.connector.prove(scopes)).ok).toBe(true);
    await opened.close();
  });

  it('a client that was deleted over there is refused at the next call', async () => {
    const opened = open();
    await opened.connector.preview(scopes);
    sis.deleteClient(slug, sis.school(slug).client.clientId);
    await expect(opened.connector.preview(scopes)).rejects.toMatchObject({
      code: 'credential-refused',
      disposition: 'reconnect',
    });
    await opened.close();
  });

  it('follows its own next link round no circle', async () => {
    const answers = serveRoster((url) => ({
      headers: {
        link: `<${url.origin}${url.pathname}?limit=2&offset=${url.searchParams.get('offset') === '2' ? '0' : '2'}>; rel="next"`,
      },
      body: {
        orgs: [
          {
            sourcedId: `o${url.searchParams.get('offset')}`,
            status: 'active',
            name: 'O',
            type: 'school',
            identifier: 'x',
            dateLastModified: '2026-01-01T00:00:00.000Z',
          },
        ],
      },
    }));
    const { ends, deviations, pages } = await readSites(await answers);
    expect(ends).toBe('doubtful');
    expect(deviations).toContain('next-link-repeated');
    expect(pages).toBeLessThan(10);
  });

  it.each([
    [
      'past the end 404',
      (offset: number) => (offset >= 2 ? { status: 404, body: {} } : {}),
      'assumed',
      'end-as-not-found',
    ],
    [
      'a next link that never ends',
      (offset: number) => ({ headers: { link: `<?limit=2&offset=${offset + 2}>; rel="next"` } }),
      'assumed',
      'next-link-relative',
    ],
    ['the same page whatever the offset', () => ({ ignoresOffset: true }), 'assumed', 'offset-ignored'],
    ['a bare list', () => ({ bare: true }), 'assumed', 'envelope-missing'],
    [
      'sorting refused',
      (_offset: number, url: URL) =>
        url.searchParams.has('sort') ? { status: 400, body: { imsx_codeMinor: 'invalid_sort_field' } } : {},
      'assumed',
      'sort-refused',
    ],
    [
      'large pages refused',
      (_offset: number, url: URL) => (Number(url.searchParams.get('limit')) > 100 ? { status: 400, body: {} } : {}),
      'assumed',
      'limit-refused',
    ],
  ] as const)('%s: reads every record once', async (_name, behave, end, deviation) => {
    const all = ['a', 'b'].map((sourcedId) => ({
      sourcedId,
      status: 'active',
      name: sourcedId,
      type: 'school',
      identifier: 'x',
      dateLastModified: '2026-01-01T00:00:00.000Z',
    }));
    const server = await serveRoster((url) => {
      const offset = Number(url.searchParams.get('offset'));
      const how: {
        status?: number;
        body?: unknown;
        headers?: Record<string, string>;
        ignoresOffset?: boolean;
        bare?: boolean;
      } = behave(offset, url);
      const rows = how.ignoresOffset === true ? all : all.slice(offset);
      return {
        status: how.status ?? 200,
        headers: how.headers ?? {},
        body: how.body ?? (how.bare === true ? rows : { orgs: rows }),
      };
    });
    const { ids, ends, deviations } = await readSites(server);
    expect(ids).toEqual(['a', 'b']);
    expect(ends).toBe(end);
    expect(deviations).toContain(deviation);
  });

  it('a server that takes the secret only in the body is remembered', async () => {
    const asked: string[] = [];
    const server = await serveRoster(
      () => ({ body: { orgs: [] } }),
      (authorization) => {
        asked.push(authorization === undefined ? 'body' : 'basic');
        return authorization === undefined ? 200 : 422;
      },
    );
    const test = testSession({ settings: server.settings, secret: { clientId: 'id', clientSecret: 'secret' } });
    await test.session.tokens((current) =>
      buyToken(test.session, server.settings, { clientId: 'id', clientSecret: 'secret' }, current),
    );
    expect(test.kept.tokens?.clientAuthentication).toBe('body');
    await test.session.tokens(
      (current) => buyToken(test.session, server.settings, { clientId: 'id', clientSecret: 'secret' }, current),
      test.kept.tokens?.accessToken,
    );
    expect(asked).toEqual(['basic', 'body', 'body']);
    await test.close();
  });

  it('403 that means 401, 403 that means "too many" and 403 that means "no" are told apart', async () => {
    const codeOf = async (body: unknown, headers: Record<string, string> = {}) => {
      const server = await serveRoster(() => ({ status: 403, headers, body }));
      return readSites(server).then(
        () => null,
        (error: unknown) => error,
      );
    };
    expect(await codeOf({ codeMinor: 'unauthorized' })).toMatchObject({ code: 'credential-refused' });
    expect(await codeOf({ imsx_codeMinor: 'server_busy' })).toMatchObject({ code: 'foreign-throttled' });
    expect(await codeOf({}, { 'retry-after': '9' })).toMatchObject({ code: 'foreign-throttled', retryAfterSeconds: 9 });
    expect(await codeOf({ imsx_codeMinor: 'forbidden' })).toMatchObject({ code: 'scope-missing' });
  });

  it('a client that is let in and sees nothing is not proved', async () => {
    const server = await serveRoster((url) => ({ body: { [url.pathname.slice(1)]: [] } }));
    const test = testSession({ settings: server.settings, secret: { clientId: 'id', clientSecret: 'secret' } });
    expect(await connector.open(test.session).prove(scopes)).toMatchObject({
      ok: false,
      results: scopes.map(() => ({ errorCode: 'rights-missing', details: { problem: 'nothing-visible' } })),
    });
    await test.close();
  });

  it('refuses a redirect of the token address, which would carry the secret elsewhere', async () => {
    const { tokenUrl } = sis.school(slug);
    const server = createServer((_request, response) => response.writeHead(307, { location: tokenUrl }).end());
    const url = await listen(server);
    const opened = open({ settings: { tokenUrl: `${url}/token` } });
    expect((await opened.connector.prove(scopes)).results).toMatchObject(
      scopes.map(() => ({ errorCode: 'address-refused', details: { problem: 'redirected' } })),
    );
    expect(sis.requests(slug)).toEqual([]);
    await opened.close();
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

/** A server that answers as some real ones do and the sandbox does not. */
async function serveRoster(
  reply: (url: URL) => Reply,
  token: (authorization: string | undefined) => number = () => 200,
) {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const isToken = url.pathname === '/token';
    const {
      status = 200,
      headers = {},
      body,
    } = isToken
      ? { status: token(request.headers.authorization), body: { access_token: 'a-token', token_type: 'bearer' } }
      : reply(url);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
  const url = await listen(server);
  return { settings: settingsSchema.parse({ version: '1.2', baseUrl: url, tokenUrl: `${url}/token` }) };
}

async function readSites({ settings }: { settings: unknown }) {
  const test = testSession({ settings, secret: { clientId: 'id', clientSecret: 'secret' } });
  onTestFinished(test.close);
  const ids: string[] = [];
  const deviations = new Set<string>();
  let ends: string | null = null;
  let pages = 0;
  for await (const page of connectorById('oneroster').open(test.session).fetch('sites', null)) {
    ids.push(...page.records.map((record) => record.sourceId));
    for (const key of page.deviations) deviations.add(key);
    ends = page.end;
    pages += 1;
  }
  return { ids, deviations, ends, pages };
}
