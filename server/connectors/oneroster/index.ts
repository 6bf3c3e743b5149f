import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Scope } from '#db/schema/vocabulary.ts';
import {
  type Collection,
  type Connector,
  type FetchOptions,
  type Page,
  type PreviewCollection,
  type Proof,
  type ProofResult,
  peopleCollections,
  type RecordOf,
  type SetAside,
} from '#server/connectors/contract.ts';
import { createDeviations } from '#server/connectors/exchange/deviations.ts';
import { CrosswalkError, isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { originOf } from '#server/kernel/outbound/client.ts';
import type { OneRosterSession } from './client.ts';
import { guide } from './guide.ts';
import { groupOf, siteOf, subjectOf, termOf } from './map.ts';
import type { Reading } from './map-base.ts';
import { demographicsOf, enrolmentOf, personOf, type Sifted, type WantedPeople } from './map-people.ts';
import { masked } from './masked-sample.ts';
import { collectionsFor, isRead, needs, plansOf, type Question, type Read, reads } from './questions.ts';
import { glance, readCollection } from './read-collection.ts';
import {
  authorizations,
  type Permission,
  type Secret,
  type Settings,
  scopesOf,
  secretSchema,
  settingsSchema,
} from './settings.ts';
import { buyToken } from './token.ts';

/** How a record of each collection is read. */
const mappers: {
  readonly [C in Read]: (raw: unknown, reading: Reading, wanted: WantedPeople) => Sifted<RecordOf[C]>;
} = {
  sites: siteOf,
  terms: termOf,
  subjects: subjectOf,
  groups: groupOf,
  teachers: personOf,
  students: personOf,
  guardians: personOf,
  enrolments: enrolmentOf,
  demographics: demographicsOf,
};

const permissionFor = (scopes: readonly Scope[]): Permission =>
  scopes.includes('roster.demographics') ? 'demographics' : 'core';

/** OneRoster 1.2 and 1.1 over REST, read only. Asks for no person whom no scope needs, whatever the credential permits. */
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
      name: 'authorization',
      label: 'oneroster.field.authorization',
      kind: 'choice',
      choices: authorizations,
      required: true,
      onlyWhen: { field: 'version', is: ['1.1'] },
    },
    {
      name: 'tokenUrl',
      label: 'oneroster.field.token-url',
      kind: 'url',
      required: true,
      onlyWhen: { field: 'authorization', is: ['oauth2'] },
      example: 'https://sis.example.org/oauth/token',
    },
    {
      name: 'scope',
      label: 'oneroster.field.scope',
      kind: 'text',
      required: false,
      onlyWhen: { field: 'authorization', is: ['oauth2'] },
    },
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
    deltas: true,
    scopes: [
      'roster.subjects',
      'roster.streams',
      'roster.groups',
      'roster.classes',
      'roster.teachers',
      'roster.students',
      'roster.guardians',
      'roster.demographics',
    ],
    concurrency: 2,
  },
  foreignScopes: (scopes, settings) => scopesOf(settings, permissionFor(scopes)),
  origins: ({ baseUrl, tokenUrl }) => [
    ...new Set([originOf(baseUrl), ...(tokenUrl === undefined ? [] : [originOf(tokenUrl)])]),
  ],
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
    if (session.settings.authorization === 'oauth2') {
      // Always a fresh one: what is proved is the credential, not a token from before.
      const tokens = await buyToken(session, session.settings, session.secret, null);
      const permitsMore = tokens.scopes?.some((scope) => /demographics|gradebook|createput/.test(scope)) ?? false;
      if (permitsMore) advice.add('credential-permits-more');
      if (tokens.scopes === null) advice.add('token-without-scope');
    }
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
    const isEnrolled = scope === 'roster.students' || scope === 'roster.teachers';
    const withEnrolments = isEnrolled && collectionsFor(scopes).includes('enrolments');
    for (const collection of [...needs[scope], ...(withEnrolments ? (['enrolments'] as const) : [])]) {
      let outcome = tried.get(collection);
      if (outcome === undefined) {
        const answer = await tryRead(session, collection, scopes);
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
async function tryRead(
  session: OneRosterSession,
  collection: Read,
  scopes: readonly Scope[],
): Promise<CrosswalkError | number> {
  try {
    return (await glance(session, plansOf(collection, session.settings.version, scopes), 1)).rows.length;
  } catch (error) {
    const refused = explained(error);
    // RFC 5849 §3.2: 400 for a way of signing that a server does not know, 401 for a wrong signature.
    if (session.settings.authorization === 'oauth2' || refused.details.status !== 400) return refused;
    return new CrosswalkError('credential-refused', { details: { ...refused.details, problem: 'signature-refused' } });
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
    const plans = plansOf(collection, session.settings.version, scopes);
    const { rows, count, isExact, deviations } = await glance(session, plans, mostExamples);
    const reading = { deviations, now: session.clock.now() };
    collections.push({
      collection,
      count,
      // Home classes stand among the groups over there and are not counted apart.
      precision: count === null ? 'after-first-sync' : collection === 'groups' || !isExact ? 'estimated' : 'exact',
      sample: rows
        .flatMap(({ row, question }) => {
          const mapped = mappers[collection](row, reading, question.wanted);
          return 'record' in mapped && !mapped.record.deleted ? [masked(mapped.record)] : [];
        })
        .slice(0, mostExamples),
    });
  }
  return collections;
}

const mostExamples = 5;

const isOfPeople = (collection: Collection) => peopleCollections.some((people) => people === collection);

const identified = z.object({ sourcedId: z.unknown() });

/** Of a record that is not kept: the same whenever it comes again in the same part of a list, and nothing else. */
function markOf({ path, filter }: Question, row: unknown): string {
  const { data } = identified.safeParse(row);
  return createHash('sha256')
    .update(JSON.stringify([path, filter, data?.sourcedId]))
    .digest('base64url')
    .slice(0, 16);
}

async function* fetchCollection<C extends Collection>(
  session: OneRosterSession,
  collection: C,
  cursor: string | null,
  { since = null, scopes = [] }: FetchOptions = {},
): AsyncGenerator<Page<C>> {
  if (!isRead(collection)) {
    throw new CrosswalkError('internal', { details: { problem: 'collection-not-read', collection } });
  }
  if (isOfPeople(collection) && !collectionsFor(scopes).some((needed) => needed === collection)) {
    throw new CrosswalkError('internal', { details: { problem: 'collection-not-needed', collection } });
  }
  const map = mappers[collection];
  const plans = plansOf(collection, session.settings.version, scopes);
  for await (const page of readCollection(session, plans, cursor, since)) {
    const deviations = createDeviations();
    const reading = { deviations, now: session.clock.now() };
    const records: Page<C>['records'][number][] = [];
    const setAside: SetAside[] = [];
    const cutMarks: string[] = [];
    for (const row of page.rows) {
      const mapped = map(row, reading, page.question.wanted);
      if ('record' in mapped) records.push(mapped.record);
      else if ('setAside' in mapped) setAside.push(mapped.setAside);
      else cutMarks.push(markOf(page.question, row));
    }
    yield {
      collection,
      records,
      setAside,
      cut: cutMarks.length,
      cutMarks,
      total: page.total,
      cursor: page.cursor,
      end: page.end,
      deviations: [...new Set([...page.deviations, ...deviations.list()])],
    };
  }
}
