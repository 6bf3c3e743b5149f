import { add, staticChecks, vitest } from './lib/checks.ts';

const total = add([...staticChecks(), vitest(['unit'])]);
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed === 0 ? 0 : 1);
