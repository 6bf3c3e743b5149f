import { add, playwright, staticChecks, vitest } from './lib/checks.ts';
import { findOrInstallChromium } from './lib/chromium.ts';

const chromium = findOrInstallChromium();
const total = add([
  ...staticChecks(),
  vitest(['unit', 'sandbox']),
  vitest(['db']),
  vitest(['contracts']),
  vitest(['faults']),
  chromium === null ? { passed: 0, failed: 1 } : playwright(chromium, process.argv.slice(2)),
]);
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed === 0 ? 0 : 1);
