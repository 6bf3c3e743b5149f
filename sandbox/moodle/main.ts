import { z } from 'zod';
import { run } from '../lib/main.ts';
import { startMoodle } from './server.ts';

const env = z
  .object({
    PORT: z.coerce.number().int().min(0).max(65_535).default(4312),
    DATA_DIR: z.string().optional(),
    SANDBOX_SCHOOL: z.string().optional(),
    SANDBOX_SEED: z.string().optional(),
    SANDBOX_SCHOOL_YEAR: z.coerce.number().int().optional(),
  })
  .parse(process.env);

run('Moodle-shaped LMS', () =>
  startMoodle({
    port: env.PORT,
    dataDir: env.DATA_DIR,
    school: env.SANDBOX_SCHOOL,
    seed: env.SANDBOX_SEED,
    schoolYear: env.SANDBOX_SCHOOL_YEAR,
  }),
);
