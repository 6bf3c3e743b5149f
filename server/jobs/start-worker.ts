import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { InngestFunction } from 'inngest';
import type { Logger } from '#server/kernel/log.ts';
import { createJobClient, type JobClient } from './client.ts';
import { createEventApi } from './embedded/event-api.ts';
import { type Executor, type ExecutorOptions, pause, startExecutor } from './embedded/executor.ts';
import { createJobsHandler, handlerPath, type JobsHandler } from './handler.ts';
import type { JobKeys } from './keys.ts';
import { embeddedSink, inngestServerSink, pruneOutbox, startRelay } from './relay.ts';
import { signBody } from './signature.ts';
import { openJobsSql } from './sql.ts';
import { takeWorkerLease, type WorkerLease } from './worker-lease.ts';

export interface WorkerOptions {
  /** As `crosswalk_sync`; a connection in session mode (the worker listens and holds a lock). */
  readonly databaseUrl: string;
  readonly keys: JobKeys;
  readonly logger: Logger;
  /** The functions to run, made with the worker's client. */
  readonly functions: (client: JobClient) => readonly InngestFunction.Any[];
  /** 127.0.0.1 unless an Inngest server must reach it from elsewhere. */
  readonly host?: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** An Inngest server that executes the functions; null for the embedded executor. */
  readonly inngestBaseUrl?: string | null;
  /** The origin under which that server reaches this worker; else its own address. */
  readonly serveOrigin?: string | null;
  /** `crosswalk`, but for tests. */
  readonly appId?: string;
  readonly executor?: Pick<ExecutorOptions, 'concurrency' | 'callTimeoutMs' | 'retryBackOff' | 'retention'>;
}

export interface Worker {
  readonly origin: string;
  /** Takes no new work, lets calls under way end, returns the rest to the queue, ends. */
  stop(graceMs?: number): Promise<void>;
}

const heartbeatMs = 2_000;

/**
 * Starts handler, executor (unless an Inngest server is given) and relay in this process.
 *
 * @throws CrosswalkError `misconfigured` if a function has an option that the embedded executor does not support.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { logger, keys } = options;
  const inngestBaseUrl = options.inngestBaseUrl ?? null;
  const concurrency = options.executor?.concurrency ?? 8;
  const sql = openJobsSql(options.databaseUrl, { max: concurrency + 6 });
  const stopping = new AbortController();
  let executor: Executor | null = null;
  let handle: JobsHandler | null = null;
  let lease: WorkerLease | null = null;

  const app = new Hono();
  app.get('/health', (context) =>
    stopping.signal.aborted || handle === null ? context.json({ status: 'down' }, 503) : context.json({ status: 'ok' }),
  );
  app.all(handlerPath, async (context) =>
    handle === null ? context.json({ message: 'starting' }, 503) : await handle(context.req.raw),
  );
  app.post('/e/:key', async (context): Promise<Response> => {
    if (executor === null) return context.json({ ids: [], status: 503, error: 'no-embedded-executor' }, 503);
    return createEventApi(keys.eventKey, executor.receive)(context.req.raw, context.req.param('key'));
  });

  const server = await listen(app, options.host ?? '127.0.0.1', options.port);
  const address = addressOf(server);
  const localOrigin = `http://${reachable(address)}:${address.port}`;
  try {
    const client = createJobClient({ keys, baseUrl: inngestBaseUrl ?? localOrigin, logger, appId: options.appId });
    const serveOrigin = inngestBaseUrl === null ? null : (options.serveOrigin ?? localOrigin);
    handle = createJobsHandler({
      client,
      functions: options.functions(client),
      keys,
      ...(serveOrigin === null ? {} : { serveOrigin }),
    });
    const held = await takeWorkerLease(options.databaseUrl, inngestBaseUrl === null ? 'embedded' : 'inngest');
    lease = held;
    if (inngestBaseUrl === null) {
      executor = await startExecutor({
        ...options.executor,
        sql,
        databaseUrl: options.databaseUrl,
        handlerUrl: new URL(handlerPath, localOrigin).href,
        signingKey: keys.signingKey,
        lease: held,
        logger,
      });
    }
    const sink =
      executor === null ? inngestServerSink(inngestBaseUrl ?? '', keys.eventKey) : embeddedSink(executor.receive);
    const relay = startRelay({ sql, databaseUrl: options.databaseUrl, sink, logger });
    const loops = [
      repeat(heartbeatMs, () => held.beat()),
      repeat(3_600_000, () => pruneOutbox(sql)),
      ...(inngestBaseUrl === null
        ? []
        : [registerUntilDone(handle, new URL(handlerPath, serveOrigin ?? localOrigin).href)]),
    ];
    logger.info('the worker is ready', { port: address.port, mode: inngestBaseUrl === null ? 'embedded' : 'inngest' });

    return {
      origin: localOrigin,
      stop: async (graceMs = 10_000) => {
        stopping.abort();
        await relay.stop();
        await executor?.stop(graceMs);
        await Promise.all(loops);
        await held.end();
        await closeServer(server);
        await sql.end();
      },
    };
  } catch (error) {
    stopping.abort();
    await lease?.end();
    await closeServer(server);
    await sql.end();
    throw error;
  }

  async function repeat(milliseconds: number, work: () => Promise<void>): Promise<void> {
    while (!stopping.signal.aborted) {
      await pause(milliseconds, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        logger.error('the worker could not write its sign of life', { error });
      }
    }
  }

  /** Tells the Inngest server of our functions (an out-of-band sync), signed like a call. */
  async function registerUntilDone(handler: JobsHandler, url: string): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      const response = await handler(
        new Request(url, {
          method: 'PUT',
          headers: { 'x-inngest-signature': signBody(keys.signingKey, '', new Date()) },
        }),
      );
      if (response.ok) return;
      if (failures === 0) logger.error('the Inngest server does not take our functions', { status: response.status });
      await pause(Math.min(30_000, 500 * 2 ** failures), stopping.signal);
    }
  }
}

function listen(app: Hono, host: string, port: number): Promise<Server> {
  const server = createServer(getRequestListener(app.fetch));
  // A call is received within seconds and then may take as long as its step does: only the receiving is bounded.
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.timeout = 0;
  server.keepAliveTimeout = 30_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address : { address: '', family: 'IPv4', port: 0 };
}

/** The host under which this process reaches its own server. */
function reachable({ address, family }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::' || address === '') return '127.0.0.1';
  return family === 'IPv6' ? `[${address}]` : address;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
