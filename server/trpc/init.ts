import { initTRPC, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import { ZodError, type z } from 'zod';
import { authorise } from '#server/kernel/access.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, type ErrorCode, type SafeDetails, toCrosswalkError } from '#server/kernel/errors.ts';
import { logger } from '#server/kernel/log.ts';
import { invalidInput, type Verb } from '#server/kernel/verb.ts';

interface Meta {
  /** The verb behind a procedure: the enumeration of refusals reads its access from here. */
  verb: Verb['verb'];
}

/** What a page gets of an error: a code to look up in messages/<locale>/errors.json, and safe details. */
export interface WireError {
  code: ErrorCode;
  details: SafeDetails;
  requestId: string | null;
}

const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    transformer: superjson,
    // The one place where an error becomes HTTP: tRPC takes the status from the TRPCError that `guard` throws.
    errorFormatter: ({ shape, error, ctx }) => {
      const ours = error.cause instanceof CrosswalkError ? error.cause : toCrosswalkError(error);
      const crosswalk: WireError = {
        code: error.code === 'NOT_FOUND' && !(error.cause instanceof CrosswalkError) ? 'not-found' : ours.code,
        details: ours.details,
        requestId: ctx?.requestId ?? null,
      };
      return {
        ...shape,
        message: crosswalk.code,
        data: { code: shape.data.code, httpStatus: shape.data.httpStatus, path: shape.data.path, crosswalk },
      };
    },
  });

const trpcCodes: Record<number, TRPCError['code']> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  410: 'PRECONDITION_FAILED',
  422: 'UNPROCESSABLE_CONTENT',
  429: 'TOO_MANY_REQUESTS',
  502: 'BAD_GATEWAY',
  503: 'SERVICE_UNAVAILABLE',
  504: 'GATEWAY_TIMEOUT',
};

/** Authorises before tRPC parses the input, and turns whatever is thrown into the one error shape. */
const guard = (verb: Verb['verb']) =>
  t.middleware(async ({ ctx, getRawInput, next }) => {
    const raw = await getRawInput();
    try {
      await authorise(ctx, verb.access, raw);
    } catch (error) {
      throw asTrpc(error);
    }
    // The verb parses for itself (jobs and seeds call it too), so it gets what came, not what tRPC made of it.
    const result = await next({ ctx: { raw } });
    if (!result.ok && !(result.error.cause instanceof CrosswalkError)) {
      if (result.error.code === 'BAD_REQUEST') {
        const { cause } = result.error;
        throw asTrpc(
          cause instanceof ZodError
            ? invalidInput(cause)
            : new CrosswalkError('invalid-input', { cause, details: { verb: verb.name } }),
        );
      }
      logger.error('verb failed', { verb: verb.name, requestId: ctx.requestId, error: result.error.cause });
      throw asTrpc(new CrosswalkError('internal', { cause: result.error.cause }));
    }
    if (!result.ok) throw asTrpc(result.error.cause);
    return result;
  });

function asTrpc(error: unknown): TRPCError {
  const ours = toCrosswalkError(error);
  return new TRPCError({ code: trpcCodes[ours.http] ?? 'INTERNAL_SERVER_ERROR', message: ours.code, cause: ours });
}

export const router = t.router;
export const createCallerFactory = t.createCallerFactory;

/** A procedure that reads: the verb's input schema and one call. */
export function query<I extends z.ZodType, O>(verb: Verb<I, O>) {
  return t.procedure
    .meta({ verb: verb.verb })
    .use(guard(verb.verb))
    .input(verb.input)
    .query(({ ctx }) => verb.fromWire({ ctx, raw: ctx.raw }));
}

/** A procedure that changes something: the verb's input schema and one call. */
export function mutation<I extends z.ZodType, O>(verb: Verb<I, O>) {
  return t.procedure
    .meta({ verb: verb.verb })
    .use(guard(verb.verb))
    .input(verb.input)
    .mutation(({ ctx }) => verb.fromWire({ ctx, raw: ctx.raw }));
}
