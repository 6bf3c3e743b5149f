import { EventType, Inngest } from 'inngest';
import { type EventName, eventSchemas } from '#server/kernel/events.ts';
import type { Logger } from '#server/kernel/log.ts';
import { errorMiddleware } from './job-errors.ts';
import type { JobKeys } from './keys.ts';

export interface ClientOptions {
  readonly keys: JobKeys;
  /** The Inngest server, or the worker itself where the embedded executor runs: both take events at `/e/<key>`. */
  readonly baseUrl: string;
  readonly logger: Logger;
  /** `crosswalk`; the conformance suite registers under a name of its own. */
  readonly appId?: string;
}

/** How long sending an event may take; undici's default would be 300 s. */
const sendTimeoutMs = 10_000;

/**
 * The Inngest client. Never in dev mode, which would run unsigned calls, and never checkpointing, so that a step counts as
 * done when the executor has it and not before.
 */
export function createJobClient({ keys, baseUrl, logger, appId }: ClientOptions) {
  return new Inngest({
    id: appId ?? 'crosswalk',
    isDev: false,
    checkpointing: false,
    baseUrl,
    eventKey: keys.eventKey,
    signingKey: keys.signingKey,
    ...(keys.signingKeyFallback === null ? {} : { signingKeyFallback: keys.signingKeyFallback }),
    fetch: (input: RequestInfo | URL, init?: RequestInit) =>
      fetch(input, { ...init, signal: AbortSignal.timeout(sendTimeoutMs) }),
    logger: sdkLogger(logger),
    middleware: [errorMiddleware(logger)],
  });
}

/**
 * The SDK's own words are kept out of the log, since they quote what was thrown; what a step threw is logged by
 * job-errors.ts. What is left are the SDK's complaints about itself.
 */
function sdkLogger(logger: Logger) {
  const errorIn = (given: unknown): unknown =>
    typeof given === 'object' && given !== null && 'err' in given ? given.err : undefined;
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (first: unknown) => logger.debug('the SDK warns', { error: errorIn(first) }),
    error: (first: unknown) => logger.debug('the SDK reports an error', { error: errorIn(first) }),
  };
}

export type JobClient = ReturnType<typeof createJobClient>;

/** The trigger of an event of the house, with its schema: `triggers: [on('mail/requested')]`. */
export function on<N extends EventName>(name: N): EventType<N, (typeof eventSchemas)[N]> {
  return new EventType({ name, schema: eventSchemas[name] });
}
