import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { providerVariables, variables } from './lib/variables.ts';

const read = (path: string) => readFileSync(path, 'utf8');
const documented = [...read('docs/configuration.md').matchAll(/^\| `([A-Z][\w<>]+)` +\|/gm)].map(
  ([, name = '']) => name,
);
const known = [...variables.map((variable) => variable.name), ...providerVariables];

/** What belongs to a provider's name in env.ts, or to Node and npm. */
const parts = new Set(['OIDC', 'ISSUER', 'CLIENT_ID', 'CLIENT_SECRET', 'LABEL']);
/** Handed from one of our own processes to another, never by an operator. */
const internal = new Set(['CROSSWALK_BUILD_ID', 'NEXT_SERVER_ACTIONS_ENCRYPTION_KEY']);

describe('docs/configuration.md', () => {
  it('names every variable once', () => {
    expect(documented.toSorted()).toEqual([...new Set(known)].toSorted());
  });

  it('names every variable that server/kernel/env.ts reads', () => {
    const names = [...read('server/kernel/env.ts').matchAll(/'([A-Z][A-Z0-9_]{3,})'/g)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names.filter((one) => !parts.has(one) && !one.endsWith('_'))) expect(known).toContain(name);
  });

  it('names every variable that scripts read by themselves', () => {
    const files = ['scripts', 'scripts/lib', 'scripts/lib/doctor'].flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => /(?<!\.test)\.(?:ts|mjs)$/.test(name))
        .map((name) => join(folder, name)),
    );
    for (const file of files) {
      for (const [, name = ''] of read(file).matchAll(/process\.env\.([A-Z][A-Z0-9_]+)/g))
        if (!internal.has(name)) expect(known, `${name} of ${file}`).toContain(name);
    }
  });
});
