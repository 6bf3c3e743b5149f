/**
 * Atrium: an LMS that pulls its roster. It serves no protocol; it is a client of OneRoster 1.2 and 1.1, with pages on which its
 * administrator enters where to pull from and sees what was received.
 */

import { join } from 'node:path';
import { Hono } from 'hono';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { createClock } from '../lib/clock.ts';
import { controlRoutes } from '../lib/control.ts';
import { createFaults } from '../lib/faults.ts';
import { createLog } from '../lib/log.ts';
import type { Env, PlainAnswer, Protocol } from '../lib/server.ts';
import { serve } from '../lib/server.ts';
import { createSessions } from '../lib/signin.ts';
import { openStore } from '../lib/state.ts';
import type { Asked } from './client.ts';
import { pageRoutes } from './pages.ts';
import { countsOf, looseEndsOf, streamsOf } from './roster.ts';
import type { Source } from './source.ts';
import { sourceSchema } from './source.ts';
import type { Sources } from './sources.ts';
import { createSources, NotASource } from './sources.ts';

export type PullerOptions = {
  port?: number;
  /** Folder of the state file; without it sources and rosters live in memory. */
  dataDir?: string;
};

export type RunningPuller = {
  url: string;
  port: number;
  sources: Sources;
  /** What was asked of a source's server, oldest first. */
  asked(sourceId: string): readonly Asked[];
  clock: Clock;
  close(): Promise<void>;
};

const MOST_ASKED = 2_000;

const plain = (status: number): PlainAnswer => ({ status, headers: { 'content-type': 'text/plain' }, body: '' });
/** Nobody asks it anything but its pages, so faults without a path meet nothing. */
const protocol: Protocol = {
  isProtocol: () => false,
  isToken: () => false,
  page: () => null,
  totalHeader: 'x-total-count',
  rateLimited: (_url, status) => plain(status),
  unauthorized: () => plain(401),
  serverError: (_url, status) => plain(status),
  revokeTokens: () => undefined,
};

/** A source as `/_sandbox/sources` tells it: without its secret and the records, with what a test wants to know of them. */
function told(source: Source): Record<string, unknown> {
  const { clientSecret: _secret, roster, cursors: _cursors, ...rest } = source;
  return {
    ...rest,
    counts: countsOf(roster),
    looseEnds: looseEndsOf(roster),
    streams: streamsOf(roster).map(({ name }) => name),
  };
}

/** Starts the pulling LMS. */
export async function startPuller(options: PullerOptions = {}): Promise<RunningPuller> {
  const { dataDir } = options;
  const clock = createClock();
  const log = createLog();
  const faults = createFaults();
  const store = openStore(
    dataDir === undefined ? undefined : join(dataDir, 'puller.json'),
    z.object({ sources: z.array(sourceSchema) }),
    () => ({ sources: [] }),
  );
  const asked = new Map<string, Asked[]>();
  const askedOf = (id: string): readonly Asked[] => asked.get(id) ?? [];
  const sources = createSources(store, clock, (id, entry) => {
    asked.set(id, [...askedOf(id).slice(1 - MOST_ASKED), entry]);
  });

  const app = new Hono<Env>();
  const control = controlRoutes(log, faults);
  control.get('/sources', (c) => c.json({ sources: sources.list().map(told) }));
  control.post('/sources', async (c) => {
    try {
      return c.json(told(sources.add(await c.req.json())), 201);
    } catch (error) {
      if (error instanceof NotASource) return c.json({ error: error.message }, 400);
      throw error;
    }
  });
  control.delete('/sources/:id', (c) =>
    sources.remove(c.req.param('id')) ? c.body(null, 204) : c.json({ error: 'no such source' }, 404),
  );
  control.get('/sources/:id/asked', (c) => c.json({ asked: askedOf(c.req.param('id')) }));
  control.post('/sources/:id/pull', async (c) => {
    const pull = await sources.pull(c.req.param('id'), { everything: c.req.query('everything') === '1' });
    return pull === undefined ? c.json({ error: 'no such source' }, 404) : c.json(pull);
  });
  app.route('/_sandbox', control);
  app.route('/', pageRoutes({ sources, sessions: createSessions<true>('atrium_session'), asked: askedOf }));

  const server = await serve({
    port: options.port ?? 0,
    clock,
    log,
    faults,
    protocol,
    app: (request, env) => app.fetch(request, env),
  });
  return { url: server.url, port: server.port, sources, asked: askedOf, clock, close: server.close };
}
