import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { authenticateCall } from '#server/features/consumers/authenticate-call.ts';
import type { ConsumerCall } from '#server/features/consumers/consumer-call.ts';
import type { Context } from '#server/kernel/context.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { type Endpoint, endpointOf } from '#server/protocols/oneroster/endpoints.ts';
import { type ListQuery, readListQuery, readSelection } from '#server/protocols/oneroster/list-query.ts';
import { pageLinks } from '#server/protocols/oneroster/page-links.ts';
import { type Refusal, refusalBody, statusOf, warningsBody } from '#server/protocols/oneroster/status-info.ts';
import { basePaths, isAllowed, type OneRosterVersion } from '#server/protocols/oneroster/versions.ts';
import { Writer } from '#server/protocols/oneroster/wire.ts';
import { openCursor, sealCursor } from '#server/roster/provider/cursor.ts';
import { openReading } from '#server/roster/provider/open-reading.ts';
import { countList, hasParents, type List, readOne, readPieces } from '#server/roster/provider/read-list.ts';
import { readRosterVersion } from '#server/roster/provider/roster-version.ts';
import { totalOf } from '#server/roster/provider/totals.ts';
import { type Allowance, allowanceHeaders, takeFromAllowance } from './allowance.ts';
import { noteRequest } from './note-request.ts';
import { writtenBody } from './written-body.ts';

/** A call below a version's base path. */
export interface RosterCall {
  readonly version: OneRosterVersion;
  readonly method: string;
  /** Segments of the path below the base. */
  readonly segments: readonly string[];
  /** As it stands in the address, with its `?`, or empty. */
  readonly search: string;
  readonly headers: Headers;
}

export interface RosterAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** Records that were told. */
  readonly records: number;
}

const json = {
  'content-type': 'application/json',
  'cache-control': 'private, no-cache',
  vary: 'Authorization',
};

/** A refusal in the standard's words. */
export function refuse(
  version: OneRosterVersion,
  refusal: Refusal,
  headers: Readonly<Record<string, string>> = {},
): RosterAnswer {
  const body = new Uint8Array(Buffer.from(JSON.stringify(refusalBody(version, refusal))));
  return { status: statusOf(refusal), headers: { ...json, 'cache-control': 'no-store', ...headers }, body, records: 0 };
}

/**
 * Answers a consumer as a OneRoster provider: who asks, by the live grant at this moment; how often; what; and what of it is in the grant. Every
 * call of a known consumer is kept in the log.
 * @throws CrosswalkError `token-missing`, `token-refused`
 */
export async function answerRosterCall(ctx: Context, asked: RosterCall): Promise<RosterAnswer> {
  const began = performance.now();
  const { version, segments, method } = asked;
  const address = `${ctx.baseUrl}${basePaths[version]}/${segments.map(encodeURIComponent).join('/')}`;
  const authorization = asked.headers.get('authorization');
  const call = await authenticateCall(ctx, { method, url: `${address}${asked.search}`, authorization });
  const allowance = await takeFromAllowance(ctx, call);
  const endpoint = endpointOf(segments);
  const params = new URLSearchParams(asked.search);
  const answer = await answered(ctx, { asked, call, allowance, endpoint, params, address });
  await noteRequest(ctx, call, {
    method,
    path: `${basePaths[version]}${endpoint?.pattern ?? '/{unknown}'}`,
    parameters: parameterNames(params, endpoint, version),
    status: answer.status,
    records: answer.records,
    bytes: answer.body?.byteLength ?? 0,
    ms: performance.now() - began,
  });
  return { ...answer, headers: { ...answer.headers, ...allowanceHeaders(allowance) } };
}

interface Answering {
  readonly asked: RosterCall;
  readonly call: ConsumerCall;
  readonly allowance: Allowance;
  readonly endpoint: Endpoint | null;
  readonly params: URLSearchParams;
  readonly address: string;
}

async function answered(ctx: Context, answering: Answering): Promise<RosterAnswer> {
  const { asked, call, allowance, endpoint, params } = answering;
  const { version } = asked;
  if (allowance.remaining === null) {
    const seconds = Math.max(1, Math.ceil((allowance.resetsAt.getTime() - ctx.clock.now().getTime()) / 1_000));
    const description = `More than ${allowance.limit} calls a minute; try again in ${seconds} s`;
    return refuse(version, { codeMinor: 'server_busy', description }, { 'retry-after': String(seconds) });
  }
  if (endpoint === null) return refuse(version, { codeMinor: 'unknownobject', description: 'No such endpoint' });
  if (!isAllowed(call.wireScopes, version, endpoint.scope)) {
    return refuse(version, {
      codeMinor: 'forbidden',
      description: `The token lacks the scope for ${endpoint.pattern}`,
    });
  }
  const ids = [...endpoint.parentIds, ...(endpoint.id === null ? [] : [endpoint.id])];
  if (ids.some((id) => !idSchema.safeParse(id).success)) return unknownObject(version);
  if (endpoint.id === null) {
    const read = readListQuery(params, endpoint.object, version);
    if ('refusal' in read) return refuse(version, read.refusal);
    return inRoster(ctx, answering, (tx, etag) => list(ctx, tx, answering, endpoint, read.query, etag));
  }
  const read = readSelection(params, endpoint.object, version);
  if ('refusal' in read) return refuse(version, read.refusal);
  return inRoster(ctx, answering, (tx, etag) => one(ctx, tx, answering, endpoint, read, etag));
}

