import { z } from 'zod';
import { run } from '../lib/main.ts';
import { startSis } from './server.ts';

const env = z
  .object({
    PORT: z.coerce.number().int().min(0).max(65_535).default(4310),
    DATA_DIR: z.string().optional(),
    SANDBOX_SCHOOLS: z.string().optional(),
    SANDBOX_SEED: z.string().optional(),
    SANDBOX_SCHOOL_YEAR: z.coerce.number().int().optional(),
    SANDBOX_SIZE: z.enum(['demo', 'district', 'metropolis']).optional(),
  })
  .parse(process.env);

run('Registra (SIS)', () =>
  startSis({
    port: env.PORT,
    dataDir: env.DATA_DIR,
    schools: env.SANDBOX_SCHOOLS?.split(',').map((slug) => slug.trim()),
    seed: env.SANDBOX_SEED,
    schoolYear: env.SANDBOX_SCHOOL_YEAR,
    size: env.SANDBOX_SIZE,
  }),
);
