import { loadEnvironment } from '#server/kernel/env.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { createLogger } from '#server/kernel/log.ts';
import { createJobClient } from './client.ts';
import { productFunctions } from './functions.ts';
import { createJobsHandler, type JobsHandler } from './handler.ts';
import { openJobProcess } from './product-ports.ts';

let opened: Promise<JobsHandler | null> | undefined;

/**
 * The handler for the web process, behind the same check of signatures as in the worker. Null unless
 * INNGEST_SERVE_IN_WEB=1 and an Inngest server is given: only that is for hosting without a worker's port.
 */
export function webJobsHandler(): Promise<JobsHandler | null> {
  opened ??= open().catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

async function open(): Promise<JobsHandler | null> {
  const env = loadEnvironment();
  if (!env.inngest.serveInWeb) return null;
  if (env.inngest.baseUrl === null) {
    throw new CrosswalkError('misconfigured', { details: { problem: 'serve-in-web-needs-inngest-server' } });
  }
  const logger = createLogger({ component: 'web', level: env.logLevel });
  const { keys, ports } = await openJobProcess(env, logger);
  const client = createJobClient({ keys, baseUrl: env.inngest.baseUrl, logger });
  return createJobsHandler({ client, functions: productFunctions(client, ports), keys, serveOrigin: env.baseUrl });
}
