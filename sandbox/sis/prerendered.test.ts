import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { RosterOptions } from '../generator/roster.ts';
import { rosterOf } from '../generator/roster.ts';
import { schoolOf } from '../generator/school.ts';
import { ask, linkOf, post, textAt } from '../testing/http.ts';
import type { PrerenderedPeer } from './prerendered.ts';
import { prerender, startPrerendered } from './prerendered.ts';
import { writerFor } from './wire.ts';

const options = {
  school: schoolOf({ slug: 'lindenhof', size: 'district', sites: 1 }),
  changes: { percent: 1, removedPercent: 1 },
} satisfies RosterOptions;
const roster = rosterOf(options);

let folder: string;
let peer: PrerenderedPeer;
let rows: Record<string, number>;
let headers: Record<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pages-'));
  rows = prerender(folder, { ...options, delta: true, origin: 'http://sis.example' });
  peer = await startPrerendered({ folder });
  const { clientId, clientSecret } = peer.client;
  const reply = await post(
    peer.tokenUrl,
    { grant_type: 'client_credentials', scope: 'a b' },
    { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
  );
  expect(reply.body).toMatchObject({ token_type: 'bearer', scope: 'a b' });
  headers = { authorization: `Bearer ${textAt(reply.body, 'access_token')}` };
});
afterAll(async () => {
  await peer.close();
  rmSync(folder, { recursive: true });
});

const listed = z.record(z.string(), z.array(z.record(z.string(), z.unknown())));
const get = (path: string): ReturnType<typeof ask> => ask(`${peer.baseUrl}/${path}`, { headers });

/** Every record of a collection by following the links. */
async function all(path: string): Promise<unknown[]> {
  const found: unknown[] = [];
  let next: string | undefined = `${peer.baseUrl}/${path}`;
  while (next !== undefined) {
    const page: Awaited<ReturnType<typeof ask>> = await ask(next, { headers });
    expect(page.status).toBe(200);
    found.push(...Object.values(listed.parse(page.body)).flat());
    next = linkOf(page.headers, 'next');
  }
  return found;
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('tells the roster of the generator, as the SIS’s writer writes it', async () => {
  const writer = writerFor('v1p2', 'http://sis.example/lindenhof/ims/oneroster/rostering/v1p2');
  const { changes: _changes, ...rest } = options;
  expect(rows.enrollments).toBe([...roster.enrolments()].length);
  expect([...rosterOf(rest).enrolments()].length).toBeGreaterThan(rows.enrollments ?? 0);
  expect(await all('enrollments?limit=10000')).toEqual(plain(Array.from(roster.enrolments(), writer.enrollment)));
  expect(await all('students?limit=500')).toEqual(plain(Array.from(roster.students(), writer.user)));
  expect(await all('teachers?limit=100')).toEqual(plain(Array.from(roster.teachers(), writer.user)));
  expect(await all('classes?limit=1000')).toEqual(plain(Array.from(roster.classes(), writer.class)));
  expect(await all('courses')).toEqual(plain(Array.from(roster.courses(), writer.course)));
  expect(await all('academicSessions')).toEqual(plain(Array.from(roster.sessions(), writer.academicSession)));
  expect(await all('orgs')).toEqual(plain(Array.from(roster.orgs(), writer.org)));
});

describe('pages', () => {
  test.each([1, 7, 99, 250])('of %i records join to the whole', async (limit) => {
    const whole = await all('teachers?limit=100000');
    expect(whole).toHaveLength(rows.teachers ?? -1);
    expect(await all(`teachers?limit=${limit}`)).toEqual(whole);
  });

  test('give the total, and nothing past the end', async () => {
    const reply = await get(`students?offset=${rows.students}`);
    expect(reply.body).toEqual({ users: [] });
    expect(reply.headers.get('x-total-count')).toBe(String(rows.students));
    expect(linkOf(reply.headers, 'next')).toBeUndefined();
    expect((await get('students?offset=99999999')).body).toEqual({ users: [] });
  });

  test('are refused where they make no sense or were not prepared', async () => {
    expect((await get('students?limit=0')).status).toBe(400);
    expect((await get("students?filter=familyName='x'")).status).toBe(400);
    expect((await get("students?filter=status='active'")).status).toBe(200);
    expect((await get('demographics')).status).toBe(404);
    expect((await ask(`${peer.baseUrl}/students`)).status).toBe(401);
    expect((await post(peer.tokenUrl, { client_id: 'x', client_secret: 'y' })).status).toBe(401);
  });
});

test('a filter by date is answered with what the set of changes touched', async () => {
  const changed = await all("enrollments?filter=dateLastModified>='2026-09-30T00:00:00Z'&limit=10000");
  const told = rosterOf({ ...options, part: 'changed' });
  expect(changed).toHaveLength([...told.enrolments()].length);
  expect(changed.some((row) => textAt(row, 'status') === 'tobedeleted')).toBe(true);
});

test('says what it has cost', async () => {
  const { body } = await ask(`${peer.url}/_sandbox/usage`);
  expect(body).toMatchObject({ cpuSeconds: expect.any(Number), requests: expect.any(Number) });
  expect(Number(textAt(body, 'bytesSent'))).toBeGreaterThan(1_000_000);
});
