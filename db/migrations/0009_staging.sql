-- Where fetched records wait until a run is applied. Reachable by the sync role alone; never backed up, lost in a crash of
-- the database, which a run notices (server/roster/staging.ts) and then fetches again.
create schema staging;
--> statement-breakpoint
comment on schema staging is 'Fetched records of sync runs under way. The sync role alone; exempt from row-level security by its schema.';
--> statement-breakpoint
revoke all on schema staging from public;
--> statement-breakpoint
grant usage on schema staging to crosswalk_sync;
--> statement-breakpoint
create unlogged table staging.record (
  run_id uuid not null,
  school_id uuid not null,
  collection text not null,
  -- Of a record that no grant needs only a hash of its id is kept, so that a fetch can be counted.
  source_id text not null,
  disposition text not null check (disposition in ('kept', 'deleted', 'aside', 'cut')),
  page integer not null,
  content jsonb,
  hint jsonb,
  modified_at timestamptz,
  primary key (run_id, collection, source_id)
);
--> statement-breakpoint
create unlogged table staging.page (
  run_id uuid not null,
  school_id uuid not null,
  collection text not null,
  page integer not null,
  rows integer not null,
  -- Records without a usable id, and the same id twice on this page: read, but no row of staging.record.
  uncounted integer not null,
  repeated integer not null,
  total integer,
  ended text check (ended in ('said', 'assumed', 'doubtful')),
  set_aside jsonb not null,
  deviations text[] not null,
  primary key (run_id, collection, page)
);
--> statement-breakpoint
create index on staging.record (school_id);
--> statement-breakpoint
create index on staging.page (school_id);
--> statement-breakpoint
grant select, insert, update, delete on staging.record, staging.page to crosswalk_sync;
--> statement-breakpoint
-- The scheduler sees systems of all schools: ids of those whose last run is older than `p_before` and that may be asked.
create function across.systems_due_for_sync(p_before timestamptz) returns table (school_id uuid, system_id uuid)
language sql stable security definer set search_path = '' as $$
  select y.school_id, y.id
    from public.system y join public.school s on s.id = y.school_id
   where y.removed_at is null and s.stopped_at is null
     and exists (select 1 from public.connection c join public."grant" g on g.connection_id = c.id and g.ended_at is null
                  where c.producer_system_id = y.id and c.school_id = y.school_id and c.state in ('connecting', 'live', 'failing'))
     and exists (select 1 from public.credential k where k.system_id = y.id and k.school_id = y.school_id and k.proved_at is not null and k.destroyed_at is null)
     and not exists (select 1 from public.sync_run r where r.system_id = y.id and r.school_id = y.school_id
                      and (r.created_at > p_before or r.state in ('queued', 'held')
                           or (r.state = 'running' and r.lease_until > p_before)))
   order by y.id
$$;
--> statement-breakpoint
grant execute on function across.systems_due_for_sync to crosswalk_sync, crosswalk_web;
--> statement-breakpoint
-- An agent sees how far a sync of its school is: states and counts, nothing else. Only with an agreement in force.
create function across.sync_counts_for_agent(p_agent uuid, p_school uuid)
returns table (system_id uuid, system_kind text, state text, phase text, progress jsonb, started_at timestamptz, finished_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select distinct on (y.id) y.id, y.kind, r.state, r.phase, r.progress, r.started_at, r.finished_at
    from public.system y join public.sync_run r on r.system_id = y.id and r.school_id = y.school_id
   where y.school_id = p_school and y.removed_at is null
     and exists (select 1 from public.agreement a where a.agent_id = p_agent and a.school_id = p_school and a.state in ('in-force', 'notice-given'))
     and exists (select 1 from public.connection c where c.producer_system_id = y.id and c.school_id = y.school_id and c.consumer_kind = 'marketplace')
   order by y.id, r.created_at desc
$$;
--> statement-breakpoint
grant execute on function across.sync_counts_for_agent to crosswalk_web;
