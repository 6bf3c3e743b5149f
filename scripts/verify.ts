import { report, staticChecks, vitest } from './lib/checks.ts';

report([...staticChecks(), vitest(['unit'])]);
