/** Sign-in of the sandbox's administrators: sessions in memory, cookies named per program because ports share cookies. */

import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { opaque } from './secrets.ts';
import type { Env } from './server.ts';

export type Sessions<T> = {
  open(c: Context<Env>, value: T): void;
  current(c: Context<Env>): T | undefined;
  close(c: Context<Env>): void;
};

/** Sessions of one program. `Lax`, because an OAuth consent page is reached from another site. */
export function createSessions<T>(cookie: string): Sessions<T> {
  const values = new Map<string, T>();
  return {
    open: (c, value) => {
      const id = opaque();
      values.set(id, value);
      setCookie(c, cookie, id, { httpOnly: true, sameSite: 'Lax', path: '/' });
    },
    current: (c) => {
      const id = getCookie(c, cookie);
      return id === undefined ? undefined : values.get(id);
    },
    close: (c) => {
      const id = getCookie(c, cookie);
      if (id !== undefined) values.delete(id);
      deleteCookie(c, cookie, { path: '/' });
    },
  };
}

/** True for a form that was posted from one of the program's own pages (or by a program, which sends no Origin). */
export function isOwnForm(c: Context<Env>): boolean {
  const origin = c.req.header('origin');
  return origin === undefined || origin === new URL(c.req.url).origin;
}
