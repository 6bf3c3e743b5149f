import { v7, validate } from 'uuid';
import { z } from 'zod';

/** A new identifier: UUIDv7 (RFC 9562 §5.7), so that rows sort by the time of their making. */
export function newId(): string {
  return v7();
}

/** Border schema of every id that comes from outside. */
export const idSchema = z.uuid();

export function isId(value: unknown): value is string {
  return typeof value === 'string' && validate(value);
}
