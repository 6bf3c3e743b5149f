/** `/_sandbox/*`: the switches that a test or a person turns. Never met by a fault, never in the request log. */

import { Hono } from 'hono';
import { ZodError } from 'zod';
import type { Faults } from './faults.ts';
import { faultSchema } from './faults.ts';
import type { RequestLog } from './log.ts';
import type { Env } from './server.ts';

/** Request log and fault switches as JSON. */
export function controlRoutes(log: RequestLog, faults: Faults): Hono<Env> {
  const app = new Hono<Env>();
  app.onError((error, c) => {
    if (error instanceof ZodError) return c.json({ error: 'not a fault', issues: error.issues }, 400);
    if (error instanceof SyntaxError) return c.json({ error: 'not JSON' }, 400);
    throw error;
  });
  app.get('/requests', (c) => {
    const school = c.req.query('school');
    return c.json({ requests: log.list(school === undefined ? {} : { school }) });
  });
  app.delete('/requests', (c) => {
    log.clear();
    return c.body(null, 204);
  });
  app.get('/faults', (c) => c.json({ faults: faults.list() }));
  app.post('/faults', async (c) => {
    const body: unknown = await c.req.json();
    const wanted = (Array.isArray(body) ? body : [body]).map((item) => faultSchema.parse(item));
    return c.json({ ids: wanted.map((fault) => faults.add(fault)) }, 201);
  });
  app.delete('/faults', (c) => {
    faults.clear();
    return c.body(null, 204);
  });
  app.delete('/faults/:id', (c) =>
    faults.remove(c.req.param('id')) ? c.body(null, 204) : c.json({ error: 'no such fault' }, 404),
  );
  app.get('/health', (c) => c.json({ status: 'ok' }));
  return app;
}
