import { EventEmitter } from 'node:events';
import { Logger as QueueLogger, type Runner, run as runQueue, type TaskList, type WorkerEvents } from 'graphile-worker';
import { z } from 'zod';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Logger } from '#server/kernel/log.ts';
import { endPool, type JobsSql, openPool } from '../sql.ts';
import type { WorkerLease } from '../worker-lease.ts';
import { askRegistration, connectHandler } from './call.ts';
import { registerCrons, runDueCrons } from './crons.ts';
import { readFunctionConfig } from './function-config.ts';
import { defaultRetention, pruneRuns, type Retention } from './prune.ts';
import { handleCausedEvent, receiveEvent } from './receive-event.ts';
import { recoverDeadWorkers, requeueForgottenCalls } from './recover.ts';
import { makeRegistry, type Registry } from './registry.ts';
import { cancelRun, resumeStep } from './resume.ts';
import { type ExecutorState, runItem } from './run-item.ts';
import type { BackOff } from './time.ts';
import { registrationSchema, type StoredEvent } from './wire.ts';

export interface ExecutorOptions {
  /** As `crosswalk_sync`, with a connection to spare per concurrent call; see `openJobsSql`. */
  readonly sql: JobsSql;
  /** The same login, for graphile-worker's own pool; session mode (it listens). */
  readonly databaseUrl: string;
  /** Where the handler is mounted, e.g. `http://127.0.0.1:3001/api/inngest`. */
  readonly handlerUrl: string;
  readonly signingKey: string;
  readonly lease: WorkerLease;
  readonly logger: Logger;
  /** Calls under way at once; 8. */
  readonly concurrency?: number;
  /** How long one call may take before it counts as interrupted; 15 minutes. */
  readonly callTimeoutMs?: number;
  /** Wait before the first retry, doubled for each further one; 5 s up to an hour. */
  readonly retryBackOff?: BackOff;
  readonly retention?: Retention;
}

export interface Executor {
  readonly registry: Registry;
  /** Stores an event and starts what it triggers, in one transaction; false if its id was known. */
  receive(event: StoredEvent): Promise<boolean>;
  /** Takes no new work, gives calls under way `graceMs` to end, and returns the rest to the queue. */
  stop(graceMs: number): Promise<void>;
}

const callTask = z.object({ item: z.number() });
const eventTask = z.object({ event: z.string() });
const resumeTask = z.object({
  run: z.string(),
  step: z.string(),
  by: z.enum(['event', 'run', 'timer']),
  id: z.string().nullable(),
});
const cancelTask = z.object({
  run: z.string(),
  code: z.enum(['cancelled-by-event', 'replaced', 'start-timed-out', 'finish-timed-out']),
});

/**
 * Learns the functions from the handler, refuses to start with one that has an option it does not support, and runs them
 * until it is stopped. Several may run over one database.
 *
 * @throws CrosswalkError `jobs-down` if the handler does not answer, `misconfigured` for an unsupported option.
 */
