import { z } from 'zod';

/** What the SDK answers to an in-band sync (SDK protocol §3): only what the executor reads. */
export const registrationSchema = z.object({
  app_id: z.string(),
  sdk: z.string(),
  functions: z.array(z.record(z.string(), z.unknown())),
});

const errorSchema = z.object({
  name: z.string().default('Error'),
  message: z.string().default(''),
  stack: z.string().optional(),
});
export type StepErrorShape = z.infer<typeof errorSchema>;

/** One op of a 206 answer (SDK protocol §6). */
export const opSchema = z.object({
  id: z.string().min(1).max(200),
  op: z.string(),
  name: z.string().nullish(),
  data: z.unknown().optional(),
  error: z.unknown().optional(),
  opts: z.record(z.string(), z.unknown()).nullish(),
});
export type Op = z.infer<typeof opSchema>;

export const waitOptsSchema = z.object({ timeout: z.string(), if: z.string().optional() });
export const invokeOptsSchema = z.object({
  function_id: z.string(),
  payload: z.object({ data: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  timeout: z.string().nullish(),
});

/** The error of an op or of a failed call, whatever shape it has. */
export function readError(value: unknown): StepErrorShape {
  const parsed = errorSchema.safeParse(value);
  return parsed.success ? parsed.data : { name: 'Error', message: 'internal' };
}

/** An event as the event API takes it (SDK protocol §8). */
export const incomingEventSchema = z.object({
  name: z.string().min(1).max(512),
  data: z.record(z.string(), z.unknown()).default({}),
  id: z.string().min(1).max(512).nullish(),
  ts: z.number().nonnegative().max(8_640_000_000_000_000).nullish(),
});

/** An event that rests in `jobs.event`. */
export interface StoredEvent {
  readonly id: string;
  readonly name: string;
  readonly data: Record<string, unknown>;
  readonly ts: Date;
}

/** The event as a function sees it. */
export const eventForSdk = (event: StoredEvent) => ({
  id: event.id,
  name: event.name,
  data: event.data,
  ts: event.ts.getTime(),
});

export const internalEvents = {
  failed: 'inngest/function.failed',
  finished: 'inngest/function.finished',
  cancelled: 'inngest/function.cancelled',
  invoked: 'inngest/function.invoked',
  timer: 'inngest/scheduled.timer',
} as const;
