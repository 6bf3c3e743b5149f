import { Middleware, NonRetriableError, RetryAfterError, StepError } from 'inngest';
import type { Logger } from 'pino';
import { z } from 'zod';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { isErrorCode } from './error-codes.ts';

const errorFacts = z.object({ name: z.string(), code: z.string().optional(), stack: z.string().optional() });

/** What of a thrown value may stand in a log: its kind, its code and where it arose, never its text. */
export function safeCause(error: unknown): { name: string; code: string | null; at: string[] } {
  const facts = errorFacts.safeParse(error);
  if (!facts.success) return { name: typeof error, code: null, at: [] };
  const frames = (facts.data.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    name: facts.data.name,
    code: isCrosswalkError(error) ? error.code : (facts.data.code ?? null),
    at: frames.slice(0, 8).map((line) => line.trim()),
  };
}

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
        logger.warn(
          { job: fn.id(), run: ctx.runId, step: stepInfo.options.id, cause: safeCause(error) },
          'a step failed',
        );
        throw portableError(error);
      }
    }

    override async wrapFunctionHandler({ next, fn, ctx }: Middleware.WrapFunctionHandlerArgs): Promise<unknown> {
      try {
        return await next();
      } catch (error) {
        logger.warn({ job: fn.id(), run: ctx.runId, cause: safeCause(error) }, 'a job failed');
        throw portableError(error);
      }
    }
  };
}
