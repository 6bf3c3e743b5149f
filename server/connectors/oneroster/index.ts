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
import { type OneRosterSession, type Path, readFirst, readPages } from './client.ts';
import { guide } from './guide.ts';
import { groupOf, type Mapped, type Reading, siteOf, subjectOf, termOf } from './map.ts';
import { type Secret, type Settings, scopesOf, secretSchema, settingsSchema } from './settings.ts';
import { buyToken } from './token.ts';

type Read = 'sites' | 'terms' | 'subjects' | 'groups';

/** Where a collection stands over there and how a record of it is read. */
const readers: { readonly [C in Read]: { path: Path; map: (raw: unknown, reading: Reading) => Mapped<RecordOf[C]> } } =
  {
    sites: { path: 'orgs', map: siteOf },
    terms: { path: 'academicSessions', map: termOf },
    subjects: { path: 'courses', map: subjectOf },
    groups: { path: 'classes', map: groupOf },
  };
const reads = ['sites', 'terms', 'subjects', 'groups'] as const satisfies readonly Read[];
const isRead = (collection: Collection): collection is Read => reads.some((read) => read === collection);

/** What each scope needs: a group is nothing without its site and term, a stream is told by courses and classes. */
const needs: Partial<Record<Scope, readonly Read[]>> = {
  'roster.subjects': ['sites', 'terms', 'subjects'],
  'roster.streams': ['sites', 'subjects', 'groups'],
  'roster.groups': ['sites', 'terms', 'groups'],
};

const collectionsFor = (scopes: readonly Scope[]): readonly Read[] =>
  reads.filter((read) => scopes.some((scope) => needs[scope]?.includes(read) ?? false));

/** OneRoster 1.2 and 1.1 over REST, read only. Asks for no person whatever the credential permits. */
export const oneRoster = {
  id: 'oneroster',
  kind: 'sis',
  products: [
    { id: 'oneroster-1.2', name: 'OneRoster 1.2', preset: { version: '1.2' } },
    { id: 'oneroster-1.1', name: 'OneRoster 1.1', preset: { version: '1.1' } },
  ],
  authentication: { kind: 'client-credentials' },
  settingsFields: [
    { name: 'version', label: 'oneroster.field.version', kind: 'choice', choices: ['1.2', '1.1'], required: true },
    {
      name: 'baseUrl',
      label: 'oneroster.field.base-url',
      kind: 'url',
      required: true,
      example: 'https://sis.example.org/ims/oneroster/rostering/v1p2',
    },
    {
      name: 'tokenUrl',
      label: 'oneroster.field.token-url',
      kind: 'url',
      required: true,
      example: 'https://sis.example.org/oauth/token',
    },
    { name: 'scope', label: 'oneroster.field.scope', kind: 'text', required: false },
  ],
  secretFields: [
    { name: 'clientId', label: 'oneroster.field.client-id', kind: 'text', required: true },
    { name: 'clientSecret', label: 'oneroster.field.client-secret', kind: 'secret', required: true },
  ],
  settings: settingsSchema,
  secret: secretSchema,
  guide,
  capabilities: {
    reads,
    deltas: false,
    scopes: ['roster.subjects', 'roster.streams', 'roster.groups'],
    concurrency: 2,
  },
  foreignScopes: (_scopes, settings) => scopesOf(settings),
  origins: (settings) => [...new Set([originOf(settings.baseUrl), originOf(settings.tokenUrl)])],
  collectionsFor,
  hint: (secret) => `…${secret.clientId.slice(-4)}`,
  prove,
  preview,
  fetch: fetchCollection,
} as const satisfies Connector<Settings, Secret>;

