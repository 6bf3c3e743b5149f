/** The import direction of DESIGN.md §3: app → trpc → features/jobs → roster, crosswalk, gradebook → connectors, protocols → kernel. */
const below = {
  kernel: '^server/kernel/',
  low: '^server/(connectors|protocols)/',
  middle: '^server/(roster|crosswalk|gradebook)/',
  features: '^server/(features|jobs)/',
  trpc: '^server/trpc/',
};
const tests = '/fixtures/|\\.(test|suite)\\.ts$|^server/testing/|/testing/|contract-suite';

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: { pathNot: '^db/schema/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'kernel-is-lowest',
      severity: 'error',
      from: { path: below.kernel, pathNot: tests },
      to: { path: '^(app|components|sandbox|scripts)/|^server/(?!kernel/)' },
    },
    {
      name: 'connectors-know-no-feature',
      severity: 'error',
      from: { path: below.low, pathNot: tests },
      to: { path: '^(app|components|sandbox|scripts)/|^server/(features|jobs|trpc|roster|crosswalk|gradebook)/' },
    },
    {
      name: 'connectors-and-protocols-never-open-the-database',
      severity: 'error',
      from: { path: below.low, pathNot: tests },
      to: { path: '^db/(?!schema/vocabulary)' },
    },
    {
      name: 'roster-knows-no-feature',
      severity: 'error',
      from: { path: below.middle, pathNot: tests },
      to: { path: '^(app|components|sandbox|scripts)/|^server/(features|jobs|trpc)/' },
    },
    {
      name: 'features-know-no-page',
      severity: 'error',
      from: { path: below.features, pathNot: tests },
      to: { path: '^(app|components|sandbox|scripts)/|^server/trpc/' },
    },
    {
      name: 'trpc-knows-no-page',
      severity: 'error',
      from: { path: below.trpc, pathNot: tests },
      to: { path: '^(app|components|sandbox|scripts)/' },
    },
    {
      name: 'pages-never-open-the-database',
      severity: 'error',
      from: { path: '^(app|components)/' },
      to: { path: '^db/(?!schema/vocabulary)' },
    },
    {
      name: 'ui-has-no-domain-word',
      severity: 'error',
      from: { path: '^components/ui/' },
      to: { path: '^(app|server|db)/|^components/(?!ui/)' },
    },
    {
      name: 'sandbox-is-independent',
      severity: 'error',
      from: { path: '^sandbox/' },
      to: { path: '^(app|components|server|db|scripts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
