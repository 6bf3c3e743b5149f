/** The faults that a sandbox program can be told to show, each one that a real SIS or LMS has been seen to make. */

import { z } from 'zod';

const limits = {
  /** Glob over the path (`*` is any text). Without it the fault meets every request of the program's protocol. */
  path: z.string().min(1).optional(),
  method: z.string().toUpperCase().optional(),
  /** Glob over what the request asks to be done, for protocols that name it in the body (Moodle's functions). */
  operation: z.string().min(1).optional(),
  /** The first matching request that is met, counted from 1. */
  nth: z.int().min(1).optional(),
  /** How often at most. One, if `nth` is given alone; without limit otherwise. */
  times: z.int().min(1).optional(),
};

const retryAfter = z.enum(['seconds', 'http-date', 'rfc3339', 'absent', 'negative', 'garbage']);

/** A fault as it is switched on: its kind, what it needs to know, and which requests it meets. */
export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('latency'), ms: z.int().min(0).max(600_000), ...limits }),
  z.strictObject({ kind: z.literal('reset'), ...limits }),
  z.strictObject({
    kind: z.literal('truncated'),
    /** Share of the body that is sent. */ keep: z.number().min(0).max(1).default(0.5),
    ...limits,
  }),
  z.strictObject({ kind: z.literal('stalled'), ...limits }),
  z.strictObject({
    kind: z.literal('rate-limit'),
    retryAfter: retryAfter.default('seconds'),
    seconds: z.int().min(0).max(86_400).default(1),
    /** 403 is what older Canvas installs and some SIS servers answer. */
    status: z.union([z.literal(429), z.literal(403)]).default(429),
    ...limits,
  }),
  z.strictObject({
    kind: z.literal('server-error'),
    status: z.int().min(500).max(599).default(503),
    retryAfter: retryAfter.default('absent'),
    seconds: z.int().min(0).max(86_400).default(1),
    ...limits,
  }),
  z.strictObject({
    kind: z.literal('html'),
    /** True: the answer says that it is JSON, and is not. */
    lying: z.boolean().default(false),
    ...limits,
  }),
  z.strictObject({ kind: z.literal('duplicate-page'), ...limits }),
  z.strictObject({ kind: z.literal('missing-page'), ...limits }),
  z.strictObject({ kind: z.literal('empty-page'), ...limits }),
  z.strictObject({ kind: z.literal('shuffled-pages'), ...limits }),
  z.strictObject({ kind: z.literal('shuffled-rows'), seed: z.string().default('1'), ...limits }),
  z.strictObject({ kind: z.literal('expired-token'), ...limits }),
  z.strictObject({ kind: z.literal('revoked-token'), ...limits }),
  z.strictObject({
    kind: z.literal('wrong-scope'),
    /** What the token answer says; null leaves `scope` out. */
    scope: z.string().nullable().default(null),
    ...limits,
  }),
  z.strictObject({
    kind: z.literal('clock-skew'),
    /** By how much the Date header is off. */
    seconds: z.int().default(7200),
    /** What a token answer says in `expires_in`, whatever is true. */
    expiresIn: z.int().optional(),
    ...limits,
  }),
  z.strictObject({ kind: z.literal('missing-total'), ...limits }),
  z.strictObject({ kind: z.literal('missing-link'), ...limits }),
  z.strictObject({ kind: z.literal('clamped-limit'), max: z.int().min(1).default(10), ...limits }),
  z.strictObject({ kind: z.literal('relative-hrefs'), ...limits }),
  z.strictObject({ kind: z.literal('foreign-next'), origin: z.url().default('http://127.0.0.2:9'), ...limits }),
  z.strictObject({ kind: z.literal('endless-body'), ...limits }),
  /** Records in the answer have other ids than they have. */
  z.strictObject({ kind: z.literal('another-id'), ...limits }),
  /** A success by its status, an error by its body; nothing was done. For protocols that have such an answer. */
  z.strictObject({ kind: z.literal('error-inside'), ...limits }),
  z.strictObject({
    kind: z.literal('huge-body'),
    bytes: z
      .int()
      .min(1)
      .default(64 * 1024 * 1024),
    ...limits,
  }),
]);

