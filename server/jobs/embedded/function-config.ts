import { Cron } from 'croner';
import { z } from 'zod';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { type Condition, type Operand, parseCondition, parseKey } from './expression.ts';
import { parseDuration } from './time.ts';

export interface EventTrigger {
  readonly event: string;
  readonly condition: Condition | null;
}

export interface ConcurrencyLimit {
  readonly limit: number;
  readonly key: Operand | null;
  /** What the key's value is unique within: this function, or all functions with the same key expression. */
  readonly prefix: string;
}

/** A function as the executor runs it, every option understood. */
export interface JobFunction {
  readonly id: string;
  readonly name: string;
  readonly events: readonly EventTrigger[];
  readonly crons: readonly string[];
  /** Attempts in all: the first and the retries. */
  readonly maxAttempts: number;
  readonly concurrency: readonly ConcurrencyLimit[];
  readonly idempotency: Operand | null;
  readonly singleton: { readonly key: Operand | null; readonly mode: 'skip' | 'cancel' } | null;
  readonly cancelOn: readonly {
    readonly event: string;
    readonly condition: Condition | null;
    readonly withinMs: number | null;
  }[];
  readonly startTimeoutMs: number | null;
  readonly finishTimeoutMs: number | null;
}

const refuse = (functionId: string, option: string): never => {
  throw new CrosswalkError('misconfigured', {
    details: { problem: 'job-option-unsupported', function: functionId, option },
  });
};

const concurrencySchema = z.strictObject({
  limit: z.int().min(0),
  key: z.string().optional(),
  scope: z.enum(['fn', 'env', 'account']).optional(),
});

/** The allow-list: an option that is not here is not supported, and an unsupported option is refused, never ignored. */
const configSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  triggers: z
    .array(
      z.union([
        z.strictObject({ event: z.string(), expression: z.string().optional() }),
        z.strictObject({ cron: z.string() }),
      ]),
    )
    .max(10),
  steps: z.strictObject({
    step: z.strictObject({
      id: z.literal('step'),
      name: z.literal('step'),
      runtime: z.strictObject({ type: z.literal('http'), url: z.string() }),
      retries: z.strictObject({ attempts: z.int().min(0).max(20) }),
    }),
  }),
  concurrency: z.union([z.int().min(0), concurrencySchema, z.array(concurrencySchema).max(2)]).optional(),
  idempotency: z.string().optional(),
  singleton: z.strictObject({ key: z.string().optional(), mode: z.enum(['skip', 'cancel']) }).optional(),
  cancel: z
    .array(z.strictObject({ event: z.string(), if: z.string().optional(), timeout: z.string().optional() }))
    .max(5)
    .optional(),
  timeouts: z.strictObject({ start: z.string().optional(), finish: z.string().optional() }).optional(),
});

/**
 * Reads one element of the registration's `functions` (SDK protocol §3).
 *
 * @throws CrosswalkError `misconfigured` (problem `job-option-unsupported`, with the function and the option) where
 * anything in it is unknown to the executor, among them functions without explicit `retries`.
 */
export function readFunctionConfig(raw: Readonly<Record<string, unknown>>): JobFunction {
  const id = typeof raw.id === 'string' ? raw.id : 'unknown';
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const unknownKeys = issue?.code === 'unrecognized_keys' ? issue.keys : [];
    return refuse(id, [...(issue?.path ?? []), ...unknownKeys].join('.'));
  }
  const config = parsed.data;

  const condition = (text: string | undefined, option: string): Condition | null =>
    text === undefined ? null : (parseCondition(text) ?? refuse(id, option));
  const key = (text: string | undefined, option: string): Operand | null =>
    text === undefined ? null : (parseKey(text) ?? refuse(id, option));
  const duration = (text: string | undefined, option: string): number | null =>
    text === undefined ? null : (parseDuration(text) ?? refuse(id, option));

  const events: EventTrigger[] = [];
  const crons: string[] = [];
  for (const trigger of config.triggers) {
    if ('cron' in trigger) {
      if (nextCronTime(trigger.cron, new Date()) === null) refuse(id, 'triggers.cron');
      crons.push(trigger.cron);
    } else {
      if (trigger.event.includes('*')) refuse(id, 'triggers.event');
      events.push({ event: trigger.event, condition: condition(trigger.expression, 'triggers.if') });
    }
  }

  const limits = typeof config.concurrency === 'number' ? [{ limit: config.concurrency }] : (config.concurrency ?? []);
  const concurrency = z
    .array(concurrencySchema)
    .parse(Array.isArray(limits) ? limits : [limits])
    .filter(({ limit }) => limit > 0)
    .map(({ limit, key: text, scope }): ConcurrencyLimit => {
      const own = scope === undefined || scope === 'fn';
      if (!own && text === undefined) refuse(id, 'concurrency.scope');
      return { limit, key: key(text, 'concurrency.key'), prefix: `${own ? `fn:${id}` : 'env'}:${text ?? ''}` };
    });

  return {
    id,
    name: config.name,
    events,
    crons,
    maxAttempts: config.steps.step.retries.attempts + 1,
    concurrency,
    idempotency: key(config.idempotency, 'idempotency'),
    singleton:
      config.singleton === undefined
        ? null
        : { key: key(config.singleton.key, 'singleton.key'), mode: config.singleton.mode },
    cancelOn: (config.cancel ?? []).map((cancel) => ({
      event: cancel.event,
      condition: condition(cancel.if, 'cancelOn.if'),
      withinMs: duration(cancel.timeout, 'cancelOn.timeout'),
    })),
    startTimeoutMs: duration(config.timeouts?.start, 'timeouts.start'),
    finishTimeoutMs: duration(config.timeouts?.finish, 'timeouts.finish'),
  };
}

/** The next time after `after` of a five-field cron expression with an optional `TZ=Area/City ` prefix (else UTC), or null if it is not one. */
export function nextCronTime(expression: string, after: Date): Date | null {
  const match = /^(?:TZ=(\S+)\s+)?(\S+(?:\s+\S+){4})$/.exec(expression.trim());
  if (match === null) return null;
  try {
    return new Cron(match[2] ?? '', { timezone: match[1] ?? 'UTC', paused: true }).nextRun(after);
  } catch {
    return null;
  }
}
