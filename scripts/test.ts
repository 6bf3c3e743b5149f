import { playwright, report, staticChecks, vitest } from './lib/checks.ts';
import { findOrInstallChromium } from './lib/chromium.ts';

const chromium = findOrInstallChromium();
report([
  ...staticChecks(),
  vitest(['unit', 'sandbox']),
  vitest(['db']),
  vitest(['contracts']),
  vitest(['faults']),
  chromium === null ? { passed: 0, failed: 1 } : playwright(chromium, process.argv.slice(2)),
]);
