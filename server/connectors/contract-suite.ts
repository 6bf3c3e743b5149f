import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Scope } from '#db/schema/vocabulary.ts';
import type { FaultInput, Faults } from '#sandbox/lib/faults.ts';
import type { LogEntry } from '#sandbox/lib/log.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { CrosswalkError, type Disposition, type ErrorCode } from '#server/kernel/errors.ts';
import { createLogger } from '#server/kernel/log.ts';
import { createOutboundClient, type OutboundClient } from '#server/kernel/outbound/client.ts';
import { type CallRecord, type Collection, peopleCollections, type Session, type Tokens } from './contract.ts';
import type { DeviationKey } from './exchange/deviations.ts';
import type { OpenConnector } from './open-connector.ts';
import { connectorById } from './registry.ts';

/** A sandbox program as the suite sees it. */
export interface Peer {
  readonly settings: unknown;
  readonly secret: unknown;
  /** Tokens that a consent bought; null where the connector buys its own. */
  readonly tokens: Tokens | null;
  readonly faults: Faults;
  requests(): readonly LogEntry[];
  clearRequests(): void;
  /** How many records of a collection the program holds for us. */
  count(collection: Collection): number;
  close(): Promise<void>;
}

export interface ContractOptions {
  readonly connector: string;
  readonly scopes: readonly Scope[];
  /** The collection with the most records, and the path of its pages. */
  readonly largest: Collection;
  readonly path: string;
  start(): Promise<Peer>;
  /** Must match no path, query or operation in the program's log: whatever asks for people whom no scope needs. */
  readonly people: RegExp;
  /** Strings that must stand in no call, error or log line. */
  secrets(peer: Peer): readonly string[];
  /** Whether the protocol has pages at all, and tells totals. */
  readonly pages: boolean;
  readonly totals: boolean;
  /** A link to another host is never followed: pages are counted where the protocol numbers them, else reading ends. */
  readonly foreignNext: 'counts-pages' | 'refused';
  /** Oddities that the program always shows. */
  readonly deviations?: readonly DeviationKey[];
  /** What becomes of a token that is refused once, and of one that is ended for good. */
  readonly refusedOnce: 'renews' | 'credential-refused';
  readonly ended: 'renews' | 'credential-refused';
}

interface Expected {
  readonly fault: FaultInput;
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  /** Bounds of `retryAfterSeconds`; null: none. */
  readonly wait?: readonly [number, number] | null;
}

const retryLater = (fault: FaultInput, wait: Expected['wait']): Expected => ({
  fault,
  code: 'foreign-throttled',
  disposition: 'retry',
  wait,
});

/** Whatever meets every call: how it is told apart. */
const failures: readonly Expected[] = [
  retryLater({ kind: 'rate-limit', retryAfter: 'seconds', seconds: 7 }, [7, 7]),
  retryLater({ kind: 'rate-limit', retryAfter: 'http-date', seconds: 90 }, [80, 91]),
  retryLater({ kind: 'rate-limit', retryAfter: 'rfc3339', seconds: 90 }, [80, 91]),
  retryLater({ kind: 'rate-limit', retryAfter: 'absent' }, null),
  retryLater({ kind: 'rate-limit', retryAfter: 'negative' }, null),
  retryLater({ kind: 'rate-limit', retryAfter: 'garbage' }, null),
  retryLater({ kind: 'rate-limit', status: 403, retryAfter: 'seconds', seconds: 7 }, [7, 7]),
  { fault: { kind: 'server-error', status: 500 }, code: 'foreign-unavailable', disposition: 'retry', wait: null },
  { fault: { kind: 'server-error', status: 502 }, code: 'foreign-unavailable', disposition: 'retry', wait: null },
  {
    fault: { kind: 'server-error', status: 503, retryAfter: 'seconds', seconds: 30 },
    code: 'foreign-unavailable',
    disposition: 'retry',
    wait: [30, 30],
  },
  { fault: { kind: 'html' }, code: 'foreign-answer-unreadable', disposition: 'retry' },
  { fault: { kind: 'html', lying: true }, code: 'foreign-answer-unreadable', disposition: 'retry' },
  { fault: { kind: 'truncated' }, code: 'connection-failed', disposition: 'retry' },
  { fault: { kind: 'reset' }, code: 'connection-failed', disposition: 'retry' },
  { fault: { kind: 'stalled' }, code: 'timed-out', disposition: 'retry' },
  { fault: { kind: 'latency', ms: 5_000 }, code: 'timed-out', disposition: 'retry' },
  { fault: { kind: 'endless-body' }, code: 'answer-too-large', disposition: 'abort' },
  { fault: { kind: 'huge-body', bytes: 80 * 1024 * 1024 }, code: 'answer-too-large', disposition: 'abort' },
];

