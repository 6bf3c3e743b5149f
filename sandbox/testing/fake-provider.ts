/** A OneRoster 1.2 provider as small as a test needs it: cursors in `next`, totals, ETags, changes by date, and what it is told to do wrong. */

import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { createClock } from '../lib/clock.ts';
import { createFaults } from '../lib/faults.ts';
import { formOf } from '../lib/forms.ts';
import { createLog } from '../lib/log.ts';
import type { Env, PlainAnswer } from '../lib/server.ts';
import { serve } from '../lib/server.ts';

type Row = Record<string, unknown> & { sourcedId: string; status: string; dateLastModified: string };

const BEFORE = '2026-09-01T08:00:00.000Z';
export const row = (sourcedId: string, fields: Record<string, unknown>): Row => ({
  sourcedId,
  status: 'active',
  dateLastModified: BEFORE,
  ...fields,
});
const ref = (sourcedId: string): { sourcedId: string } => ({ sourcedId });

/** One site, one term, a subject, a class and three groups of two streams, a teacher, five students, all in the first group. */
function smallSchool(): Record<string, Row[]> {
  const group = (id: string, stream: string): Row =>
    row(id, {
      title: `Maths ${id}`,
      classType: 'scheduled',
      course: ref('maths'),
      school: ref('north'),
      terms: [ref('year')],
      metadata: { stream, streamName: `Stream ${stream}` },
    });
  const students = ['1', '2', '3', '4', '5'].map((n) =>
    row(`s${n}`, { givenName: 'Sam', familyName: `Student ${n}`, email: `s${n}@school.example`, grades: ['09'] }),
  );
  return {
    orgs: [row('north', { name: 'North', type: 'school' })],
    academicSessions: [row('year', { title: '2026', type: 'schoolYear' })],
    courses: [row('maths', { title: 'Mathematics', courseCode: 'MA' })],
    classes: [
      row('home', { title: '9a', classType: 'homeroom', course: ref('maths') }),
      group('g1', 'A'),
      group('g2', 'A'),
      group('g3', 'B'),
    ],
    teachers: [row('t1', { givenName: 'Tess', familyName: 'Teacher' })],
    students,
    enrollments: [
      row('e-t1', { class: ref('g1'), user: ref('t1'), role: 'teacher', primary: 'true' }),
      ...students.map(({ sourcedId }) =>
        row(`e-${sourcedId}`, { class: ref('g1'), user: ref(sourcedId), role: 'student' }),
      ),
    ],
  };
}

export type FakeProvider = {
  readonly baseUrl: string;
  readonly tokenUrl: string;
  readonly client: { clientId: string; clientSecret: string };
  readonly rows: Record<string, Row[]>;
  /** Change in place. */
  readonly does: {
    /** Refuses the client and every token. */
    ended: boolean;
    /** Collections that the client may not read. */
    withheld: Set<string>;
    /** Answers 429 so many times more, to be asked again at once. */
    busy: number;
    retryAfter: string;
    /** Adds to every total. */
    miscount: number;
    sendsLinks: boolean;
    /** Origin of `next`; null is its own. */
    nextOrigin: string | null;
    knowsFilters: boolean;
    /** Ends the tokens that it gave. */
    forgetTokens: boolean;
  };
  /** What was asked, as `status path?query`; tokens as `status token basic` or `status token body`. */
  readonly heard: string[];
  close(): Promise<void>;
};

