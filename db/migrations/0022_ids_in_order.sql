-- The n-th of the ids that a statement makes (server/kernel/ids.ts, `idsInOrder`). Without a subquery, so that PostgreSQL puts it into the statement.
create function across.nth_id(p_high bigint, p_low bigint, p_n bigint) returns uuid language sql immutable parallel safe as $$
  select pg_catalog.encode(pg_catalog.int8send(p_high) || pg_catalog.int8send(p_low + p_n), 'hex')::uuid
$$;
--> statement-breakpoint
grant execute on function across.nth_id to crosswalk_web, crosswalk_sync;
