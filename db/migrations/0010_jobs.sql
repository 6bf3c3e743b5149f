-- The state of the embedded executor (server/jobs/embedded/): runs, their memoised steps, their calls, crons, workers.
-- Applied as the owner. The queue itself (schema graphile_worker) is migrated by db/queue.ts, since graphile-worker
-- brings its own migrations. Nothing here belongs to a tenant: payloads and step results hold ids, counts and states.
create schema jobs;
--> statement-breakpoint
grant usage on schema jobs to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
create table jobs.worker (
  id uuid primary key,
  -- Key of the session-level advisory lock that this worker holds while it lives; a kill frees it at once.
  lock_key bigint generated always as identity unique,
  executor text not null check (executor in ('embedded', 'inngest')),
  started_at timestamptz(3) not null default now(),
  heartbeat_at timestamptz(3) not null default now(),
  ended_at timestamptz(3),
  -- Names under which this worker's queue pool locks rows of graphile_worker.
  queue_workers text[] not null default '{}'
);
--> statement-breakpoint
create index worker_living on jobs.worker (heartbeat_at) where ended_at is null;
--> statement-breakpoint
-- When the heartbeat function last ran: proof of the whole chain (cron, queue, call, handler), whichever executor runs it.
create table jobs.pulse (
  one boolean primary key default true check (one),
  beaten_at timestamptz(3) not null
);
--> statement-breakpoint
create table jobs.event (
  id text primary key,
  name text not null,
  data jsonb not null,
  ts timestamptz(3) not null,
  -- False until its triggers, waits and cancellations were looked at, in one transaction.
  handled boolean not null default false,
  received_at timestamptz(3) not null default now()
);
--> statement-breakpoint
create index event_received on jobs.event (received_at);
--> statement-breakpoint
create table jobs.run (
  id uuid primary key,
  function_id text not null,
  event_id text not null references jobs.event (id),
  state text not null check (state in ('queued', 'running', 'completed', 'failed', 'cancelled')),
  -- Set once several steps were found in one call: from then on a call only looks for steps, or runs the one it is told to.
  parallel boolean not null default false,
  singleton_key text,
  output jsonb,
  error_code text,
  -- The step that invoked this run and waits for its output.
  parent_run uuid,
  parent_step text,
  created_at timestamptz(3) not null default now(),
  started_at timestamptz(3),
  ended_at timestamptz(3)
);
--> statement-breakpoint
create index run_created on jobs.run (created_at desc);
--> statement-breakpoint
create index run_function on jobs.run (function_id, created_at desc);
--> statement-breakpoint
create index run_event on jobs.run (event_id);
--> statement-breakpoint
create index run_living on jobs.run (function_id, singleton_key) where ended_at is null;
--> statement-breakpoint
create index run_ended on jobs.run (ended_at) where ended_at is not null;
--> statement-breakpoint
create table jobs.step (
  run_id uuid not null references jobs.run (id) on delete cascade,
  -- Hex SHA-1 of the developer's id (SDK protocol §5).
  id text not null,
  op text not null,
  state text not null check (state in ('planned', 'waiting', 'done', 'failed')),
  -- `{"data": …}` or `{"error": …}` as the SDK is given it back.
  memo jsonb,
  -- The order in which steps ended, which replay must follow.
  seq bigint,
  wait_event text,
  wait_if text,
  wait_until timestamptz(3),
  created_at timestamptz(3) not null default now(),
  ended_at timestamptz(3),
  primary key (run_id, id)
);
--> statement-breakpoint
create sequence jobs.step_seq;
--> statement-breakpoint
create index step_waiting on jobs.step (wait_event) where state = 'waiting' and wait_event is not null;
--> statement-breakpoint
-- A call to make: at most one per run for finding steps (step_id 'step') and one per planned step.
create table jobs.item (
  id bigint generated always as identity primary key,
  run_id uuid not null references jobs.run (id) on delete cascade,
  step_id text not null,
  state text not null check (state in ('queued', 'blocked', 'running', 'done')),
  -- 0-based, as ctx.attempt. Failures of the called code, not interruptions.
  attempt integer not null default 0,
  -- Calls that ended without an answer of the SDK: a killed worker, a handler that is not there.
  interruptions integer not null default 0,
  -- Fencing: an answer counts only while the generation is the one it was called under.
  generation integer not null default 0,
  -- A step ended while the run's call was under way: look again.
  again boolean not null default false,
  worker_id uuid,
  due_at timestamptz(3) not null default now(),
  unique (run_id, step_id)
);
--> statement-breakpoint
create index item_open on jobs.item (state, due_at) where state <> 'done';
--> statement-breakpoint
-- One row per (concurrency key, call): what is being executed under that key, or waits for it.
create table jobs.slot (
  key text not null,
  item_id bigint not null references jobs.item (id) on delete cascade,
  held boolean not null,
  since timestamptz not null default clock_timestamp(),
  primary key (key, item_id)
);
--> statement-breakpoint
create index slot_item on jobs.slot (item_id);
--> statement-breakpoint
create table jobs.idempotency (
  function_id text not null,
  key text not null,
  run_id uuid not null,
  expires_at timestamptz(3) not null,
  primary key (function_id, key)
);
--> statement-breakpoint
create table jobs.cron (
  function_id text not null,
  expression text not null,
  next_at timestamptz(3) not null,
  primary key (function_id, expression)
);
--> statement-breakpoint
grant select, insert, update, delete on all tables in schema jobs to crosswalk_sync;
--> statement-breakpoint
grant usage on all sequences in schema jobs to crosswalk_sync;
--> statement-breakpoint
-- The outbox: whoever runs a verb writes (policy `tenant`), only the relay (role sync, in the worker) reads and marks, and
-- it sees every school's rows. Ids only stand in them.
create policy relay on public.outbox for all to crosswalk_sync using (true) with check (true);
--> statement-breakpoint
revoke select, update, delete on public.outbox from crosswalk_web;
--> statement-breakpoint
grant select, insert, delete on public.outbox to crosswalk_sync;
--> statement-breakpoint
grant update (sent_at, attempts) on public.outbox to crosswalk_sync;
--> statement-breakpoint
-- What /api/health shows. A function, so that the web role reads ages and counts and no row.
create function jobs.health()
returns table (heartbeat_age_ms double precision, pulse_age_ms double precision, unsent bigint, oldest_unsent_ms double precision, open_calls bigint)
language sql stable security definer set search_path = '' as $$
  select (select extract(epoch from now() - max(heartbeat_at)) * 1000 from jobs.worker where ended_at is null)::double precision,
         (select extract(epoch from now() - beaten_at) * 1000 from jobs.pulse)::double precision,
         (select count(*) from public.outbox where sent_at is null),
         (select extract(epoch from now() - min(created_at)) * 1000 from public.outbox where sent_at is null)::double precision,
         (select count(*) from jobs.item where state <> 'done' and due_at <= now())
