import { Middleware, NonRetriableError, RetryAfterError, StepError } from 'inngest';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import type { Logger } from '#server/kernel/log.ts';
import { isErrorCode } from './error-codes.ts';

function withoutStack<E extends Error>(error: E): E {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

/**
 * An error as it may leave a function: a code of the house and nothing else, since it rests in the run's state and in an
 * Inngest server's history. Its disposition decides whether it is tried again.
 */
export function portableError(error: unknown): Error {
  if (error instanceof StepError) return error;
  if (isCrosswalkError(error)) {
    if (error.disposition !== 'retry') return withoutStack(new NonRetriableError(error.code));
    const seconds = error.retryAfterSeconds;
    return withoutStack(seconds === null ? new Error(error.code) : new RetryAfterError(error.code, seconds * 1_000));
  }
  const given = error instanceof Error && isErrorCode(error.message) ? error.message : 'internal';
  if (error instanceof NonRetriableError) return withoutStack(new NonRetriableError(given));
  if (error instanceof RetryAfterError)
    return withoutStack(new RetryAfterError(given, new Date(Date.now() + retryAfterMs(error))));
  return withoutStack(new Error(given));
}

function retryAfterMs(error: RetryAfterError): number {
  const seconds = Number(error.retryAfter);
  return Number.isFinite(seconds) ? seconds * 1_000 : Math.max(0, Date.parse(error.retryAfter) - Date.now());
}

/** Maps what steps and functions throw, in one place for all of them, and logs where it arose. */
export function errorMiddleware(logger: Logger): Middleware.Class {
  return class PortableErrors extends Middleware.BaseMiddleware {
    readonly id = 'portable-errors';

    override async wrapStepHandler({ next, fn, ctx, stepInfo }: Middleware.WrapStepHandlerArgs): Promise<unknown> {
      try {
        return await next();
      } catch (error) {
        logger.warn('a step failed', { job: fn.id(), runId: ctx.runId, step: stepInfo.options.id, error });
        throw portableError(error);
      }
    }

    override async wrapFunctionHandler({ next, fn, ctx }: Middleware.WrapFunctionHandlerArgs): Promise<unknown> {
      try {
        return await next();
      } catch (error) {
        if (!(error instanceof StepError)) logger.warn('a job failed', { job: fn.id(), runId: ctx.runId, error });
        throw portableError(error);
      }
    }
  };
}
