/**
 * `node sandbox/sis/write-pages.ts --size district --out folder [--origin http://127.0.0.1:4390] [--changed 1] [--removed 0]
 * [--delta] [--school lindenhof] [--seed 1] [--sites 3]`: writes the folder that `serve-pages.ts` serves, and prints one line
 * of JSON with the rows of each collection.
 */

import { parseArgs } from 'node:util';
import { z } from 'zod';
import { schoolOf } from '../generator/school.ts';
import { prerender } from './prerendered.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    origin: { type: 'string' },
    size: { type: 'string', default: 'demo' },
    school: { type: 'string', default: 'lindenhof' },
    seed: { type: 'string', default: '1' },
    sites: { type: 'string' },
    changed: { type: 'string' },
    removed: { type: 'string', default: '0' },
    delta: { type: 'boolean', default: false },
  },
});

const percent = z.coerce.number().min(0).max(100);
const wanted = z
  .object({
    out: z.string().min(1),
    origin: z.url().optional(),
    size: z.enum(['demo', 'district', 'metropolis']),
    school: z.string().min(1),
    seed: z.string(),
    sites: z.coerce.number().int().min(1).optional(),
    changed: percent.optional(),
    removed: percent,
    delta: z.boolean(),
  })
  .refine(({ delta, changed }) => !delta || changed !== undefined, '--delta needs --changed')
  .parse(values);

const begun = performance.now();
const rows = prerender(wanted.out, {
  school: schoolOf({
    slug: wanted.school,
    seed: wanted.seed,
    size: wanted.size,
    ...(wanted.sites === undefined ? {} : { sites: wanted.sites }),
  }),
  delta: wanted.delta,
  ...(wanted.origin === undefined ? {} : { origin: wanted.origin }),
  ...(wanted.changed === undefined ? {} : { changes: { percent: wanted.changed, removedPercent: wanted.removed } }),
});
const summary = {
  folder: wanted.out,
  rows,
  seconds: Number(((performance.now() - begun) / 1000).toFixed(1)),
  peakRssMib: Math.round(process.resourceUsage().maxRSS / 1024),
};
process.stdout.write(`${JSON.stringify(summary)}\n`);
