import { z } from 'zod';
import { run } from '../lib/main.ts';
import { startCanvas } from './server.ts';

const env = z
  .object({
    PORT: z.coerce.number().int().min(0).max(65_535).default(4311),
    DATA_DIR: z.string().optional(),
    SANDBOX_SCHOOL: z.string().optional(),
    SANDBOX_SEED: z.string().optional(),
    SANDBOX_SCHOOL_YEAR: z.coerce.number().int().optional(),
    SANDBOX_REDIRECT_URIS: z.string().optional(),
    SANDBOX_FILLED_BY: z.enum(['sis', 'hand', 'nobody']).optional(),
  })
  .parse(process.env);

run('Canvas-shaped LMS', () =>
  startCanvas({
    port: env.PORT,
    dataDir: env.DATA_DIR,
    school: env.SANDBOX_SCHOOL,
    seed: env.SANDBOX_SEED,
    schoolYear: env.SANDBOX_SCHOOL_YEAR,
    filledBy: env.SANDBOX_FILLED_BY,
    redirectUris: env.SANDBOX_REDIRECT_URIS?.split(',').map((uri) => uri.trim()),
  }),
);
