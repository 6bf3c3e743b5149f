import type { Scope } from '#db/schema/vocabulary.ts';
import type {
  Collection,
  Connector,
  Page,
  PreviewCollection,
  Proof,
  ProofResult,
  RecordOf,
  SetAside,
} from '#server/connectors/contract.ts';
import { createDeviations } from '#server/connectors/exchange/deviations.ts';
import { CrosswalkError, isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { originOf } from '#server/kernel/outbound/client.ts';
import { type CanvasSession, getPage, readCourses, readNames, topAccounts } from './client.ts';
import { guide } from './guide.ts';
import { courseOf } from './map.ts';
import { courseScopes, type Secret, type Settings, secretSchema, settingsSchema } from './settings.ts';
import { authorizeUrl, exchange, refresh, revoke } from './token.ts';

const serves = (scopes: readonly Scope[]) => scopes.includes('lms.courses');

/** Canvas: a developer key, the consent of somebody with rights on the account, courses and their ids. */
export const canvas = {
  id: 'canvas',
  kind: 'lms',
  products: [{ id: 'canvas', name: 'Canvas', preset: {} }],
  authentication: { kind: 'authorization-code', pkce: 'supported' },
  settingsFields: [
    {
      name: 'baseUrl',
      label: 'canvas.field.base-url',
      kind: 'url',
      required: true,
      example: 'https://school.instructure.com',
    },
  ],
  secretFields: [
    { name: 'clientId', label: 'canvas.field.client-id', kind: 'text', required: true, example: '170000000000007' },
    { name: 'clientSecret', label: 'canvas.field.client-secret', kind: 'secret', required: true },
  ],
  settings: settingsSchema,
  secret: secretSchema,
  guide,
  capabilities: { reads: ['courses'], deltas: false, scopes: ['lms.courses'], concurrency: 1 },
  foreignScopes: (scopes) => (serves(scopes) ? courseScopes : []),
  origins: (settings) => [originOf(settings.baseUrl)],
  collectionsFor: (scopes) => (serves(scopes) ? ['courses'] : []),
  hint: (secret) => `…${secret.clientId.slice(-4)}`,
  prove,
  preview,
  fetch: fetchCollection,
  consent: {
    authorizeUrl: (settings, secret, request) =>
      authorizeUrl(settings, secret, serves(request.scopes) ? courseScopes : [], request),
    exchange,
    revoke,
  },
} as const satisfies Connector<Settings, Secret>;

/** Proves the rights on the account, not only the token: a teacher's consent lets us in and shows nothing. */
async function prove(session: CanvasSession, scopes: readonly Scope[]): Promise<Proof> {
  const about = { product: 'Canvas' };
  const advice = new Set<string>();
  let actsAs: Proof['actsAs'] = null;
  let refused: CrosswalkError | null = null;
  try {
    const tokens = await session.tokens((current) => refresh(session, current));
    actsAs = tokens.actsAs === null ? null : { name: tokens.actsAs, isServiceAccount: null };
    // Canvas cannot tell a person from a service account; a person leaves one day, and the connection with him.
    advice.add('use-service-account');
    const deviations = createDeviations();
    const tops = await topAccounts(session, deviations);
    if (tops.length === 0) {
      throw new CrosswalkError('rights-missing', { details: { problem: 'no-account-administered' } });
    }
    for (const { id } of tops) {
      const path = `/api/v1/accounts/${encodeURIComponent(id)}/courses`;
      const scope = 'url:GET|/api/v1/accounts/:account_id/courses';
      const { json } = await getPage(session, path, 'per_page=1', scope, deviations);
      const [course] = Array.isArray(json) ? json : [];
      if (course !== undefined) courseOf(course, { accounts: new Map(), terms: new Map() }, deviations);
    }
    await readNames(session, tops, deviations);
    if (deviations.list().includes('sis-id-not-visible')) advice.add('sis-ids-not-visible');
    if (deviations.list().includes('terms-not-readable')) advice.add('terms-not-readable');
  } catch (error) {
    if (!isCrosswalkError(error)) throw toCrosswalkError(error);
    refused = error;
  }
  const results = scopes.map((scope): ProofResult => {
    if (scope !== 'lms.courses') {
      return { scope, ok: false, errorCode: 'scope-missing', details: { problem: 'not-supported' } };
    }
    return refused === null
      ? { scope, ok: true, errorCode: null, details: {} }
      : { scope, ok: false, errorCode: refused.code, details: refused.details };
  });
  return { ok: results.every((result) => result.ok), results, actsAs, about, advice: [...advice] };
}

async function preview(session: CanvasSession, scopes: readonly Scope[]): Promise<readonly PreviewCollection[]> {
  if (!serves(scopes)) return [];
  const deviations = createDeviations();
  const tops = await topAccounts(session, deviations);
  const names = await readNames(session, tops, deviations);
  const [first, ...others] = tops;
  if (first === undefined) {
    throw new CrosswalkError('rights-missing', { details: { problem: 'no-account-administered' } });
  }
  const path = `/api/v1/accounts/${encodeURIComponent(first.id)}/courses`;
  const scope = 'url:GET|/api/v1/accounts/:account_id/courses';
  const { json, next } = await getPage(session, path, 'per_page=5', scope, deviations);
  const rows = Array.isArray(json) ? json.slice(0, 5) : [];
  const sample = rows.flatMap((row) => {
    const mapped = courseOf(row, names, deviations);
    if ('setAside' in mapped) return [];
    const { name, code, termName, state } = mapped.record;
    return [
      {
        name,
        ...(code === null ? {} : { code }),
        ...(termName === null ? {} : { term: termName }),
        ...(state === null ? {} : { state }),
      },
    ];
  });
  // Canvas tells no totals: a count is known where everything fits one page.
  const count = others.length === 0 && next === null ? rows.length : null;
  return [{ collection: 'courses', count, precision: count === null ? 'after-first-sync' : 'exact', sample }];
}

async function* fetchCollection<C extends Collection>(
  session: CanvasSession,
  collection: C,
  cursor: string | null,
): AsyncGenerator<Page<C>> {
  if (!isCourses(collection)) {
    throw new CrosswalkError('internal', { details: { problem: 'collection-not-read', collection } });
  }
  const common = createDeviations();
  const tops = await topAccounts(session, common);
  if (tops.length === 0) {
    throw new CrosswalkError('rights-missing', { details: { problem: 'no-account-administered' } });
  }
  const names = await readNames(session, tops, common);
  for await (const raw of readCourses(session, tops, cursor, common)) {
    const deviations = createDeviations();
    const records: Page<C & 'courses'>['records'][number][] = [];
    const setAside: SetAside[] = [];
    for (const row of raw.rows) {
      const mapped = courseOf(row, names, deviations);
      if ('setAside' in mapped) setAside.push(mapped.setAside);
      else records.push(mapped.record);
    }
    yield {
      collection,
      records,
      setAside,
      cut: 0,
      total: null,
      cursor: raw.cursor,
      end: raw.end,
      deviations: [...new Set([...common.list(), ...deviations.list()])],
    };
  }
}

const isCourses = (collection: keyof RecordOf): collection is 'courses' => collection === 'courses';
