/**
 * A OneRoster 1.2 peer for benchmarks: every record is written as JSON to files beforehand, and a page is answered by sending a
 * stretch of a file, so that the peer's own work stays small beside what is measured. Reads any size; holds an index of offsets only.
 */

import { closeSync, createReadStream, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { EnrolmentRecord } from '../generator/records.ts';
import type { Roster, RosterOptions } from '../generator/roster.ts';
import { rosterOf } from '../generator/roster.ts';
import { opaque } from '../lib/secrets.ts';
import { failure } from './errors.ts';
import { demoSisClients } from './server.ts';
import { servicePath, writerFor } from './wire.ts';

const collections = ['orgs', 'academicSessions', 'courses', 'classes', 'teachers', 'students', 'enrollments'] as const;
export type PrerenderedCollection = (typeof collections)[number];

/** Envelope key of a collection's pages. */
const envelopes: Record<PrerenderedCollection, string> = {
  orgs: 'orgs',
  academicSessions: 'academicSessions',
  courses: 'courses',
  classes: 'classes',
  teachers: 'users',
  students: 'users',
  enrollments: 'enrollments',
};

/** The index has the offset of every hundredth record; a page that begins or ends elsewhere is cut from a longer stretch. */
const STEP = 100;
/** After each record; no record has a line break in it. */
const SEPARATOR = ',\n';
/** The largest page that is answered, whatever is asked. */
export const largestPage = 10_000;

const indexSchema = z.object({
  slug: z.string(),
  /** Rows of each file of records: a collection's name, or `<collection>.changed` for what a set of changes touched. */
  rows: z.record(z.string(), z.int()),
});
type Index = z.output<typeof indexSchema>;

export type PrerenderOptions = Omit<RosterOptions, 'part' | 'guardians' | 'demographics'> & {
  /** Where the peer will listen: what references begin with. */
  origin?: string;
  /** Whether what `changes` touched is written besides, as the answer to a filter by dateLastModified. */
  delta?: boolean;
};

type Enrolment = (record: EnrolmentRecord) => string;

/** What JSON.stringify makes of the writer's object, without the object: seven million pass here. All parts are plain ASCII of ours. */
function enrolmentText(base: string): Enrolment {
  const ref = (name: string, path: string): string => `"${name}":{"href":"${base}/${path}/`;
  const user = ref('user', 'users');
  const group = ref('class', 'classes');
  const org = ref('school', 'orgs');
  return (record) => {
    const { personId, classId, siteId } = record;
    return `{"sourcedId":"${record.id}","status":"${record.status}","dateLastModified":"${record.modified}",${user}${personId}","sourcedId":"${personId}","type":"user"},${group}${classId}","sourcedId":"${classId}","type":"class"},${org}${siteId}","sourcedId":"${siteId}","type":"org"},"role":"${record.role}","primary":"${record.primary ? 'true' : 'false'}","beginDate":"${record.begin}","endDate":"${record.end}"}`;
  };
}

function* textsOf(roster: Roster, collection: PrerenderedCollection, base: string): Generator<string> {
  const writer = writerFor('v1p2', base);
  const enrolment = enrolmentText(base);
  switch (collection) {
    case 'orgs':
      for (const record of roster.orgs()) yield JSON.stringify(writer.org(record));
      return;
    case 'academicSessions':
      for (const record of roster.sessions()) yield JSON.stringify(writer.academicSession(record));
      return;
    case 'courses':
      for (const record of roster.courses()) yield JSON.stringify(writer.course(record));
      return;
    case 'classes':
      for (const record of roster.classes()) yield JSON.stringify(writer.class(record));
      return;
    case 'teachers':
      for (const record of roster.teachers()) yield JSON.stringify(writer.user(record));
      return;
    case 'students':
      for (const record of roster.students()) yield JSON.stringify(writer.user(record));
      return;
    case 'enrollments':
      for (const record of roster.enrolments()) yield enrolment(record);
      return;
    default:
      collection satisfies never;
  }
}

/** Writes a file of records and the file of their offsets, and tells how many there are. */
function writeRecords(folder: string, name: string, texts: Iterable<string>): number {
  const file = openSync(join(folder, `${name}.records`), 'w');
  const offsets: number[] = [0];
  let rows = 0;
  let end = 0;
  let text = '';
  const flush = (): void => {
    const bytes = Buffer.from(text);
    writeSync(file, bytes);
    end += bytes.length;
    text = '';
  };
  for (const one of texts) {
    text += one + SEPARATOR;
    rows += 1;
    if (rows % STEP !== 0) continue;
    flush();
    offsets.push(end);
  }
  if (text !== '') {
    flush();
    offsets.push(end);
  }
  closeSync(file);
  writeFileSync(join(folder, `${name}.offsets`), new Float64Array(offsets));
  return rows;
}

/**
 * Writes a school's roster as a peer's folder and tells the rows of each collection. Guardians and demographics are left out: what a
 * benchmark reads is orgs, sessions, courses, classes, teachers, students and enrolments.
 */
export function prerender(folder: string, options: PrerenderOptions): Record<string, number> {
  const { school, origin = 'http://127.0.0.1:4390', delta = false } = options;
  const base = `${origin}/${school.slug}${servicePath.v1p2}`;
  mkdirSync(folder, { recursive: true });
  const index: Index = { slug: school.slug, rows: {} };
  for (const part of delta ? (['all', 'changed'] as const) : (['all'] as const)) {
    const roster = rosterOf({ ...options, part, guardians: false, demographics: false });
    for (const collection of collections) {
      const name = part === 'all' ? collection : `${collection}.changed`;
      index.rows[name] = writeRecords(folder, name, textsOf(roster, collection, base));
    }
  }
  writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
  return index.rows;
}

type Records = { file: string; rows: number; offsets: Float64Array };

function openRecords(folder: string, name: string, rows: number): Records {
  const bytes = readFileSync(join(folder, `${name}.offsets`));
  const offsets = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return { file: join(folder, `${name}.records`), rows, offsets };
}

/** What the peer has cost so far. */
export type PeerUsage = { cpuSeconds: number; peakRssMib: number; requests: number; bytesSent: number };

export type PrerenderedPeer = {
  url: string;
  port: number;
  baseUrl: string;
  tokenUrl: string;
  client: { clientId: string; clientSecret: string };
  usage(): PeerUsage;
  close(): Promise<void>;
};

/** A stretch of a file: whole records, the last one with its separator. */
type Stretch = { start: number; end: number };

/** Reads a stretch whose records are not all wanted, and gives those that are: only for pages that the index does not know. */
async function cut(records: Records, stretch: Stretch, skip: number, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const bytes = z.instanceof(Buffer);
  for await (const chunk of createReadStream(records.file, { start: stretch.start, end: stretch.end - 1 }))
    chunks.push(bytes.parse(chunk));
  const lines = Buffer.concat(chunks).toString().split(SEPARATOR);
  return Buffer.from(lines.slice(skip, skip + count).join(SEPARATOR));
}

const wholeNumber = (text: string | null, fallback: number): number | null =>
  text === null ? fallback : /^\d+$/.test(text) ? Number(text) : null;

/**
 * Serves a folder on 127.0.0.1: the token endpoint (client credentials of the school's demo client), the seven collections with
 * `limit`, `offset`, X-Total-Count and Link, and `GET /_sandbox/usage`. A filter by status is taken as met; one by dateLastModified is
 * answered with what the folder's set of changes touched; `sort` and `fields` are ignored, as many servers do.
 */
export async function startPrerendered(options: { folder: string; port?: number }): Promise<PrerenderedPeer> {
  const { folder } = options;
  const index = indexSchema.parse(JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')));
  const opened = new Map<string, Records>();
  for (const [name, rows] of Object.entries(index.rows)) opened.set(name, openRecords(folder, name, rows));
  const client = demoSisClients(index.slug).wide;
  const service = `/${index.slug}${servicePath.v1p2}/`;
  const token = opaque();
  const spent = { requests: 0, bytesSent: 0 };

  const usage = (): PeerUsage => {
    const { user, system } = process.cpuUsage();
    return {
      cpuSeconds: (user + system) / 1e6,
      peakRssMib: Math.round(process.resourceUsage().maxRSS / 1024),
      ...spent,
    };
  };

  const answer = (
    response: ServerResponse,
    status: number,
    body: unknown,
    headers: Record<string, string> = {},
  ): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

  const giveToken = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = new URLSearchParams(body);
    const basic = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const given =
      basic === undefined
        ? `${form.get('client_id')}:${form.get('client_secret')}`
        : Buffer.from(basic, 'base64').toString('utf8');
    if (request.method !== 'POST' || given !== `${client.clientId}:${client.clientSecret}`) {
      answer(response, 401, { error: 'invalid_client' });
      return;
    }
    const scope = form.get('scope') ?? '';
    answer(response, 200, { access_token: token, token_type: 'bearer', expires_in: 3600, scope });
  };

  const givePage = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const refuse = (status: number, minor: Parameters<typeof failure>[1], text: string): void =>
      answer(response, status, failure('v1p2', minor, text));
    if (request.headers.authorization !== `Bearer ${token}`) {
      refuse(401, 'unauthorisedrequest', 'a bearer token is needed');
      return;
    }
    const collection = collections.find((name) => url.pathname === `${service}${name}`);
    const filter = url.searchParams.get('filter');
    const isDelta = filter?.includes('dateLastModified') ?? false;
    const records = opened.get(`${collection}${isDelta ? '.changed' : ''}`);
    if (collection === undefined || (records === undefined && !isDelta)) {
      refuse(404, 'unknownobject', 'there is no such endpoint');
      return;
    }
    if (records === undefined || (filter !== null && !isDelta && filter !== "status='active'")) {
      refuse(400, 'invalid_filter_field', 'this filter is not prepared');
      return;
    }
    const wanted = wholeNumber(url.searchParams.get('limit'), 100);
    const offset = wholeNumber(url.searchParams.get('offset'), 0);
    if (wanted === null || wanted < 1 || offset === null) {
      refuse(400, 'invaliddata', 'limit and offset must be whole numbers');
      return;
    }
    const limit = Math.min(wanted, largestPage);
    const first = Math.min(offset, records.rows);
    const last = Math.min(first + limit, records.rows);
    const before = Math.floor(first / STEP);
    const after = Math.ceil(last / STEP);
    const stretch: Stretch = { start: records.offsets[before] ?? 0, end: records.offsets[after] ?? 0 };
    const isKnown = first % STEP === 0 && (last % STEP === 0 || last === records.rows);
    const part = isKnown || first === last ? null : await cut(records, stretch, first % STEP, last - first);
    const head = `{"${envelopes[collection]}":[`;
    const length = first === last ? 0 : (part?.length ?? stretch.end - stretch.start - SEPARATOR.length);
    const bytes = head.length + length + 2;
    const link = new URL(url);
    link.searchParams.set('limit', String(limit));
    link.searchParams.set('offset', String(last));
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': bytes,
      'x-total-count': records.rows,
      ...(last < records.rows ? { link: `<${link.href}>; rel="next"` } : {}),
    });
    spent.bytesSent += bytes;
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.write(head);
    if (part !== null) response.write(part);
    else if (length > 0) {
      const end = stretch.end - SEPARATOR.length - 1;
      const source = createReadStream(records.file, { start: stretch.start, end, highWaterMark: 1024 * 1024 });
      await pipeline(source, response, { end: false });
    }
    response.end(']}');
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    if (url.pathname === '/_sandbox/usage') answer(response, 200, usage());
    else if (url.pathname === '/_sandbox/health') answer(response, 200, { status: 'ok' });
    else {
      spent.requests += 1;
      await (url.pathname === `/${index.slug}/oauth/token`
        ? giveToken(request, response)
        : givePage(request, response, url));
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      // A reader that goes away in the middle of a page ends the pipe so; all else is this program's fault.
      if (!response.destroyed) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    port: address.port,
    baseUrl: `${url}${service.slice(0, -1)}`,
    tokenUrl: `${url}/${index.slug}/oauth/token`,
    client,
    usage,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}
