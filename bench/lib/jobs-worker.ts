import { z } from 'zod';
import { startWorker } from '#server/jobs/start-worker.ts';
import { createLogger } from '#server/kernel/log.ts';

/** The worker that `npm run bench -- jobs` measures: the real one, with functions that do nothing. */
const settings = z
  .object({ BENCH_DATABASE_URL: z.string(), BENCH_SIGNING_KEY: z.string(), BENCH_EVENT_KEY: z.string() })
  .parse(process.env);

const worker = await startWorker({
  appId: 'bench',
  databaseUrl: settings.BENCH_DATABASE_URL,
  keys: { signingKey: settings.BENCH_SIGNING_KEY, signingKeyFallback: null, eventKey: settings.BENCH_EVENT_KEY },
  logger: createLogger({ component: 'bench', level: 'error' }),
  port: 0,
  functions: (client) => [
    client.createFunction({ id: 'ten-steps', triggers: [{ event: 'bench/ten' }], retries: 0 }, async ({ step }) => {
      for (let number = 0; number < 10; number++) await step.run(`step-${number}`, () => number);
    }),
    client.createFunction({ id: 'one-step', triggers: [{ event: 'bench/one' }], retries: 0 }, async ({ step }) => {
      await step.run('step', () => 1);
    }),
  ],
});
process.once('SIGTERM', () => void worker.stop(1_000).then(() => process.exit(0)));
process.stdout.write(`ready ${worker.origin}\n`);
