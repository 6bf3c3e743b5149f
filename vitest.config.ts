import { defineConfig } from 'vitest/config';

/** Modules are loaded once per worker, not per file: no test leaves anything in them. A project does not inherit it. */
const shared = { isolate: false } as const;

/** One project per budget of DEVELOPERS.md: unit (no I/O), sandbox and contracts (loopback HTTP), db (a real PostgreSQL), faults. */
export default defineConfig({
  test: {
    // Both cores: while one file waits for PostgreSQL, another goes on.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          testTimeout: 20_000,
          include: [
            'server/**/*.test.ts',
            'components/**/*.test.ts',
            'db/**/*.test.ts',
            'messages/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
          exclude: [
            '**/*.db.test.ts',
            '**/*.contract.test.ts',
            '**/*.fault.test.ts',
            '**/*.upgrade.test.ts',
            'node_modules/**',
          ],
        },
      },
      { test: { ...shared, name: 'sandbox', testTimeout: 20_000, include: ['sandbox/**/*.test.ts'] } },
      {
        test: {
          ...shared,
          name: 'db',
          include: ['server/**/*.db.test.ts', 'db/**/*.db.test.ts', 'scripts/**/*.db.test.ts'],
          globalSetup: ['db/testing/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'contracts',
          include: ['server/**/*.contract.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'faults',
          include: ['server/**/*.fault.test.ts', 'scripts/**/*.fault.test.ts'],
          globalSetup: ['db/testing/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // `npm run test:upgrade`: fetches another major version of PostgreSQL from the npm registry.
        test: {
          ...shared,
          name: 'upgrade',
          include: ['scripts/**/*.upgrade.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