export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;
export type ActiveFault = { id: string; fault: Fault; matched: number; fired: number };

/** The faults of one program. */
export type Faults = {
  /** Switches a fault on and gives its id; throws a ZodError for what is none. */
  add(input: FaultInput): string;
  list(): readonly ActiveFault[];
  remove(id: string): boolean;
  clear(): void;
  /** The faults that meet a request now, in the order in which they were switched on; counts them. */
  take(request: {
    method: string;
    path: string;
    operation: string;
    isProtocol: boolean;
    isToken: boolean;
  }): readonly Fault[];
  /** Whether any fault asks for what a request wants to be done. */
  needsOperation(): boolean;
};

function globOf(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`);
}

/** Which requests a fault without a path concerns: token requests, all others, or both. */
function concerns(kind: Fault['kind'], isToken: boolean): boolean {
  switch (kind) {
    case 'wrong-scope':
      return isToken;
    case 'expired-token':
    case 'revoked-token':
    case 'duplicate-page':
    case 'missing-page':
    case 'empty-page':
    case 'shuffled-pages':
    case 'shuffled-rows':
    case 'missing-total':
    case 'missing-link':
    case 'clamped-limit':
    case 'relative-hrefs':
    case 'foreign-next':
    case 'another-id':
    case 'error-inside':
      return !isToken;
    default:
      return true;
  }
}

/** An empty set of faults. */
export function createFaults(): Faults {
  let active: (ActiveFault & { glob: RegExp | null; operations: RegExp | null })[] = [];
  let next = 1;
  return {
    add: (input) => {
      const fault = faultSchema.parse(input);
      const id = `f${next}`;
      next += 1;
      active.push({
        id,
        fault,
        matched: 0,
        fired: 0,
        glob: fault.path === undefined ? null : globOf(fault.path),
        operations: fault.operation === undefined ? null : globOf(fault.operation),
      });
      return id;
    },
    list: () => active.map(({ id, fault, matched, fired }) => ({ id, fault, matched, fired })),
    remove: (id) => {
      const before = active.length;
      active = active.filter((entry) => entry.id !== id);
      return active.length < before;
    },
    clear: () => {
      active = [];
    },
    needsOperation: () => active.some(({ operations }) => operations !== null),
    take: ({ method, path, operation, isProtocol, isToken }) => {
      const met: Fault[] = [];
      for (const entry of active) {
        const { fault, glob, operations } = entry;
        if (glob === null ? !isProtocol || !concerns(fault.kind, isToken) : !glob.test(path)) continue;
        if (fault.method !== undefined && fault.method !== method) continue;
        if (operations !== null && !operations.test(operation)) continue;
        entry.matched += 1;
        const times = fault.times ?? (fault.nth === undefined ? Number.POSITIVE_INFINITY : 1);
        if (entry.matched < (fault.nth ?? 1) || entry.fired >= times) continue;
        entry.fired += 1;
        met.push(fault);
      }
      return met;
    },
  };
}

/** A Retry-After header in one of the forms that servers send; RFC 9110 §10.2.3 knows the first two. */
export function retryAfterHeader(
  form: z.output<typeof retryAfter>,
  seconds: number,
  now: number,
): Record<string, string> {
  const at = new Date(now + seconds * 1000);
  switch (form) {
    case 'seconds':
      return { 'retry-after': String(seconds) };
    case 'http-date':
      return { 'retry-after': at.toUTCString() };
    case 'rfc3339':
      return { 'retry-after': at.toISOString() };
    case 'absent':
      return {};
    case 'negative':
      return { 'retry-after': '-5' };
    case 'garbage':
      return { 'retry-after': 'soon' };
    default:
      return form satisfies never;
  }
}
