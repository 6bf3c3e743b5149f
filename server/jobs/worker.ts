import { loadEnvironment } from '#server/kernel/env.ts';
import { toCrosswalkError } from '#server/kernel/errors.ts';
import { createLogger } from '#server/kernel/log.ts';
import { productFunctions } from './functions.ts';
import { openJobProcess } from './product-ports.ts';
import { startWorker } from './start-worker.ts';

/** `node server/jobs/worker.ts`: handler, executor and relay in one process, configured by the environment. */

const env = loadEnvironment();
const logger = createLogger({ component: 'worker', level: env.logLevel });

// Drivers throw where nobody can catch it when the database cuts their connections. Whoever supervises starts the worker
// again, and it goes on where it was; what was thrown is not printed, since it may quote what somebody sent.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    logger.fatal('the worker ends and is to be started again', { error });
    process.exit(1);
  });
}

async function main(): Promise<() => Promise<void>> {
  const process = await openJobProcess(env, logger);
  try {
    const worker = await startWorker({
      databaseUrl: process.syncUrl,
      keys: process.keys,
      logger,
      host: env.workerHost,
      port: env.workerPort,
      inngestBaseUrl: env.inngest.baseUrl,
      serveOrigin: env.inngest.serveInWeb ? env.baseUrl : env.inngest.serveOrigin,
      functions: (client) => productFunctions(client, process.ports),
    });
    return async () => {
      await worker.stop();
      await process.close();
    };
  } catch (error) {
    await process.close();
    throw error;
  }
}

const stop = await main().catch((error: unknown) => {
  logger.fatal('the worker does not start', { error: toCrosswalkError(error) });
  process.exit(1);
});

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error('the worker did not stop cleanly', { error });
        process.exit(1);
      },
    );
  });
}
