import { keyValue, type Scope } from './expression.ts';
import type { JobFunction } from './function-config.ts';

/** The functions that the handler registered. */
export interface Registry {
  readonly functions: ReadonlyMap<string, JobFunction>;
  /** True if a function is triggered by events of this name. */
  listens(eventName: string): boolean;
}

export function makeRegistry(functions: readonly JobFunction[]): Registry {
  const names = new Set(functions.flatMap((fn) => fn.events.map((trigger) => trigger.event)));
  return { functions: new Map(functions.map((fn) => [fn.id, fn])), listens: (name) => names.has(name) };
}

/** The concurrency keys of a run with their limits, sorted, so that whoever locks several does so in one order. */
export function slotLimits(fn: JobFunction, scope: Scope): { key: string; limit: number }[] {
  return fn.concurrency
    .map(({ key, limit, prefix }) => ({ key: `${prefix}:${key === null ? '' : keyValue(key, scope)}`, limit }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}
