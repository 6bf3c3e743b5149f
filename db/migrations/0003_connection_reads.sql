ALTER TABLE "credential" ADD COLUMN "refresh_lease_holder" uuid;--> statement-breakpoint
ALTER TABLE "credential" ADD COLUMN "refresh_lease_until" timestamp (3) with time zone;--> statement-breakpoint
-- What an agent sees of the connections of its own agreements' schools: state and turn, never data, never an address.
create function across.connections_of_agent(p_agent uuid)
returns table (connection_id uuid, school_id uuid, school_name text, producer_kind text, system_id uuid, system_name text, state text, turn text,
               cause text, state_changed_at timestamptz, ended_at timestamptz, asked_by_this_agent boolean)
language sql stable security definer set search_path = '' as $$
  select c.id, c.school_id, s.name, y.kind, y.id, y.name, c.state, c.turn, c.cause, c.state_changed_at, c.ended_at,
         exists (select 1 from public.request r where r.connection_id = c.id and r.agent_id = p_agent)
    from public.connection c join public.school s on s.id = c.school_id join public.system y on y.id = c.producer_system_id
   where c.consumer_kind = 'marketplace'
     and exists (select 1 from public.agreement g where g.agent_id = p_agent and g.school_id = c.school_id
                  and g.state in ('in-force', 'notice-given', 'ended'))
$$;
--> statement-breakpoint
grant execute on function across.connections_of_agent to crosswalk_web;
--> statement-breakpoint
-- Schools at which time alone may change a connection: the hourly round visits them one by one.
create function across.schools_with_connections() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select school_id from public.connection where ended_at is null
   union select school_id from public.credential where destroyed_at is null
$$;
--> statement-breakpoint
grant execute on function across.schools_with_connections to crosswalk_web;
--> statement-breakpoint
-- The answer of a foreign consent page names nothing but the state that we gave it.
create function across.oauth_attempt_by_state(p_hash text) returns table (id uuid, school_id uuid)
language sql stable security definer set search_path = '' as $$
  select id, school_id from public.oauth_attempt where state_hash = p_hash
$$;
--> statement-breakpoint
grant execute on function across.oauth_attempt_by_state to crosswalk_web;
