import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '#server/kernel/log.ts';

/**
 * The executor's and the relay's own driver: node-postgres, which graphile-worker brings. postgres.js, which the features
 * use, ends the process or hangs when the database cuts a connection (porsager/postgres#1154, #1208), and this is the
 * part that must outlive that. Never for a tenant's rows: those are the features' to read.
 */

type Value = string | number | boolean | Date | null | readonly string[] | readonly number[];

/** A statement as a tagged template; every value is a bound parameter. Rows are `unknown` until a schema parsed them. */
export type Statement = (strings: TemplateStringsArray, ...values: readonly Value[]) => Promise<unknown[]>;

/** Statements of one transaction. */
export type Tx = Statement;

export interface JobsSql extends Statement {
  /** Runs in one transaction: committed if `run` resolves, rolled back if it throws. */
  begin<T>(run: (tx: Tx) => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

/** No statement of ours is long; one that is has lost its server. */
const statementTimeoutMs = 60_000;

const statementOn =
  (client: Pick<pg.ClientBase, 'query'>): Statement =>
  async (strings, ...values) => {
    const text = strings.reduce((before, part, index) => `${before}$${index}${part}`);
    const result = await client.query<Record<string, unknown>>(text, [...values]);
    return result.rows;
  };

const settings = (url: string, name: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: name,
  connectionTimeoutMillis: 10_000,
  query_timeout: statementTimeoutMs,
  keepAlive: true,
});

/** A pool whose connections may be cut at any moment without ending the process. */
export function openPool(url: string, options: { max: number; name?: string; keep?: boolean }): pg.Pool {
  const pool = new pg.Pool({
    ...settings(url, options.name ?? 'crosswalk worker'),
    max: options.max,
    idleTimeoutMillis: options.keep === true ? 0 : 60_000,
  });
  // A connection that is cut is no longer in the pool, and the statement under way rejects: nobody else need hear of it.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Ends a pool after whoever waits for one of its connections was served: node-postgres would leave him waiting. */
export async function endPool(pool: pg.Pool): Promise<void> {
  while (pool.waitingCount > 0) await wait(10);
  await pool.end();
}

/** Statements over a pool; `max` 1 with `keep` is one connection that lives as long as its owner and is made anew when cut. */
export function openJobsSql(url: string, options: { max: number; name?: string; keep?: boolean }): JobsSql {
  const pool = openPool(url, options);
  const statement: Statement = async (...args) => {
    const client = await pool.connect();
    try {
      const rows = await statementOn(client)(...args);
      client.release();
      return rows;
    } catch (error) {
      client.release(isConnectionLost(error));
      throw error;
    }
  };
  return Object.assign(statement, {
    begin: async <T>(run: (tx: Tx) => Promise<T>): Promise<T> => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const result = await run(statementOn(client));
        await client.query('commit');
        client.release();
        return result;
      } catch (error) {
        const lost = await client.query('rollback').then(
          () => false,
          () => true,
        );
        client.release(lost);
        throw error;
      }
    },
    end: () => endPool(pool),
  });
}

/** A refused statement leaves its connection usable (the server said an SQLSTATE that is not its own end); all else does not. */
function isConnectionLost(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || error.code === undefined || error.code.startsWith('57P');
}

export interface Listening {
  stop(): Promise<void>;
}

/**
 * Hears notifications of a channel for as long as it is wanted, whatever becomes of the connection; `onSignal` is also
 * called whenever it listens anew, since what was said meanwhile was missed.
 */
export function listenTo(url: string, channel: string, onSignal: () => void, logger: Logger): Listening {
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  const connect = async (): Promise<void> => {
    const fresh = new pg.Client({ ...settings(url, 'crosswalk worker listens'), query_timeout: 10_000 });
    client = fresh;
    let over = false;
    const again = () => {
      if (over || stopped) return;
      over = true;
      timer = setTimeout(() => void connect(), 1_000);
    };
    fresh.on('error', again);
    fresh.on('end', again);
    fresh.on('notification', onSignal);
    try {
      await fresh.connect();
      await fresh.query(`listen ${pg.escapeIdentifier(channel)}`);
      onSignal();
    } catch (error) {
      logger.warn('the worker cannot listen, and polls until it can', { error });
      again();
    }
  };
  void connect();
  return {
    stop: async () => {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
