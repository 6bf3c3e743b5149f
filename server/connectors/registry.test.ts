import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  marketplaceLmsScopes,
  marketplaceSisScopes,
  type Scope,
  scopes,
  syncPhases,
  syncStates,
  syncTriggers,
} from '#db/schema/vocabulary.ts';
import { rosterCollections } from '#server/roster/collections.ts';
import { peopleCollections, setAsideReasons } from './contract.ts';
import { deviationKeys } from './exchange/deviations.ts';
import { connectorById, connectorOfProduct, connectors } from './registry.ts';

const messages = new URL('../../messages/', import.meta.url);
const locales = readdirSync(messages, { withFileTypes: true }).filter((entry) => entry.isDirectory());

/** The text under a dotted key, or undefined. */
function textAt(root: unknown, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((at, part) => (typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined), root);
}

describe.each(locales.map((entry) => entry.name))('texts in %s', (locale) => {
  const load = (name: string): unknown => JSON.parse(readFileSync(new URL(`${locale}/${name}.json`, messages), 'utf8'));
  const ofConnectors = load('connectors');
  const ofSync = load('sync');

  it('every connector has its name, fields and guide', () => {
    for (const { id, guide, settingsFields, secretFields } of connectors) {
      const keys = [
        `${id}.name`,
        ...guide.map(({ text }) => text),
        ...[...settingsFields, ...secretFields].map(({ label }) => label),
      ];
      for (const key of keys) expect(textAt(ofConnectors, key), key).toEqual(expect.any(String));
    }
  });

  it('every advice and problem that a proof gives has its sentence', () => {
    const sources = readdirSync(new URL('./', import.meta.url), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('suite.ts'))
      .map((file) => readFileSync(new URL(file, new URL('./', import.meta.url)), 'utf8'))
      .join('\n');
    const advice = [...sources.matchAll(/advice\.(?:add|push)\('([a-z-]+)'\)/g)].map(([, key]) => `advice.${key}`);
    expect(advice.length).toBeGreaterThan(4);
    for (const key of advice) expect(textAt(ofConnectors, key), key).toEqual(expect.any(String));
    for (const problem of [
      'consent-needed',
      'developer-key-refused',
      'no-account-administered',
      'root-account-needed',
      'functions-missing',
      'web-services-off',
      'not-supported',
      'nothing-visible',
      'signature-refused',
    ]) {
      expect(sources).toContain(`'${problem}'`);
      expect(textAt(ofConnectors, `problem.${problem}`), problem).toEqual(expect.any(String));
    }
  });

  it('every deviation, reason, phase, state, trigger and collection has its word', () => {
    const keys = [
      ...deviationKeys.map((key) => `deviation.${key}`),
      ...setAsideReasons.map((key) => `reason.${key}`),
      ...syncPhases.map((key) => `phase.${key}`),
      ...syncStates.map((key) => `state.${key}`),
      ...syncTriggers.map((key) => `trigger.${key}`),
      ...rosterCollections.map((key) => `collection.${key}`),
    ];
    for (const key of keys) expect(textAt(ofSync, key), key).toEqual(expect.any(String));
  });
});

