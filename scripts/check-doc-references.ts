import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Fails where a page of the docs names a file, a link or an npm script that does not exist. */
const pages = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].filter((page) => existsSync(page));
const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync('package.json', 'utf8'));
const problems: string[] = [];

for (const page of pages) {
  const text = readFileSync(page, 'utf8');
  for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
    if (!/^[a-z]+:/.test(target) && !existsSync(join(dirname(page), target)))
      problems.push(`${page}: link to ${target}`);
  }
  for (const [, path = ''] of text.matchAll(
    /`((?:app|components|db|server|sandbox|scripts|e2e|bench|docs|messages)\/[\w./[\]()-]+)`/g,
  )) {
    if (!existsSync(path.replace(/\/$/, ''))) problems.push(`${page}: path ${path}`);
  }
  for (const [, script = ''] of text.matchAll(/npm run ([\w:-]+)/g)) {
    if (scripts[script] === undefined) problems.push(`${page}: npm run ${script}`);
  }
}
for (const problem of problems) process.stderr.write(`${problem} does not exist\n`);
process.exit(problems.length === 0 ? 0 : 1);
