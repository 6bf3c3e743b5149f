import { Logger, runMigrations } from 'graphile-worker';
import postgres from 'postgres';
import { databaseRoles } from './roles.ts';

/**
 * Applies graphile-worker's own migrations as the owner and lets the sync role (the worker) use the queue. Its tables are
 * under row-level security without a policy, so that a role which is not their owner sees nothing until it has one.
 * Idempotent; `migrateDatabase` runs it last.
 */
export async function migrateQueue(url: string): Promise<void> {
  const asOwner = new URL(url);
  asOwner.searchParams.set('options', `-c role=${databaseRoles.owner}`);
  await runMigrations({ connectionString: asOwner.toString(), logger: new Logger(() => () => undefined) });

  const sql = postgres(url, { max: 1, onnotice: () => undefined, connection: { role: databaseRoles.owner } });
  try {
    await sql.unsafe(`
      grant usage on schema graphile_worker to ${databaseRoles.sync};
      grant select, insert, update, delete on all tables in schema graphile_worker to ${databaseRoles.sync};
      grant usage, select on all sequences in schema graphile_worker to ${databaseRoles.sync};
      grant execute on all functions in schema graphile_worker to ${databaseRoles.sync};
      do $$
      declare
        found record;
      begin
        for found in
          select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where n.nspname = 'graphile_worker' and c.relkind = 'r' and c.relrowsecurity
             and not exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polname = 'worker')
        loop
          execute format('create policy worker on graphile_worker.%I to ${databaseRoles.sync} using (true) with check (true)', found.relname);
        end loop;
      end $$;`);
  } finally {
    await sql.end();
  }
}
