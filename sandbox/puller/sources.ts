/** The sources of rosters that the LMS's administrator entered, and the pulls from them; one pull per source at a time. */

import type { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { opaque } from '../lib/secrets.ts';
import type { Store } from '../lib/state.ts';
import type { Asked, TokenShelf } from './client.ts';
import { createClient, Trouble } from './client.ts';
import type { KnownPages } from './pull.ts';
import { pullFrom } from './pull.ts';
import { emptyRoster } from './roster.ts';
import type { Pull, Source, Wanted } from './source.ts';
import { wantedSchema } from './source.ts';

/** What was entered cannot be used; the message says which field and why. */
export class NotASource extends Error {}

export type Sources = {
  list(): readonly Source[];
  one(id: string): Source | undefined;
  /** Throws `NotASource`. */
  add(entered: unknown): Source;
  /** Enters a source anew; an empty secret keeps the stored one. Throws `NotASource`. */
  change(id: string, entered: Readonly<Record<string, unknown>>): void;
  remove(id: string): boolean;
  /** Pulls, or joins the pull that runs. What went wrong stands in `trouble`. */
  pull(id: string, options?: { everything?: boolean }): Promise<Pull | undefined>;
};

const fieldNames: Partial<Record<string, string>> = {
  name: 'The name of the school',
  baseUrl: 'The base URL',
  tokenUrl: 'The token URL',
  clientId: 'The client id',
  clientSecret: 'The client secret',
  authentication: 'Signing in',
  limit: 'The number of records asked for at once',
};

function wantedOf(entered: unknown): Wanted {
  const parsed = wantedSchema.safeParse(entered);
  if (parsed.success) return parsed.data;
  const said = (issue: z.core.$ZodIssue): string => {
    const field = String(issue.path[0] ?? '');
    return `${fieldNames[field] ?? field} ${issue.code === 'custom' ? issue.message : 'cannot be used'}.`;
  };
  throw new NotASource([...new Set(parsed.error.issues.map(said))].join(' '));
}

/** More pages than any school has are not remembered. */
const MOST_KNOWN_PAGES = 50_000;

type Memory = { readonly shelf: TokenShelf; readonly known: KnownPages };

/** The sources of one LMS. `log` hears of every request. */
export function createSources(
  store: Store<{ sources: Source[] }>,
  clock: Clock,
  log: (sourceId: string, asked: Asked) => void,
): Sources {
  const memories = new Map<string, Memory>();
  const running = new Map<string, Promise<Pull>>();
  const one = (id: string): Source | undefined => store.value.sources.find((source) => source.id === id);
  const memoryOf = (id: string): Memory => {
    const memory = memories.get(id) ?? { shelf: { token: null }, known: new Map() };
    if (memory.known.size > MOST_KNOWN_PAGES) memory.known.clear();
    memories.set(id, memory);
    return memory;
  };

  const pullNow = async (source: Source, everything: boolean): Promise<Pull> => {
    const started = performance.now();
    const { shelf, known } = memoryOf(source.id);
    let requests = 0;
    const client = createClient({
      source,
      clock,
      shelf,
      wasConnected: source.receivedAt !== null,
      log: (asked) => {
        requests += 1;
        log(source.id, asked);
      },
    });
    const now = clock.now();
    const at = new Date(now).toISOString();
    const pull = { at, outcomes: [], trouble: null };
    const ended = (): { milliseconds: number; requests: number } => ({
      milliseconds: Math.round(performance.now() - started),
      requests,
    });
    try {
      const { roster, cursors, outcomes } = await pullFrom({ source, client, known, now, everything });
      Object.assign(source, { roster, cursors, receivedAt: at });
      source.lastPull = { ...pull, outcomes, ...ended() };
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      source.lastPull = { ...pull, trouble: error.message, ...ended() };
    }
    store.save();
    return source.lastPull;
  };

  return {
    list: () => store.value.sources,
    one,
    add: (entered) => {
      const source: Source = {
        ...wantedOf(entered),
        id: opaque(9),
        roster: emptyRoster(),
        cursors: {},
        lastPull: null,
        receivedAt: null,
      };
      store.value.sources.push(source);
      store.save();
      return source;
    },
    change: (id, entered) => {
      const source = one(id);
      if (source === undefined) return;
      const clientSecret = entered.clientSecret === '' ? source.clientSecret : entered.clientSecret;
      const wanted = wantedOf({ ...entered, clientSecret });
      const isSamePlace = wanted.baseUrl === source.baseUrl && wanted.clientId === source.clientId;
      Object.assign(source, wanted);
      memories.delete(id);
      // Another place, or another view of it: nothing that was received says what it will send.
      if (!isSamePlace) Object.assign(source, { roster: emptyRoster(), cursors: {}, lastPull: null, receivedAt: null });
      store.save();
    },
    remove: (id) => {
      const before = store.value.sources.length;
      store.value.sources = store.value.sources.filter((source) => source.id !== id);
      memories.delete(id);
      store.save();
      return store.value.sources.length < before;
    },
    pull: async (id, { everything = false } = {}) => {
      const source = one(id);
      if (source === undefined) return undefined;
      const pulling = running.get(id) ?? pullNow(source, everything).finally(() => running.delete(id));
      running.set(id, pulling);
      return pulling;
    },
  };
}
