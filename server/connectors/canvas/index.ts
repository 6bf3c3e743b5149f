import type { Scope } from '#db/schema/vocabulary.ts';
import type {
  Collection,
  Connector,
  Page,
  PreviewCollection,
  RecordOf,
  SetAside,
} from '#server/connectors/contract.ts';
import { createDeviations } from '#server/connectors/exchange/deviations.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { originOf } from '#server/kernel/outbound/client.ts';
import { type CanvasSession, getPage, readCourses, readNames, topAccounts } from './client.ts';
import { guide } from './guide.ts';
import { courseOf } from './map.ts';
import { prove } from './prove.ts';
import { push } from './push.ts';
import {
  courseScopes,
  peopleScopes,
  type Secret,
  type Settings,
  secretSchema,
  settingsSchema,
  writeScopes,
} from './settings.ts';
import { authorizeUrl, exchange, revoke } from './token.ts';

const serves = (scopes: readonly Scope[]) => scopes.includes('lms.courses');

/** What the developer key must permit for our scopes, each once. */
const foreignScopes = (scopes: readonly Scope[]): readonly string[] => [
  ...new Set([
    ...(serves(scopes) ? courseScopes : []),
    ...(scopes.includes('lms.people') ? peopleScopes : []),
    ...(scopes.includes('lms.roster.write') ? writeScopes : []),
  ]),
];

/** Canvas: a developer key, the consent of somebody with rights on the account, courses and their ids, rosters by SIS import. */
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
  capabilities: {
    reads: ['courses'],
    deltas: false,
    scopes: ['lms.courses', 'lms.people', 'lms.roster.write'],
    concurrency: 1,
  },
  foreignScopes,
  origins: (settings) => [originOf(settings.baseUrl)],
  collectionsFor: (scopes) => (serves(scopes) ? ['courses'] : []),
  hint: (secret) => `…${secret.clientId.slice(-4)}`,
  prove,
  preview,
  fetch: fetchCollection,
  push,
  consent: {
    authorizeUrl: (settings, secret, request) => authorizeUrl(settings, secret, foreignScopes(request.scopes), request),
    exchange,
    revoke,
  },
} as const satisfies Connector<Settings, Secret>;

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