$$;
--> statement-breakpoint
-- What the operator's page lists: ids, counts, times and error codes; no payload, no result.
create function jobs.list_runs(only_function text, only_state text, before timestamptz, most integer)
returns table (id uuid, function_id text, event_name text, state text, error_code text, created_at timestamptz,
               started_at timestamptz, ended_at timestamptz, steps_done bigint, steps_open bigint, attempt integer)
language sql stable security definer set search_path = '' as $$
  select r.id, r.function_id, e.name, r.state, r.error_code, r.created_at, r.started_at, r.ended_at,
         (select count(*) from jobs.step s where s.run_id = r.id and s.state in ('done', 'failed')),
         (select count(*) from jobs.step s where s.run_id = r.id and s.state in ('planned', 'waiting')),
         coalesce((select max(i.attempt) from jobs.item i where i.run_id = r.id), 0)
    from jobs.run r join jobs.event e on e.id = r.event_id
   where (only_function is null or r.function_id = only_function)
     and (only_state is null or r.state = only_state)
     and (before is null or r.created_at < before)
   order by r.created_at desc
   limit least(most, 200)
$$;
--> statement-breakpoint
grant execute on function jobs.health() to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
grant execute on function jobs.list_runs(text, text, timestamptz, integer) to crosswalk_web, crosswalk_sync;