interface Tolerated {
  readonly faults: readonly FaultInput[];
  readonly needs: 'pages' | 'totals' | null;
  readonly deviation: DeviationKey | null;
}

const smallPages: FaultInput = { kind: 'clamped-limit', max: 40 };

/** What is tolerated: every record once, and the oddity said aloud. */
const tolerated: readonly Tolerated[] = [
  { faults: [{ kind: 'latency', ms: 30 }], needs: null, deviation: null },
  { faults: [{ kind: 'shuffled-rows' }], needs: null, deviation: null },
  { faults: [{ kind: 'clock-skew', seconds: 90_000 }], needs: null, deviation: null },
  { faults: [{ kind: 'clock-skew', expiresIn: -1 }], needs: null, deviation: null },
  { faults: [{ kind: 'wrong-scope', scope: null }], needs: null, deviation: null },
  { faults: [{ kind: 'relative-hrefs' }], needs: null, deviation: null },
  { faults: [smallPages], needs: 'pages', deviation: null },
  { faults: [smallPages, { kind: 'relative-hrefs' }], needs: 'pages', deviation: null },
  { faults: [smallPages, { kind: 'missing-total' }], needs: 'totals', deviation: 'total-missing' },
  {
    faults: [smallPages, { kind: 'missing-total' }, { kind: 'missing-link' }],
    needs: 'totals',
    deviation: 'total-missing',
  },
];

/** Pages that come wrong: reading ends, and where the protocol tells totals, the loss is known. */
const pagesGoneWrong: readonly (readonly [string, (nth: number) => FaultInput])[] = [
  ['duplicate-page', (nth) => ({ kind: 'duplicate-page', nth })],
  ['missing-page', (nth) => ({ kind: 'missing-page', nth })],
  ['empty-page', (nth) => ({ kind: 'empty-page', nth })],
  ['shuffled-pages', (nth) => ({ kind: 'shuffled-pages', nth })],
];