/** Starts it on a free port. */
export async function startFakeProvider(): Promise<FakeProvider> {
  const client = { clientId: 'lms 1', clientSecret: 'a:secret/with+signs' };
  const rows = smallSchool();
  const heard: string[] = [];
  const tokens = new Set<string>();
  const does: FakeProvider['does'] = {
    ended: false,
    withheld: new Set(),
    busy: 0,
    retryAfter: '0',
    miscount: 0,
    sendsLinks: true,
    nextOrigin: null,
    knowsFilters: true,
    forgetTokens: false,
  };
  const app = new Hono<Env>();
  app.post('/oauth/token', async (c) => {
    const form = await formOf(c);
    const pair = [client.clientId, client.clientSecret].map(encodeURIComponent).join(':');
    const isBasic = c.req.header('authorization') === `Basic ${btoa(pair)}`;
    const isBody = form.get('client_id') === client.clientId && form.get('client_secret') === client.clientSecret;
    const isKnown = !does.ended && (isBasic || isBody) && form.get('grant_type') === 'client_credentials';
    heard.push(`${isKnown ? 200 : 401} token ${isBody ? 'body' : 'basic'}`);
    if (!isKnown) return c.json({ error: 'invalid_client' }, 401);
    const token = `token-${tokens.size + 1}`;
    tokens.add(token);
    return c.json({ access_token: token, token_type: 'Bearer', expires_in: 3_600, scope: form.get('scope') });
  });
  app.get('/ims/oneroster/rostering/v1p2/:collection', (c) => {
    const collection = c.req.param('collection');
    const url = new URL(c.req.url);
    const answer = (status: 200 | 304 | 400 | 401 | 403 | 404 | 429, body: unknown): Response => {
      heard.push(`${status} ${collection}${decodeURIComponent(url.search)}`);
      return status === 304 ? c.body(null, 304) : c.json(body, status);
    };
    const said = (minor: string): unknown => ({
      imsx_codeMajor: 'failure',
      imsx_severity: 'error',
      imsx_CodeMinor: { imsx_codeMinorField: [{ imsx_codeMinorFieldValue: minor }] },
    });
    const token = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    if (does.forgetTokens) tokens.clear();
    does.forgetTokens = false;
    if (does.ended || !tokens.has(token)) return answer(401, said('unauthorisedrequest'));
    if (does.busy > 0) {
      does.busy -= 1;
      c.header('retry-after', does.retryAfter);
      return answer(429, said('server_busy'));
    }
    const all = rows[collection];
    if (all === undefined) return answer(404, said('unknownobject'));
    if (does.withheld.has(collection)) return answer(403, said('forbidden'));
    const filter = url.searchParams.get('filter');
    const since = /^dateLastModified>'([^']+)'$/.exec(filter ?? '')?.[1];
    if (filter !== null && (since === undefined || !does.knowsFilters))
      return answer(400, said('invalid_filter_field'));
    const matching =
      since === undefined
        ? all.filter(({ status }) => status === 'active')
        : all.filter(({ dateLastModified }) => dateLastModified > since);
    const limit = Number(url.searchParams.get('limit'));
    const cursor = url.searchParams.get('cursor');
    const start = cursor === null ? Number(url.searchParams.get('offset') ?? 0) : Number(cursor);
    const shown = matching.slice(start, start + limit);
    c.header('X-Total-Count', String(matching.length + does.miscount));
    const next = new URL(`${does.nextOrigin ?? url.origin}${url.pathname}${url.search}`);
    next.searchParams.set('cursor', String(start + limit));
    const isLast = start + limit >= matching.length;
    if (does.sendsLinks) c.header('Link', `<${url.href}>; rel="first"${isLast ? '' : `, <${next.href}>; rel="next"`}`);
    const body = { [collection === 'teachers' || collection === 'students' ? 'users' : collection]: shown };
    const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('hex')}"`;
    c.header('ETag', etag);
    return c.req.header('if-none-match') === etag ? answer(304, null) : answer(200, body);
  });

  const plain = (status: number): PlainAnswer => ({ status, headers: {}, body: '' });
  const server = await serve({
    port: 0,
    clock: createClock(),
    log: createLog(),
    faults: createFaults(),
    protocol: {
      isProtocol: () => false,
      isToken: () => false,
      page: () => null,
      totalHeader: 'x-total-count',
      rateLimited: (_url, status) => plain(status),
      unauthorized: () => plain(401),
      serverError: (_url, status) => plain(status),
      revokeTokens: () => undefined,
    },
    app: (request, env) => app.fetch(request, env),
  });
  return {
    baseUrl: `${server.url}/ims/oneroster/rostering/v1p2`,
    tokenUrl: `${server.url}/oauth/token`,
    client,
    rows,
    does,
    heard,
    close: server.close,
  };
}
