-- Schools, agents and agreements: policies of the new tables, narrow reads across schools, rules held by the database.

select across.protect_tenant('public.agreement_move'::regclass);
--> statement-breakpoint
grant select, insert, update on agreement_move to crosswalk_web;
--> statement-breakpoint
grant select, insert, update, delete on register_entry, school_registration to crosswalk_web;
--> statement-breakpoint
revoke update on document from crosswalk_web;
--> statement-breakpoint
-- The one school behind a register number: the trusted one, else the oldest.
create or replace function across.school_by_register(p_register text, p_number text) returns uuid
language sql stable security definer set search_path = '' as $$
  select id from public.school where register = p_register and register_number = p_number
   order by (trust = 'trusted') desc, created_at, id limit 1
$$;
--> statement-breakpoint
-- Every school behind a register number, for the registration of a school by itself and for the operator's review.
create function across.schools_with_number(p_register text, p_number text) returns table (id uuid, trust text, members integer, created_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select s.id, s.trust, (select count(distinct m.user_id) from public.membership m where m.school_id = s.id and m.ended_at is null)::integer, s.created_at
    from public.school s where s.register = p_register and s.register_number = p_number order by s.created_at, s.id
$$;
--> statement-breakpoint
grant execute on function across.schools_with_number to crosswalk_web;
--> statement-breakpoint
-- May an agent still correct the school's own row: nobody has come aboard, and no other agent knows it.
create function across.school_known_only_to(p_agent uuid, p_school uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.school where id = p_school and trust = 'unverified')
     and not exists (select 1 from public.membership where school_id = p_school)
     and not exists (select 1 from public.prospect where school_id = p_school and agent_id <> p_agent)
$$;
--> statement-breakpoint
grant execute on function across.school_known_only_to to crosswalk_web;
--> statement-breakpoint
-- Is this an agent's address: of a member of any agent, or in a domain (or below it) of any agent.
create function across.is_agents_address(p_email_folded text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.app_user u join public.membership m on m.user_id = u.id and m.ended_at is null
                   join public.organisation o on o.id = m.organisation_id and o.kind = 'agent'
                  where u.email_folded = p_email_folded)
      or exists (select 1 from public.organisation o, unnest(o.email_domains) as d
                  where o.kind = 'agent' and (split_part(p_email_folded, '@', 2) = lower(d) or split_part(p_email_folded, '@', 2) like '%.' || lower(d)))
$$;
--> statement-breakpoint
grant execute on function across.is_agents_address to crosswalk_web;
--> statement-breakpoint
-- The pipeline of the agent in scope: its own agreements' states, and counts of connections only where one of them is in force.
create function across.agent_pipeline()
returns table (prospect_id uuid, agreement_id uuid, agreement_state text, sent_at timestamptz, signed_at timestamptz, countersigned_at timestamptz,
               paper_entered_at boolean, ends_on date, moved_away boolean, in_force boolean, successor boolean,
               live integer, waiting integer, failing integer, paused integer, agents_turn integer, last_change timestamptz)
language sql stable security definer set search_path = '' as $$
  select p.id, g.id, g.state, g.sent_at, g.signed_at, g.countersigned_at, g.paper_entered_by is not null and g.paper_confirmed_at is null,
         coalesce(g.ends_on, g.term_end), false, f.any_in_force, f.successor,
         coalesce(c.live, 0)::integer, coalesce(c.waiting, 0)::integer, coalesce(c.failing, 0)::integer, coalesce(c.paused, 0)::integer,
         coalesce(c.agents_turn, 0)::integer,
         greatest(p.created_at, g.created_at, g.sent_at, g.signed_at, g.countersigned_at, g.notice_at, g.ended_at, c.last_change)
    from public.prospect p
    left join lateral (
      select * from public.agreement a where a.school_id = p.school_id and a.agent_id = p.agent_id
       order by case a.state when 'in-force' then 0 when 'notice-given' then 0 when 'signed' then 1 when 'sent' then 2 when 'draft' then 3 else 4 end,
                a.created_at desc limit 1) g on true
    left join lateral (
      select coalesce(bool_or(a.state in ('in-force', 'notice-given')), false) as any_in_force,
             coalesce(bool_or(a.state = 'signed' and a.countersigned_at is not null), false) as successor
        from public.agreement a where a.school_id = p.school_id and a.agent_id = p.agent_id) f on true
    left join lateral (
      select count(*) filter (where n.state = 'live') as live,
             count(*) filter (where n.state in ('draft', 'requested', 'approved', 'connecting')) as waiting,
             count(*) filter (where n.state = 'failing') as failing,
             count(*) filter (where n.state = 'paused') as paused,
             count(*) filter (where n.turn in ('agent', 'agent-administrator')) as agents_turn,
             max(n.state_changed_at) as last_change
        from public.connection n where f.any_in_force and n.school_id = p.school_id and n.ended_at is null and n.consumer_kind = 'marketplace') c on true
   where p.agent_id = (select nullif(current_setting('app.agent', true), '')::uuid) and p.archived_at is null
$$;
--> statement-breakpoint
grant execute on function across.agent_pipeline to crosswalk_web;
--> statement-breakpoint
-- The operator's list of schools: who they are and how they stand; counts, no person.
create function across.operator_schools(p_search text, p_trust text, p_limit integer, p_offset integer)
returns table (school_id uuid, name text, register text, register_number text, country text, trust text, created_at timestamptz, agents integer,
               members integer, agreements_in_force integer, agreements_open integer, live integer, waiting integer, failing integer, total bigint)
language sql stable security definer set search_path = '' as $$
  select s.id, s.name, s.register, s.register_number, s.country, s.trust, s.created_at,
         (select count(*) from public.prospect p where p.school_id = s.id and p.archived_at is null)::integer,
         (select count(distinct m.user_id) from public.membership m where m.school_id = s.id and m.ended_at is null)::integer,
         (select count(*) from public.agreement g where g.school_id = s.id and g.state in ('in-force', 'notice-given'))::integer,
         (select count(*) from public.agreement g where g.school_id = s.id and g.state in ('sent', 'signed'))::integer,
         (select count(*) from public.connection n where n.school_id = s.id and n.state = 'live')::integer,
         (select count(*) from public.connection n where n.school_id = s.id and n.state in ('requested', 'approved', 'connecting'))::integer,
         (select count(*) from public.connection n where n.school_id = s.id and n.state = 'failing')::integer,
         count(*) over ()
    from public.school s
   where (p_trust is null or s.trust = p_trust)
     and (p_search is null or position(lower(p_search) in lower(s.name)) > 0 or position(lower(p_search) in lower(s.register_number)) > 0)
   order by case s.trust when 'in-review' then 0 else 1 end, s.created_at desc, s.id limit p_limit offset p_offset
$$;
--> statement-breakpoint
grant execute on function across.operator_schools to crosswalk_web;
--> statement-breakpoint
-- The schools that one agent knows, for the operator: counts by the state of that agent's agreements.
create function across.agent_counts()
returns table (agent_id uuid, members integer, schools integer, in_force integer, open integer)
language sql stable security definer set search_path = '' as $$
  select o.id,
         (select count(distinct m.user_id) from public.membership m where m.organisation_id = o.id and m.ended_at is null)::integer,
         (select count(*) from public.prospect p where p.agent_id = o.id and p.archived_at is null)::integer,
         (select count(*) from public.agreement g where g.agent_id = o.id and g.state in ('in-force', 'notice-given'))::integer,
         (select count(*) from public.agreement g where g.agent_id = o.id and g.state in ('sent', 'signed'))::integer
    from public.organisation o where o.kind = 'agent'
$$;
--> statement-breakpoint
grant execute on function across.agent_counts to crosswalk_web;
--> statement-breakpoint
-- Signed and not yet countersigned, for whoever countersigns: the operator.
create function across.agreements_to_countersign()
returns table (agreement_id uuid, school_id uuid, school_name text, trust text, agent_id uuid, agent_name text, agent_may_countersign boolean,
               signed_name text, signed_at timestamptz, on_paper boolean, term_start date, term_end date)
language sql stable security definer set search_path = '' as $$
  select g.id, s.id, s.name, s.trust, o.id, o.name, coalesce(o.may_countersign, false), g.signed_name, g.signed_at, g.paper_confirmed_at is not null,
         g.term_start, g.term_end
    from public.agreement g join public.school s on s.id = g.school_id left join public.organisation o on o.id = g.agent_id
   where g.state = 'signed' and g.countersigned_at is null order by g.signed_at, g.id
$$;
--> statement-breakpoint
grant execute on function across.agreements_to_countersign to crosswalk_web;
--> statement-breakpoint
-- Health by school and connector: states, causes and counts. No student, no person, no address.
create function across.connection_health()
returns table (school_id uuid, school_name text, connector text, system_kind text, consumer_kind text, state text, cause text, turn text,
               connections integer, since timestamptz, last_received timestamptz)
language sql stable security definer set search_path = '' as $$
  select s.id, s.name, y.connector, y.kind, c.consumer_kind, c.state, c.cause, c.turn, count(*)::integer, min(c.state_changed_at), max(c.last_received_at)
    from public.connection c join public.school s on s.id = c.school_id join public.system y on y.id = c.producer_system_id
   where c.ended_at is null
   group by s.id, s.name, y.connector, y.kind, c.consumer_kind, c.state, c.cause, c.turn
   order by case c.state when 'failing' then 0 when 'paused' then 1 when 'live' then 3 else 2 end, s.name, y.connector
$$;
--> statement-breakpoint
grant execute on function across.connection_health to crosswalk_web;
--> statement-breakpoint
-- Schools one of whose agreements has something to do today, in the school's own time zone. For the scheduler: ids only.
create function across.schools_with_agreements_due(p_now timestamptz) returns table (school_id uuid)
language sql stable security definer set search_path = '' as $$
  select distinct s.id from public.school s join public.agreement g on g.school_id = s.id,
         lateral (select (p_now at time zone s.time_zone)::date as today) d
   where (g.state in ('in-force', 'notice-given') and g.ends_on < d.today)
      or (g.state = 'ended' and g.grace_ended_at is null and g.ends_on + g.grace_days < d.today)
      or (g.state = 'signed' and g.countersigned_at is not null)
      or (g.state in ('in-force', 'notice-given') and g.ends_on - d.today <= 90
          and not exists (select 1 from public.reminder r where r.school_id = s.id and r.subject_id = g.id
                            and r.occasion = case when g.ends_on - d.today <= 7 then '7-days' when g.ends_on - d.today <= 30 then '30-days' else '90-days' end))
   order by 1
$$;
--> statement-breakpoint
grant execute on function across.schools_with_agreements_due to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
-- What a school was shown and signed cannot be changed any more: not by a verb that forgot to look either.
create function across.refuse_changed_agreement_text() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if old.sent_at is not null and (new.sent_at, new.body, new.data_processing_terms, new.text_hash, new.term_start, new.term_end, new.products, new.price_note,
      new.attachment_document_id, new.template_id, new.school_id)
     is distinct from (old.sent_at, old.body, old.data_processing_terms, old.text_hash, old.term_start, old.term_end, old.products, old.price_note,
      old.attachment_document_id, old.template_id, old.school_id) then
    raise exception using errcode = 'CW007', message = 'agreement-text-fixed';
  end if;
  return new;
end $$;
--> statement-breakpoint
create trigger agreement_text before update on agreement for each row execute function across.refuse_changed_agreement_text();
--> statement-breakpoint
-- Nobody belongs to an agent and to a school that it serves: the other direction of membership_conflict.
create function across.refuse_agreement_conflict() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if new.agent_id is null or new.state not in ('sent', 'signed', 'in-force', 'notice-given')
     or (tg_op = 'UPDATE' and old.agent_id is not distinct from new.agent_id and old.state in ('sent', 'signed', 'in-force', 'notice-given')) then
    return new;
  end if;
  perform pg_advisory_xact_lock(hashtextextended(m.user_id::text, 7))
    from (select distinct user_id from public.membership where organisation_id = new.agent_id and ended_at is null order by user_id) m;
  if exists (select 1 from public.membership a join public.membership s on s.user_id = a.user_id and s.school_id = new.school_id and s.ended_at is null
              where a.organisation_id = new.agent_id and a.ended_at is null) then
    raise exception using errcode = 'CW002', message = 'conflict-of-interest';
  end if;
  return new;
end $$;
--> statement-breakpoint
create trigger agreement_conflict before insert or update of state, agent_id on agreement
  for each row execute function across.refuse_agreement_conflict();