export async function startExecutor(options: ExecutorOptions): Promise<Executor> {
  const { sql, lease, logger } = options;
  const concurrency = options.concurrency ?? 8;
  const handler = connectHandler(options.handlerUrl, options.signingKey, options.callTimeoutMs ?? 900_000, concurrency);
  const registration = registrationSchema.safeParse(await askRegistration(handler));
  if (!registration.success) throw new CrosswalkError('jobs-down', { details: { problem: 'handler-does-not-answer' } });
  const registry = makeRegistry(registration.data.functions.map(readFunctionConfig));
  await registerCrons(sql, registry, new Date());

  const stopping = new AbortController();
  const aborted = new AbortController();
  const state: ExecutorState = {
    workerId: lease.workerId,
    registry,
    handler,
    retryBackOff: options.retryBackOff ?? { baseMs: 5_000, maxMs: 3_600_000 },
    inFlight: new Map(),
    transaction: (run) => sql.begin(run),
  };

  /** What fails here is the database; the queue tries again, and keeps a word that holds no one's data. */
  const task = (work: (payload: unknown) => Promise<void>) => async (payload: unknown) => {
    try {
      await work(payload);
    } catch (error) {
      logger.warn('the executor tries a job of its queue again', { error });
      throw new Error('job-of-queue-failed');
    }
  };
  const tasks: TaskList = {
    'jobs-call': task((payload) => runItem(state, callTask.parse(payload).item, aborted.signal)),
    'jobs-event': task((payload) =>
      state.transaction((tx) => handleCausedEvent(tx, registry, eventTask.parse(payload).event)),
    ),
    'jobs-resume': task((payload) => state.transaction((tx) => resumeStep(tx, registry, resumeTask.parse(payload)))),
    'jobs-cancel': task((payload) => {
      const { run, code } = cancelTask.parse(payload);
      return state.transaction((tx) => cancelRun(tx, registry, run, code));
    }),
  };

  // Ours and not the queue's own, whose connections end the process if they are cut while it shuts down.
  const pool = openPool(options.databaseUrl, { max: concurrency + 2, name: 'crosswalk worker queue' });
  // First, so that the queue finds their work at its first look.
  await recoverDeadWorkers(sql, lease.workerId);
  let queue = await startQueue();
  const watched = watchQueue();
  const ticks = [
    every(1_000, 'recover', () => recoverDeadWorkers(sql, lease.workerId)),
    every(30_000, 'requeue', async () => {
      const forgotten = await requeueForgottenCalls(sql);
      if (forgotten > 0) logger.warn('calls without a job were put on the queue again', { count: forgotten });
    }),
    every(3_600_000, 'prune', () => pruneRuns(sql, options.retention ?? defaultRetention)),
    scheduleCrons(),
  ];

  /** Starts graphile-worker and writes down in whose name it will lock before it locks anything for long. */
  async function startQueue(): Promise<Runner> {
    const names: string[] = [];
    const events: WorkerEvents = new EventEmitter();
    events.on('pool:create', ({ workerPool }) => names.push(workerPool.id));
    events.on('worker:create', ({ worker }) => names.push(worker.workerId));
    const runner = await runQueue({
      pgPool: pool,
      concurrency,
      pollInterval: 1_000,
      noHandleSignals: true,
      taskList: tasks,
      events,
      logger: new QueueLogger(() => (level, _message, meta) => {
        if (level === 'error') logger.warn('the queue reports an error', { error: meta?.error });
      }),
    });
    await lease.nameQueueWorkers(names);
    return runner;
  }

  /** An outage of the database ends graphile-worker; the executor starts it again until it is stopped itself. */
  async function watchQueue(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await queue.promise;
      } catch (error) {
        logger.error('the queue ended', { error });
      }
      while (!stopping.signal.aborted) {
        await pause(1_000, stopping.signal);
        try {
          if (!stopping.signal.aborted) queue = await startQueue();
          break;
        } catch (error) {
          logger.error('the queue does not start', { error });
        }
      }
    }
  }

  async function every(milliseconds: number, name: string, work: () => Promise<void>): Promise<void> {
    while (!stopping.signal.aborted) {
      await pause(milliseconds, stopping.signal);
      if (!stopping.signal.aborted) await attempt(name, work);
    }
  }

  async function scheduleCrons(): Promise<void> {
    while (!stopping.signal.aborted) {
      let next = new Date(Date.now() + 1_000);
      await attempt('crons', async () => {
        next = await runDueCrons(sql, registry, new Date());
      });
      await pause(Math.min(15_000, Math.max(50, next.getTime() - Date.now())), stopping.signal);
    }
  }

  async function attempt(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      logger.error('the executor could not do its housekeeping', { action: name, error });
    }
  }

  return {
    registry,
    receive: (event) => state.transaction((tx) => receiveEvent(tx, registry, event)),
    stop: async (graceMs) => {
      stopping.abort();
      const timer = setTimeout(() => aborted.abort(), graceMs);
      // What is aborted answers as interrupted, and is put on the queue again by the same transaction as any other.
      await queue.stop();
      clearTimeout(timer);
      await Promise.all([watched, ...ticks]);
      await endPool(pool);
      await handler.agent.close();
    },
  };
}

/** Waits, but not beyond an abort. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