const unknownObject = (version: OneRosterVersion) =>
  refuse(version, { codeMinor: 'unknownobject', description: 'No such object' });

/** What makes an answer another one: grant, roster, question, day (deletions are told for days). */
interface Etag {
  readonly version: string;
  readonly value: string;
}

async function inRoster(
  ctx: Context,
  { asked, call }: Answering,
  read: (tx: Tx, etag: Etag) => Promise<RosterAnswer>,
): Promise<RosterAnswer> {
  return ctx.database.withSchool(call.schoolId, async (tx) => {
    await tx.execute(
      sql`select set_config('statement_timeout', '60s', true), set_config('jit', 'off', true), set_config('random_page_cost', '1.1', true),
                 set_config('cursor_tuple_fraction', '1', true)`,
    );
    const version = `${await readRosterVersion(tx, call.schoolId)} ${ctx.clock.now().toISOString().slice(0, 10)}`;
    const question = [call.grantId, call.scopes, call.wireScopes, version, asked.version, asked.segments, asked.search];
    const value = `W/"${createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 27)}"`;
    const held = (asked.headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim());
    if (held.includes(value) || held.includes('*')) {
      return { status: 304, headers: { ...json, etag: value }, body: null, records: 0 };
    }
    return read(tx, { version, value });
  });
}

async function list(
  ctx: Context,
  tx: Tx,
  { asked, call, params, address }: Answering,
  endpoint: Endpoint,
  query: ListQuery,
  etag: Etag,
): Promise<RosterAnswer> {
  const reading = await openReading(tx, call, ctx.clock.now());
  const list: List = { reading, endpoint, query };
  if (!(await hasParents(tx, list))) return unknownObject(asked.version);
  const total = await totalOf(
    [
      call.grantId,
      JSON.stringify(call.scopes),
      etag.version,
      ...endpoint.parentIds,
      endpoint.pattern,
      params.get('filter') ?? '',
    ],
    () => countList(tx, list),
  );
  const place = query.cursor === null ? null : openCursor(ctx.keyring, call, query.cursor);
  const writer = new Writer(asked.version, `${ctx.baseUrl}${basePaths[asked.version]}`);
  let records = 0;
  let next: string | null = null;
  async function* pieces(): AsyncGenerator<string> {
    yield `{"${endpoint.envelope}":[`;
    for await (const { objects, last } of readPieces(tx, list, writer, { place })) {
      if (objects.length > 0) yield `${records === 0 ? '' : ','}${objects.join(',')}`;
      records += objects.length;
      if (last !== null) next = sealCursor(ctx.keyring, call, last);
    }
    const warnings = query.warnings.length === 0 ? '' : `,${JSON.stringify(warningsBody(query.warnings)).slice(1, -1)}`;
    yield `]${warnings}}`;
  }
  const body = await writtenBody(pieces());
  return {
    status: 200,
    headers: {
      ...json,
      etag: etag.value,
      'x-total-count': String(total),
      link: pageLinks(address, params, { limit: query.limit, offset: query.offset, total, next, count: records }),
    },
    body,
    records,
  };
}

async function one(
  ctx: Context,
  tx: Tx,
  { asked, call }: Answering,
  endpoint: Endpoint,
  { fields, warnings }: { readonly fields: readonly string[] | null; readonly warnings: readonly Refusal[] },
  etag: Etag,
): Promise<RosterAnswer> {
  const reading = await openReading(tx, call, ctx.clock.now());
  const writer = new Writer(asked.version, `${ctx.baseUrl}${basePaths[asked.version]}`);
  const object = await readOne(tx, { reading, endpoint }, writer, fields);
  if (object === null) return unknownObject(asked.version);
  const warned = warnings.length === 0 ? '' : `,${JSON.stringify(warningsBody(warnings)).slice(1, -1)}`;
  const body = new Uint8Array(Buffer.from(`{"${endpoint.envelope}":${object}${warned}}`));
  return { status: 200, headers: { ...json, etag: etag.value }, body, records: 1 };
}

const parametersKnown = ['limit', 'offset', 'sort', 'orderBy', 'fields', 'cursor'];

/** What a call was asked with, by names of a closed list: `filter:email`, never the address. */
function parameterNames(params: URLSearchParams, endpoint: Endpoint | null, version: OneRosterVersion): string[] {
  const names = parametersKnown.filter((name) => params.has(name));
  if (!params.has('filter') || endpoint === null || endpoint.id !== null) return names;
  const read = readListQuery(params, endpoint.object, version);
  const fields = 'query' in read ? (read.query.filter ?? []).flat().map(({ field }) => `filter:${field}`) : ['filter'];
  return [...names, ...new Set(fields)];
}
