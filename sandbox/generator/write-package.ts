/**
 * `node sandbox/generator/write-package.ts --size metropolis --version 1.2 --out file.zip [--changed 1] [--removed 0.1] [--delta]
 * [--school lindenhof] [--seed 1] [--year 2026] [--sites 3] [--guardians] [--demographics]`: writes a OneRoster CSV package
 * and prints one line of JSON with the rows of each file.
 */

import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { writeCsvPackage } from './csv-package.ts';
import { schoolOf } from './school.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    out: { type: 'string' },
    version: { type: 'string', default: '1.2' },
    size: { type: 'string', default: 'demo' },
    school: { type: 'string', default: 'lindenhof' },
    seed: { type: 'string', default: '1' },
    year: { type: 'string', default: '2026' },
    sites: { type: 'string' },
    changed: { type: 'string' },
    removed: { type: 'string', default: '0' },
    delta: { type: 'boolean', default: false },
    guardians: { type: 'boolean' },
    demographics: { type: 'boolean' },
  },
});

const percent = z.coerce.number().min(0).max(100);
const wanted = z
  .object({
    out: z.string().min(1),
    version: z.enum(['1.1', '1.2']),
    size: z.enum(['demo', 'district', 'metropolis']),
    school: z.string().min(1),
    seed: z.string(),
    year: z.coerce.number().int(),
    sites: z.coerce.number().int().min(1).optional(),
    changed: percent.optional(),
    removed: percent,
    delta: z.boolean(),
    guardians: z.boolean().optional(),
    demographics: z.boolean().optional(),
  })
  .refine(({ delta, changed }) => !delta || changed !== undefined, '--delta needs --changed')
  .parse(values);

const begun = performance.now();
const rows = await writeCsvPackage(wanted.out, {
  school: schoolOf({
    slug: wanted.school,
    seed: wanted.seed,
    schoolYear: wanted.year,
    size: wanted.size,
    ...(wanted.sites === undefined ? {} : { sites: wanted.sites }),
  }),
  version: wanted.version,
  part: wanted.delta ? 'changed' : 'all',
  ...(wanted.changed === undefined ? {} : { changes: { percent: wanted.changed, removedPercent: wanted.removed } }),
  ...(wanted.guardians === undefined ? {} : { guardians: wanted.guardians }),
  ...(wanted.demographics === undefined ? {} : { demographics: wanted.demographics }),
});
const summary = {
  file: wanted.out,
  bytes: statSync(wanted.out).size,
  rows,
  seconds: Number(((performance.now() - begun) / 1000).toFixed(1)),
  peakRssMib: Math.round(process.resourceUsage().maxRSS / 1024),
};
process.stdout.write(`${JSON.stringify(summary)}\n`);
