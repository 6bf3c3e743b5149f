import type { Context } from 'hono';
import type { Env } from './server.ts';

/** The fields of a posted form or query-like body; every name with all its values. Anything but a form gives no fields. */
export async function formOf(c: Context<Env>): Promise<URLSearchParams> {
  const type = c.req.header('content-type') ?? '';
  if (!type.toLowerCase().startsWith('application/x-www-form-urlencoded')) return new URLSearchParams();
  return new URLSearchParams(await c.req.text());
}
