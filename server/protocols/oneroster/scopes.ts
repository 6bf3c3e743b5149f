import type { Scope } from '#db/schema/vocabulary.ts';

/** OneRoster's scope strings for rostering, the same three in both versions. */
const names = ['roster-core.readonly', 'roster.readonly', 'roster-demographics.readonly'] as const;
type WireScopeName = (typeof names)[number];
type WireVersion = 'v1p1' | 'v1p2';

export const wireScope = (version: WireVersion, name: WireScopeName) =>
  `https://purl.imsglobal.org/spec/or/${version}/scope/${name}`;

/** Every scope string that a grant of ours gives: demographics only where they are granted by name. */
export function wireScopesFor(granted: readonly Scope[]): readonly string[] {
  const roster = granted.some((scope) => scope.startsWith('roster.'));
  const demographics = granted.includes('roster.demographics');
  return (['v1p2', 'v1p1'] as const).flatMap((version) =>
    names
      .filter((name) => (name === 'roster-demographics.readonly' ? demographics : roster))
      .map((name) => wireScope(version, name)),
  );
}

/** What of a grant a token opens: demographics only where the token was issued for them. */
export function scopesOpenedBy(granted: readonly Scope[], wireScopes: readonly string[]): readonly Scope[] {
  const demographics = wireScopes.some((scope) => scope.endsWith('/roster-demographics.readonly'));
  return granted.filter((scope) => scope !== 'roster.demographics' || demographics);
}
