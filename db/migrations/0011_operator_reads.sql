-- Narrow reads across schools for the operator: which agents know a school, which schools a register import concerns, counts.

create function across.agents_of_school(p_school uuid) returns table (id uuid, name text, in_force boolean)
language sql stable security definer set search_path = '' as $$
  select o.id, o.name, exists (select 1 from public.agreement g where g.agent_id = o.id and g.school_id = p_school and g.state in ('in-force', 'notice-given'))
    from public.organisation o
   where o.kind = 'agent' and exists (select 1 from public.prospect p where p.agent_id = o.id and p.school_id = p_school and p.archived_at is null)
   order by o.name
$$;
--> statement-breakpoint
grant execute on function across.agents_of_school to crosswalk_web;
--> statement-breakpoint
create function across.schools_with_another_register_domain() returns table (school_id uuid, domain text)
language sql stable security definer set search_path = '' as $$
  select s.id, e.domain from public.school s join public.register_entry e on e.register = s.register and e.register_number = s.register_number
   where e.domain is not null and s.register_domain is distinct from e.domain
$$;
--> statement-breakpoint
grant execute on function across.schools_with_another_register_domain to crosswalk_web;
--> statement-breakpoint
create function across.operator_counts()
returns table (schools integer, in_review integer, to_countersign integer, agents_to_review integer, live integer, failing integer, failing_schools integer)
language sql stable security definer set search_path = '' as $$
  select (select count(*) from public.school)::integer,
         (select count(*) from public.school where trust = 'in-review')::integer,
         (select count(*) from public.agreement where state = 'signed' and countersigned_at is null)::integer,
         (select count(*) from public.organisation where kind = 'agent' and reviewed_at is null)::integer,
         (select count(*) from public.connection where state = 'live')::integer,
         (select count(*) from public.connection where state = 'failing')::integer,
         (select count(distinct school_id) from public.connection where state = 'failing')::integer
$$;
--> statement-breakpoint
grant execute on function across.operator_counts to crosswalk_web;
