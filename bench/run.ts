import { existsSync, readdirSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { Bench } from './lib/bench.ts';

/** The one door to benchmarks: `npm run bench -- <name> [--json]`. One file of this folder is one bench. */

const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -3));

const [name] = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const file = new URL(`./${name ?? ''}.ts`, import.meta.url);
if (name === undefined || !names.includes(name) || !existsSync(file)) {
  process.stderr.write(`Usage: npm run bench -- <${names.join(' | ')}> [--json]\n`);
  process.exit(2);
}

const isBench = (value: unknown): value is Bench =>
  typeof value === 'object' && value !== null && 'about' in value && 'run' in value;
const { bench } = z.object({ bench: z.custom<Bench>(isBench) }).parse(await import(file.href));

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    ...Object.fromEntries(Object.keys(bench.options ?? {}).map((key) => [key, { type: 'string' as const }])),
  },
  allowPositionals: true,
});
const options = Object.fromEntries(
  Object.entries(bench.options ?? {}).map(([key, byDefault]) => {
    const given = Object.entries(values).find(([option]) => option === key)?.[1];
    return [key, typeof given === 'string' ? given : byDefault];
  }),
);
const say = (line: string) => process.stderr.write(`${line}\n`);
say(bench.about);
const results = await bench.run(say, options);
if (!values.json)
  for (const [key, value] of Object.entries(results)) process.stdout.write(`${key.padEnd(28)} ${value}\n`);
else {
  const machine = { cpus: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version };
  process.stdout.write(`${JSON.stringify({ bench: name, at: new Date().toISOString(), machine, ...results })}\n`);
}