describe('the registry', () => {
  it('finds a connector by its id and by a product', () => {
    expect(connectorOfProduct('oneroster-1.1')?.id).toBe('oneroster');
    expect(connectorOfProduct('abacus')).toBeNull();
    expect(() => connectorById('abacus')).toThrow(expect.objectContaining({ code: 'misconfigured' }));
    const products = connectors.flatMap((connector) => connector.products.map((product) => product.id));
    expect(new Set(products).size).toBe(products.length);
  });

  it('no connector reads a person for a scope that the marketplace may ask, or more than it can read', () => {
    for (const { collectionsFor, capabilities } of connectors) {
      const forMarketplace = collectionsFor([...marketplaceSisScopes, ...marketplaceLmsScopes]);
      expect(forMarketplace.filter((read) => peopleCollections.some((people) => people === read))).toEqual([]);
      expect(collectionsFor([])).toEqual([]);
      expect(collectionsFor(scopes).every((collection) => capabilities.reads.includes(collection))).toBe(true);
    }
  });

  it.each<[Scope[], string[]]>([
    [['roster.teachers'], ['sites', 'teachers']],
    [['roster.students'], ['sites', 'students']],
    [['roster.guardians'], ['sites', 'guardians']],
    [['roster.classes'], ['sites', 'terms', 'groups']],
    // Nobody's, without the people.
    [['roster.demographics'], []],
    [
      ['roster.demographics', 'roster.teachers'],
      ['sites', 'teachers', 'demographics'],
    ],
    [
      ['roster.guardians', 'roster.groups'],
      ['sites', 'terms', 'groups', 'guardians'],
    ],
    [
      ['roster.students', 'roster.groups'],
      ['sites', 'terms', 'groups', 'students', 'enrolments'],
    ],
    [
      ['roster.teachers', 'roster.classes', 'roster.streams'],
      ['sites', 'terms', 'subjects', 'groups', 'teachers', 'enrolments'],
    ],
  ])('OneRoster reads for %j nothing but %j', (granted, collections) => {
    expect(connectorById('oneroster').collectionsFor(granted)).toEqual(collections);
  });

  it('an unreadable entry names its fields and quotes nothing of it', () => {
    const oneRoster = connectorById('oneroster');
    const entered = { version: '1.2', baseUrl: 'not an address', tokenUrl: 'https://sis.example/token' };
    expect(() => oneRoster.parseSettings(entered)).toThrow(
      expect.objectContaining({ code: 'invalid-input', details: { fields: ['baseUrl'] } }),
    );
    expect(() => oneRoster.parseSecret({ clientId: 'id', clientSecret: '' })).toThrow(
      expect.objectContaining({ details: { fields: ['clientSecret'] } }),
    );
  });

  it('every origin to which a credential goes is named, once', () => {
    const settings = {
      version: '1.2',
      baseUrl: 'https://sis.example/t/ims/oneroster/rostering/v1p2/',
      tokenUrl: 'https://login.example/token',
    };
    expect(connectorById('oneroster').origins(settings)).toEqual(['https://sis.example', 'https://login.example']);
    expect(connectorById('canvas').origins({ baseUrl: 'https://school.instructure.com/' })).toEqual([
      'https://school.instructure.com',
    ]);
    expect(connectorById('moodle').origins({ baseUrl: 'https://school.example/moodle' })).toEqual([
      'https://school.example',
    ]);
  });

  it('asks for the least scope that does, or for the one that the SIS has instead', () => {
    const { foreignScopes } = connectorById('oneroster');
    const settings = { version: '1.1', baseUrl: 'https://sis.example', tokenUrl: 'https://sis.example/token' };
    expect(foreignScopes(['roster.groups'], settings)).toEqual([
      'https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly',
    ]);
    expect(foreignScopes(['roster.groups'], { ...settings, scope: 'roster' })).toEqual(['roster']);
    expect(foreignScopes(['roster.students', 'roster.demographics'], settings)).toEqual([
      'https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly',
      'https://purl.imsglobal.org/spec/or/v1p1/scope/roster-demographics.readonly',
    ]);
  });

  it('signed calls need no address for tokens, send no secret to one, and are for OneRoster 1.1 alone', () => {
    const { parseSettings, origins, foreignScopes } = connectorById('oneroster');
    const entered = { version: '1.1', baseUrl: 'https://sis.example/v1p1', authorization: 'oauth1-hmac-sha256' };
    expect(origins({ ...entered, tokenUrl: 'https://login.example/token' })).toEqual(['https://sis.example']);
    expect(foreignScopes(['roster.groups'], entered)).toEqual([]);
    expect(parseSettings({ ...entered, tokenUrl: '', scope: '' })).toMatchObject({
      authorization: 'oauth1-hmac-sha256',
    });
    for (const without of [
      { ...entered, version: '1.2' },
      { ...entered, authorization: 'oauth2' },
      { ...entered, authorization: '' },
    ]) {
      expect(() => parseSettings(without)).toThrow(
        expect.objectContaining({ code: 'invalid-input', details: { fields: ['tokenUrl'] } }),
      );
    }
  });
});
