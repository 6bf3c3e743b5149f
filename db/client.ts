import { connect } from 'node:net';
import { sql as raw } from 'drizzle-orm';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { z } from 'zod';
import { CrosswalkError } from '../server/kernel/errors.ts';
import * as schema from './schema/index.ts';

/** A transaction with the tenant already set (or none). Verbs get one and nothing else. */
export type Tx = Parameters<Parameters<PostgresJsDatabase<typeof schema>['transaction']>[0]>[0];

/** Whose rows exist in a transaction: one school's, one agent's, both or neither. */
export interface Scope {
  readonly schoolId?: string | null;
  readonly agentId?: string | null;
}

export interface Database {
  /** The driver itself, for `COPY`, `LISTEN` and set-based SQL; never for a tenant's rows outside `withSchool`. */
  readonly sql: postgres.Sql;
  /** A transaction in which exactly this school's rows exist. */
  withSchool<T>(schoolId: string, run: (tx: Tx) => Promise<T>): Promise<T>;
  /** The same with an agent's own rows (prospects, templates) besides, or instead. */
  inScope<T>(scope: Scope, run: (tx: Tx) => Promise<T>): Promise<T>;
  /** A transaction in which no tenant's row exists; cross-school reads go through `across.*` functions. */
  withoutSchool<T>(run: (tx: Tx) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Opens a pool. `set_config(…, true)` is the transaction's own, so that this works through PgBouncer in transaction mode
 * (then set DATABASE_PREPARE=0 for PgBouncer < 1.21).
 */
export function openDatabase(url: string, options: { max?: number; prepare?: boolean; name?: string } = {}): Database {
  const settings = {
    max: options.max ?? 10,
    prepare: options.prepare ?? true,
    idle_timeout: 60,
    connect_timeout: 10,
    onnotice: () => undefined,
    connection: { application_name: options.name ?? 'crosswalk' },
    socket: promptSocket(),
  };
  const sql = postgres(url, settings);
  const db = drizzle(sql, { schema });
  const inScope: Database['inScope'] = (scope, run) =>
    db.transaction(async (tx) => {
      await tx.execute(
        raw`select set_config('app.school', ${scope.schoolId ?? ''}, true), set_config('app.agent', ${scope.agentId ?? ''}, true)`,
      );
      return run(tx);
    });
  return {
    sql,
    withSchool: (schoolId, run) => inScope({ schoolId }, run),
    inScope,
    withoutSchool: (run) => inScope({}, run),
    close: () => sql.end({ timeout: 5 }),
  };
}

/**
 * Sockets that send at once. The driver's own wait for the other side's delayed acknowledgement (Nagle's algorithm) twice in each `COPY`: some
 * 90 ms for every page of a sync. Of several hosts the next one is tried each time, as the driver does.
 */
function promptSocket() {
  let next = 0;
  return ({
    host,
    port,
    path,
  }: {
    host: readonly string[];
    port: readonly number[];
    path?: string | false | undefined;
  }) => {
    if (typeof path === 'string' && path !== '') return connect(path);
    const at = next++ % host.length;
    const [name = 'localhost', number = 5432] = [host[at], port[at]];
    // `host` is the name that a certificate is checked against.
    return Object.assign(connect({ host: name, port: number, noDelay: true }), { host: name, port: number });
  };
}

const roleFacts = z.array(z.object({ name: z.string(), super: z.boolean(), bypass: z.boolean(), owns: z.boolean() }));

/** Refuses to run as a role that row-level security does not hold (DESIGN.md §10 (1)). */
export async function refuseUnsafeRole(database: Database): Promise<void> {
  const rows = roleFacts.parse(
    await database.sql`
      select rolname as name, rolsuper as super, rolbypassrls as bypass,
             exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
                      where n.nspname = 'public' and c.relkind in ('r', 'p') and pg_has_role(current_user, c.relowner, 'member')) as owns
        from pg_roles where rolname = current_user`,
  );
  const role = rows[0];
  if (role === undefined || role.super || role.bypass || role.owns) {
    throw new CrosswalkError('misconfigured', {
      details: { problem: 'database-role-unsafe', role: role?.name ?? 'unknown' },
    });
  }
}
