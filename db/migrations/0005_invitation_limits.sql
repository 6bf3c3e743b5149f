ALTER TABLE "single_use_link" ADD COLUMN "site_id" uuid;--> statement-breakpoint
ALTER TABLE "single_use_link" ADD CONSTRAINT "single_use_link_site_id_site_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."site"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
-- Whether an address is of an agent that knows or serves the school: its mail domains, or an account of its people. Nobody
-- becomes the school by way of its agent (DESIGN.md §2). Says yes or no, never which agent.
create function across.is_address_of_agent(p_school uuid, p_email text) returns boolean
language sql stable security definer set search_path = '' as $$
  with agents as (
    select p.agent_id from public.prospect p where p.school_id = p_school and p.archived_at is null
    union
    select g.agent_id from public.agreement g where g.school_id = p_school and g.agent_id is not null and g.state <> 'declined'
  )
  select exists (
           select 1 from agents a join public.organisation o on o.id = a.agent_id, unnest(o.email_domains) as d
            where split_part(p_email, '@', 2) = lower(d) or split_part(p_email, '@', 2) like '%.' || lower(d))
      or exists (
           select 1 from agents a join public.membership m on m.organisation_id = a.agent_id and m.ended_at is null
             join public.app_user u on u.id = m.user_id where u.email_folded = p_email)
$$;
--> statement-breakpoint
grant execute on function across.is_address_of_agent to crosswalk_web;
--> statement-breakpoint
-- Everybody outside the school's own roles who must hear that its recovery was started: contacts that agents noted and
-- signatories of its agreements. Read by the recovery's notice alone.
create function across.contacts_of_school(p_school uuid) returns table (name text, email text)
language sql stable security definer set search_path = '' as $$
  select c.value->>'name', c.value->>'email' from public.prospect p, jsonb_array_elements(p.contacts) c
   where p.school_id = p_school and p.archived_at is null and coalesce(c.value->>'email', '') <> ''
  union
  select g.signatory_name, g.signatory_email from public.agreement g where g.school_id = p_school and g.signatory_email is not null
$$;
--> statement-breakpoint
grant execute on function across.contacts_of_school to crosswalk_web;