/** What every connector keeps, against a real HTTP peer under every fault switch. */
export function describeConnector(options: ContractOptions): void {
  const { connector, scopes, largest, path } = options;
  const onPages = (fault: FaultInput): FaultInput => ({ ...fault, path });

  describe(`the contract of ${connector}`, () => {
    let peer: Peer;
    let http: OutboundClient;
    let calls: CallRecord[];
    let lines: string[];
    let open: OpenConnector;
    // Kept from one test to the next, as a system's sealed tokens are.
    let tokens: Tokens | null;

    beforeAll(async () => {
      peer = await options.start();
      tokens = peer.tokens;
    });
    afterAll(() => peer.close());

    beforeEach(() => {
      calls = [];
      lines = [];
      http = createOutboundClient({
        mode: 'demo',
        idleTimeoutMs: 400,
        log: createLogger({
          component: 'contract',
          level: 'debug',
          destination: { write: (line) => void lines.push(line) },
        }),
      });
      const session: Session<unknown, unknown> = {
        settings: peer.settings,
        secret: peer.secret,
        http,
        clock: systemClock,
        purpose: 'sync',
        record: (call) => void calls.push(call),
        tokens: async (renew, rejected) => {
          if (tokens === null || tokens.accessToken === rejected) tokens = await renew(tokens);
          return tokens;
        },
      };
      open = connectorById(connector).open(session);
      peer.clearRequests();
    });
    afterEach(async () => {
      peer.faults.clear();
      await http.close();
    });

    /** Reads a collection to its end: ids in the order in which they came. */
    const read = async (collection: Collection = largest, from: string | null = null) => {
      const ids: string[] = [];
      const deviations = new Set<DeviationKey>();
      const cursors: (string | null)[] = [];
      let total: number | null = null;
      let end: string | null = null;
      for await (const page of open.fetch(collection, from, { scopes })) {
        ids.push(...page.records.map((record) => record.sourceId));
        for (const deviation of page.deviations) deviations.add(deviation);
        cursors.push(page.cursor);
        total = page.total;
        end = page.end;
        expect(page.end === null).toBe(page.cursor !== null);
        // Far more than any fault leaves: a reader that does not end shows itself.
        expect(cursors.length).toBeLessThan(200);
      }
      return { ids, distinct: new Set(ids).size, deviations, cursors, total, end };
    };
    const failure = async (): Promise<CrosswalkError> => {
      try {
        await read();
      } catch (error) {
        if (error instanceof CrosswalkError) return error;
        throw error;
      }
      throw new Error('the fault was not noticed');
    };
    const assertNoSecret = (...more: readonly unknown[]) => {
      const told = JSON.stringify([calls, lines, more]);
      for (const secret of options.secrets(peer)) expect(told).not.toContain(secret);
    };

    it('reads every record of every collection exactly once, with the same ids in every run', async () => {
      const { reads } = connectorById(connector).capabilities;
      expect(open.collectionsFor(scopes).every((collection) => reads.includes(collection))).toBe(true);
      for (const collection of open.collectionsFor(scopes)) {
        const first = await read(collection);
        expect(first.ids).toHaveLength(peer.count(collection));
        expect(first.distinct).toBe(first.ids.length);
        expect(first.end).toBe('said');
        expect(first.deviations).toEqual(new Set(options.deviations ?? []));
        expect(new Set((await read(collection)).ids)).toEqual(new Set(first.ids));
      }
    });

    it('asks for nobody and nothing that no scope needs', async () => {
      await open.prove(scopes);
      await open.preview(scopes);
      for (const collection of open.collectionsFor(scopes)) await read(collection);
      const asked = peer.requests().map(({ path: asks, query, operation }) => `${asks} ${query} ${operation}`);
      expect(asked.length).toBeGreaterThan(2);
      expect(asked.filter((text) => options.people.test(text))).toEqual([]);
      expect(open.collectionsFor([])).toEqual([]);
      expect(await open.preview([])).toEqual([]);
      peer.clearRequests();
      const { reads } = connectorById(connector).capabilities;
      const people = reads.filter((collection) => peopleCollections.some((one) => one === collection));
      for (const collection of people) {
        await expect(open.fetch(collection, null, { scopes: [] })[Symbol.asyncIterator]().next()).rejects.toMatchObject(
          {
            code: 'internal',
            details: { problem: 'collection-not-needed' },
          },
        );
      }
      expect(peer.requests()).toEqual([]);
    });

    it('proves each scope by a real call and previews at most five records of each collection', async () => {
      const proof = await open.prove(scopes);
      expect(proof.ok).toBe(true);
      expect(proof.results.map(({ scope, ok }) => ({ scope, ok }))).toEqual(
        scopes.map((scope) => ({ scope, ok: true })),
      );
      for (const { collection, count, precision, sample } of await open.preview(scopes)) {
        expect(sample.length).toBeGreaterThan(0);
        expect(sample.length).toBeLessThanOrEqual(5);
        if (precision === 'exact') expect(count).toBe(peer.count(collection));
        if (count === null) expect(precision).toBe('after-first-sync');
      }
    });

    it('explains in the proof what is refused, without throwing', async () => {
      const unserved = await open.prove(['gradebook.write']);
      expect(unserved).toMatchObject({ ok: false, results: [{ scope: 'gradebook.write', ok: false }] });
      for (const { fault, code } of failures) {
        peer.faults.clear();
        peer.faults.add(fault);
        const proof = await open.prove(scopes);
        expect(proof.ok).toBe(false);
        expect(proof.results.map((result) => result.errorCode)).toEqual(scopes.map(() => code));
        assertNoSecret(proof);
      }
    }, 60_000);

    it.each(failures.map((expected) => [JSON.stringify(expected.fault), expected] as const))(
      '%s',
      async (_name, { fault, code, disposition, wait }) => {
        peer.faults.add(onPages(fault));
        const error = await failure();
        expect(error).toMatchObject({ code, disposition });
        if (wait === null) expect(error.retryAfterSeconds).toBeNull();
        if (Array.isArray(wait)) {
          expect(error.retryAfterSeconds).toBeGreaterThanOrEqual(wait[0]);
          expect(error.retryAfterSeconds).toBeLessThanOrEqual(wait[1]);
        }
        expect(calls.at(-1)).toMatchObject({ errorCode: code });
        assertNoSecret(error, error.details, error.stack, error.cause);
      },
    );

    it.each(tolerated.map((row) => [JSON.stringify(row.faults), row] as const))(
      'reads on under %s',
      async (_name, { faults, needs, deviation }) => {
        if ((needs !== null && !options.pages) || (needs === 'totals' && !options.totals)) return;
        for (const fault of faults) peer.faults.add(fault);
        const outcome = await read();
        expect(outcome.distinct).toBe(peer.count(largest));
        expect(outcome.ids).toHaveLength(outcome.distinct);
        expect(outcome.end).not.toBe('doubtful');
        if (deviation !== null) expect(outcome.deviations).toContain(deviation);
      },
    );

    it('counts pages where nothing links them', async () => {
      if (!options.pages) return;
      // A cap below what is asked for would cut the last page of a system that tells no total: its own size is used.
      for (const fault of options.totals ? [smallPages] : []) peer.faults.add(fault);
      peer.faults.add({ kind: 'missing-link' });
      const outcome = await read();
      expect(outcome.distinct).toBe(peer.count(largest));
      expect(outcome.deviations).toContain('link-missing');
      expect(outcome.end).toBe(options.totals ? 'said' : 'assumed');
    });

    it('goes on after a page by its cursor alone', async () => {
      peer.faults.add(onPages(smallPages));
      const whole = await read();
      const [cursor] = whole.cursors;
      if (!options.pages) {
        expect(whole.cursors).toEqual([null]);
        return;
      }
      expect(typeof cursor).toBe('string');
      const rest = await read(largest, cursor ?? null);
      expect(rest.ids.length).toBeGreaterThan(0);
      expect(whole.ids.slice(-rest.ids.length)).toEqual(rest.ids);
      expect(rest.end).toBe('said');
      for (const secret of options.secrets(peer)) expect(cursor).not.toContain(secret);
    });

    it.each(pagesGoneWrong)('ends under %s, and never takes a loss for completeness', async (kind, faultAt) => {
      if (!options.pages) return;
      for (const nth of [1, 2, 4]) {
        peer.faults.clear();
        peer.faults.add(onPages(smallPages));
        peer.faults.add(onPages(faultAt(nth)));
        const outcome = await read();
        const isPromised = outcome.total !== null && outcome.distinct < outcome.total;
        if (outcome.distinct < peer.count(largest) && options.totals) {
          expect(outcome.end === 'doubtful' || isPromised || (outcome.end === 'assumed' && nth === 1)).toBe(true);
        }
        if (kind === 'empty-page' && nth > 1) expect(outcome.end).toBe('doubtful');
      }
    });

    it('asks nothing of another host that a next link names', async () => {
      if (!options.pages) return;
      peer.faults.add(onPages(smallPages));
      // Nothing listens there: to follow it would fail otherwise than by a refusal.
      peer.faults.add(onPages({ kind: 'foreign-next', origin: 'http://127.0.0.2:9' }));
      if (options.foreignNext === 'counts-pages') {
        const outcome = await read();
        expect(outcome.distinct).toBe(peer.count(largest));
        expect(outcome.deviations).toContain('next-link-foreign');
        expect(calls.every((call) => call.errorCode === null)).toBe(true);
        return;
      }
      expect(await failure()).toMatchObject({
        code: 'address-refused',
        disposition: 'abort',
        details: { problem: 'other-origin' },
      });
      expect(peer.requests().filter(({ path: asked }) => asked.includes(path.replaceAll('*', '')))).toHaveLength(1);
    });

    it('renews a refused token once, or says that the credential is refused', async () => {
      peer.faults.add(onPages({ kind: 'expired-token', nth: 1 }));
      if (options.refusedOnce === 'renews') expect((await read()).distinct).toBe(peer.count(largest));
      else expect(await failure()).toMatchObject({ code: 'credential-refused', disposition: 'reconnect' });
      peer.faults.clear();
      peer.faults.add(onPages({ kind: 'expired-token' }));
      const before = peer.requests().length;
      const error = await failure();
      expect(error).toMatchObject({ code: 'credential-refused', disposition: 'reconnect' });
      // The call, one renewal, the call again, with what has to be asked before: no storm.
      expect(peer.requests().length - before).toBeLessThan(10);
      assertNoSecret(error, error.details);
    });

    it('the log of calls says what was asked: method, path, status, rows, time', async () => {
      const { ids } = await read();
      expect(
        calls.reduce((rows, call) => rows + (call.path.includes(path.replaceAll('*', '')) ? (call.rows ?? 0) : 0), 0),
      ).toBeGreaterThanOrEqual(ids.length);
      for (const call of calls) {
        expect(call).toMatchObject({ status: 200, errorCode: null, path: expect.stringMatching(/^\//) });
        expect(['sync', 'token']).toContain(call.purpose);
      }
      assertNoSecret();
    });

    // Last: it ends the program's tokens for good.
    it('a token that was ended over there', async () => {
      peer.faults.add({ ...onPages({ kind: 'revoked-token', nth: 1 }) });
      if (options.ended === 'renews') expect((await read()).distinct).toBe(peer.count(largest));
      else expect(await failure()).toMatchObject({ code: 'credential-refused', disposition: 'reconnect' });
    });
  });
}
