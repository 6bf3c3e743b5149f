import { defineConfig, devices } from '@playwright/test';
import { baseUrl } from './fixtures/product.ts';

const root = process.getuid?.() === 0;

/** Journeys against the whole product, started as a newcomer would, on data of its own. */
export default defineConfig({
  testDir: '.',
  outputDir: '../test-results',
  fullyParallel: false,
  workers: 2,
  forbidOnly: true,
  // A machine that is busy with something else may once be slower than a person would wait; which test it was is printed.
  retries: 1,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  globalSetup: './fixtures/start-product.ts',
  // The count for scripts/test.ts goes to the file that it names.
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME === undefined ? 'list' : [['list'], ['json']],
  use: {
    baseURL: baseUrl,
    actionTimeout: 20_000,
    navigationTimeout: 30_000,
    // Recording costs a third of the whole: what failed is recorded when it is tried again.
    trace: 'on-first-retry',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH,
      args: [
        ...(root ? ['--no-sandbox'] : []),
        '--disable-background-networking',
        '--disable-quic',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
  projects: [
    {
      name: 'desktop',
      use: { ...devices['Desktop Chrome'], channel: undefined, viewport: { width: 1280, height: 900 } },
    },
  ],
});
