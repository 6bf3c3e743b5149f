import { z } from 'zod';
import { run } from '../lib/main.ts';
import { startPuller } from './server.ts';

const env = z
  .object({ PORT: z.coerce.number().int().min(0).max(65_535).default(4313), DATA_DIR: z.string().optional() })
  .parse(process.env);

run('Atrium (LMS that pulls)', () => startPuller({ port: env.PORT, dataDir: env.DATA_DIR }));
