/** What the sandbox's own tests share: asking over real HTTP and reading the answer without trusting its shape. */

import { z } from 'zod';

export type Reply = { status: number; headers: Headers; text: string; body: unknown };

/** One request; the body is parsed where it is JSON. Redirects are not followed. */
export async function ask(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json') && text !== '';
  const body: unknown = isJson ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, body };
}

/** A form post. */
export const post = (
  url: string,
  fields: Record<string, string> | URLSearchParams,
  headers: Record<string, string> = {},
): Promise<Reply> =>
  ask(url, { method: 'POST', headers, body: fields instanceof URLSearchParams ? fields : new URLSearchParams(fields) });

/** The address of a relation in a Link header. */
export function linkOf(headers: Headers, rel: string): string | undefined {
  const header = headers.get('link') ?? '';
  return new RegExp(`<([^>]*)>;\\s*rel="${rel}"`).exec(header)?.[1];
}

/** One text at a path of an unknown body. */
export function textAt(body: unknown, ...path: readonly (string | number)[]): string {
  let value = body;
  for (const step of path) {
    value =
      typeof step === 'number'
        ? z.array(z.unknown()).parse(value)[step]
        : z.record(z.string(), z.unknown()).parse(value)[step];
  }
  return z.coerce.string().parse(value);
}