async function prove(session: OneRosterSession, scopes: readonly Scope[]): Promise<Proof> {
  const about = { product: `OneRoster ${session.settings.version}` };
  const advice = new Set<string>();
  try {
    // Always a fresh one: what is proved is the credential, not a token from before.
    const tokens = await buyToken(session, session.settings, session.secret, null);
    const permitsMore = tokens.scopes?.some((scope) => /demographics|gradebook|createput/.test(scope)) ?? false;
    if (permitsMore) advice.add('credential-permits-more');
    if (tokens.scopes === null) advice.add('token-without-scope');
  } catch (error) {
    const results = scopes.map((scope) => failed(scope, explained(error)));
    return { ok: false, results, actsAs: null, about, advice: [] };
  }
  const tried = new Map<Read, CrosswalkError | null>();
  let seen = 0;
  const results: ProofResult[] = [];
  for (const scope of scopes) {
    if (needs[scope] === undefined) {
      results.push(failed(scope, new CrosswalkError('scope-missing', { details: { problem: 'not-supported' } })));
      continue;
    }
    let refused: CrosswalkError | null = null;
    for (const collection of needs[scope]) {
      let outcome = tried.get(collection);
      if (outcome === undefined) {
        const answer = await tryRead(session, collection);
        outcome = answer instanceof CrosswalkError ? answer : null;
        seen += answer instanceof CrosswalkError ? 0 : answer;
        tried.set(collection, outcome);
      }
      refused ??= outcome;
    }
    results.push(refused === null ? { scope, ok: true, errorCode: null, details: {} } : failed(scope, refused));
  }
  // A client that is let in and assigned to no school gets empty lists everywhere, with 200.
  if (seen === 0 && tried.size > 0 && results.every((result) => result.ok)) {
    const nothing = new CrosswalkError('rights-missing', { details: { problem: 'nothing-visible' } });
    return { ok: false, results: scopes.map((scope) => failed(scope, nothing)), actsAs: null, about, advice: [] };
  }
  return { ok: results.every((result) => result.ok), results, actsAs: null, about, advice: [...advice] };
}

/** How many records a real call gave, or why it gave none. */
async function tryRead(session: OneRosterSession, collection: Read): Promise<CrosswalkError | number> {
  try {
    return (await readFirst(session, readers[collection].path, 1)).rows.length;
  } catch (error) {
    return explained(error);
  }
}

/** What the system answered is told per scope; only what is wrong with us goes on as an error. */
function explained(error: unknown): CrosswalkError {
  if (isCrosswalkError(error)) return error;
  throw toCrosswalkError(error);
}

const failed = (scope: Scope, error: CrosswalkError): ProofResult => ({
  scope,
  ok: false,
  errorCode: error.code,
  details: error.details,
});

async function preview(session: OneRosterSession, scopes: readonly Scope[]): Promise<readonly PreviewCollection[]> {
  const collections: PreviewCollection[] = [];
  for (const collection of collectionsFor(scopes)) {
    const { rows, total, next, deviations } = await readFirst(session, readers[collection].path, 5);
    const reading = { deviations, now: session.clock.now() };
    // A total of exactly what was asked for may be the size of the page.
    const isKnown = rows.length < 5 || next === null || (total !== null && total !== 5);
    const count = isKnown ? (total ?? rows.length) : null;
    collections.push({
      collection,
      count,
      // Home classes stand among the groups over there and are not counted apart.
      precision: count === null ? 'after-first-sync' : collection === 'groups' ? 'estimated' : 'exact',
      sample: rows.slice(0, 5).flatMap((row) => sampleOf(collection, row, reading)),
    });
  }
  return collections;
}

function sampleOf(collection: Read, row: unknown, reading: Reading): Record<string, string>[] {
  const mapped = readers[collection].map(row, reading);
  if ('setAside' in mapped) return [];
  const { record } = mapped;
  const shown = {
    name: 'title' in record ? record.title : record.name,
    ...('courseCode' in record && record.courseCode !== null ? { code: record.courseCode } : {}),
    ...('code' in record && record.code !== null ? { code: record.code } : {}),
    ...('startsOn' in record ? { from: record.startsOn, until: record.endsOn } : {}),
    ...('grades' in record && record.grades.length > 0 ? { grades: record.grades.join(', ') } : {}),
  };
  return [shown];
}

async function* fetchCollection<C extends Collection>(
  session: OneRosterSession,
  collection: C,
  cursor: string | null,
): AsyncGenerator<Page<C>> {
  if (!isRead(collection)) {
    throw new CrosswalkError('internal', { details: { problem: 'collection-not-read', collection } });
  }
  const reader = readers[collection];
  for await (const page of readPages(session, reader.path, cursor)) {
    const deviations = createDeviations();
    const reading = { deviations, now: session.clock.now() };
    const records: Page<C>['records'][number][] = [];
    const setAside: SetAside[] = [];
    for (const row of page.rows) {
      const mapped = reader.map(row, reading);
      if ('setAside' in mapped) setAside.push(mapped.setAside);
      else records.push(mapped.record);
    }
    yield {
      collection,
      records,
      setAside,
      cut: 0,
      total: page.total,
      cursor: page.cursor,
      end: page.end,
      deviations: [...new Set([...page.deviations.list(), ...deviations.list()])],
    };
  }
}
