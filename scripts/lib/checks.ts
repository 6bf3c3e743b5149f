import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

export interface Tally {
  passed: number;
  failed: number;
  /** What was printed of the failures, to be read again at the end of a long run. */
  said?: string;
}

const maxOutput = 64 * 1024 * 1024;
const endOf = (text: string) => text.slice(-8_000);

const bin = (name: string) => join('node_modules', '.bin', name);

function timed(name: string, run: () => boolean): boolean {
  const from = Date.now();
  const ok = run();
  process.stdout.write(`${ok ? '✓' : '✗'} ${name} (${((Date.now() - from) / 1_000).toFixed(1)} s)\n`);
  return ok;
}

/** A check that passes or fails as a whole: types, format and lint, import direction, unused code, references in docs. */
export function check(name: string, command: string, args: string[]): Tally {
  let said = '';
  const ok = timed(name, () => {
    const result = spawnSync(bin(command), args, { encoding: 'utf8', maxBuffer: maxOutput });
    if (result.status !== 0) said = `${name}\n${endOf(result.stdout)}${endOf(result.stderr)}\n`;
    process.stdout.write(said);
    return result.status === 0;
  });
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, said };
}

const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numFailedTestSuites: z.number(),
});

/** Runs the named vitest projects and counts their tests; a file that does not load is a failure. */
export function vitest(projects: readonly string[], files: readonly string[] = []): Tally {
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-vitest-'));
  const outputFile = join(folder, 'report.json');
  let tally: Tally = { passed: 0, failed: 1 };
  timed(`tests: ${projects.join(', ')}`, () => {
    const result = spawnSync(
      bin('vitest'),
      [
        'run',
        ...projects.flatMap((project) => ['--project', project]),
        '--reporter=dot',
        '--reporter=json',
        `--outputFile.json=${outputFile}`,
        ...files,
      ],
      { stdio: ['inherit', 'inherit', 'pipe'], encoding: 'utf8', maxBuffer: maxOutput },
    );
    process.stderr.write(result.stderr);
    const said = result.status === 0 ? {} : { said: `tests: ${projects.join(', ')}\n${endOf(result.stderr)}` };
    tally = { ...tally, ...said };
    try {
      const report = vitestReport.parse(JSON.parse(readFileSync(outputFile, 'utf8')));
      const failed =
        report.numFailedTests === 0 && result.status !== 0
          ? Math.max(1, report.numFailedTestSuites)
          : report.numFailedTests;
      tally = { passed: report.numPassedTests, failed, ...said };
    } catch (error) {
      process.stdout.write(`vitest left no report: ${error instanceof Error ? error.message : 'unknown'}\n`);
    }
    return result.status === 0;
  });
  rmSync(folder, { recursive: true, force: true });
  return tally;
}

const playwrightReport = z.object({
  stats: z.object({ expected: z.number(), unexpected: z.number(), flaky: z.number() }),
});

/** The journeys in a real browser. One that passed only at its second try is named, and counts once. */
export function playwright(chromium: string, args: readonly string[]): Tally {
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-playwright-'));
  const outputFile = join(folder, 'report.json');
  let tally: Tally = { passed: 0, failed: 1 };
  timed('tests: browser', () => {
    const result = spawnSync(bin('playwright'), ['test', '--config', 'e2e/playwright.config.ts', ...args], {
      stdio: 'inherit',
      env: { ...process.env, CHROMIUM_PATH: chromium, PLAYWRIGHT_JSON_OUTPUT_NAME: outputFile },
    });
    try {
      const { stats } = playwrightReport.parse(JSON.parse(readFileSync(outputFile, 'utf8')));
      const failed = stats.unexpected;
      if (stats.flaky > 0)
        process.stdout.write(`${stats.flaky} browser tests passed only at the second try (see above)\n`);
      tally = { passed: stats.expected + stats.flaky, failed: failed === 0 && result.status !== 0 ? 1 : failed };
    } catch (error) {
      process.stdout.write(`playwright left no report: ${error instanceof Error ? error.message : 'unknown'}\n`);
    }
    return result.status === 0;
  });
  rmSync(folder, { recursive: true, force: true });
  return tally;
}

/** Types, lint, import direction, unused code, docs: everything that needs neither a test nor a server. */
export function staticChecks(): Tally[] {
  return [
    check('types', 'tsc', ['--noEmit']),
    check('format and lint', 'biome', ['check', '--error-on-warnings', '.']),
    check('import direction', 'depcruise', [
      '--config',
      '.dependency-cruiser.cjs',
      'app',
      'components',
      'db',
      'server',
      'sandbox',
      'scripts',
    ]),
    check('unused code', 'knip', ['--no-progress']),
    check('references in docs', 'node', ['scripts/check-doc-references.ts']),
  ];
}

/** Prints the end of what each failing part said once more, then the line that closes every run. */
export function report(tallies: readonly Tally[]): never {
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  for (const { said } of tallies) if (said !== undefined) process.stdout.write(`\n✗ ${said}\n`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exit(failed === 0 ? 0 : 1);
}
