export const versions = ['1.1', '1.2'] as const;
export type OneRosterVersion = (typeof versions)[number];

/** Path of the rostering service under our origin (reference §1). */
export const basePaths: Readonly<Record<OneRosterVersion, string>> = {
  '1.1': '/ims/oneroster/v1p1',
  '1.2': '/ims/oneroster/rostering/v1p2',
};

const prefixes: Readonly<Record<OneRosterVersion, string>> = {
  '1.1': 'https://purl.imsglobal.org/spec/or/v1p1/scope/',
  '1.2': 'https://purl.imsglobal.org/spec/or/v1p2/scope/',
};

/** What an endpoint asks of a token: a top-level read, a nested one, or demographics, which neither of them includes. */
export type EndpointScope = 'core' | 'nested' | 'demographics';

const sufficing: Readonly<Record<EndpointScope, readonly string[]>> = {
  core: ['roster-core.readonly', 'roster.readonly'],
  nested: ['roster.readonly'],
  demographics: ['roster-demographics.readonly'],
};

/** Whether a token's scope strings open an endpoint of a version: each version has its own. */
export function isAllowed(wireScopes: readonly string[], version: OneRosterVersion, scope: EndpointScope): boolean {
  return sufficing[scope].some((name) => wireScopes.includes(`${prefixes[version]}${name}`));
}
