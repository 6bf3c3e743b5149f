-- Row-level security, narrow functions across schools, and the rules that hold even where a verb is wrong.
-- Run as crosswalk_owner. See docs/security.md.

create schema if not exists across;
--> statement-breakpoint
comment on schema across is 'The only reads across schools: narrow, listed, security definer. Nothing here returns data about students.';
--> statement-breakpoint
revoke all on schema across from public;
--> statement-breakpoint
grant usage on schema across to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
grant usage on schema public to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
-- Functions that later migrations add to `across` are nobody's until granted by name.
alter default privileges for role crosswalk_owner revoke execute on functions from public;
--> statement-breakpoint
create function across.protect(target regclass, rule text) returns void language plpgsql set search_path = '' as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy tenant on %s for all to crosswalk_web, crosswalk_sync using (%s) with check (%s)', target, rule, rule);
  -- Under FORCE the owner is held too: without this a data migration would change nothing, silently.
  execute format('create policy owner on %s for all to crosswalk_owner, crosswalk_migrator using (true) with check (true)', target);
end $$;
--> statement-breakpoint
comment on function across.protect is 'Puts a table under FORCE ROW LEVEL SECURITY; migrations call it for every new tenant table.';
--> statement-breakpoint
create function across.protect_tenant(target regclass) returns void language sql set search_path = '' as $$
  select across.protect(target, 'school_id = (select nullif(current_setting(''app.school'', true), '''')::uuid)')
$$;
--> statement-breakpoint
create function across.protect_optional_tenant(target regclass) returns void language sql set search_path = '' as $$
  select across.protect(target, 'school_id is null or school_id = (select nullif(current_setting(''app.school'', true), '''')::uuid)')
$$;
--> statement-breakpoint
select across.protect('school', 'id = (select nullif(current_setting(''app.school'', true), '''')::uuid)');
--> statement-breakpoint
select across.protect('organisation', 'kind <> ''school'' or id = (select nullif(current_setting(''app.school'', true), '''')::uuid)');
--> statement-breakpoint
select across.protect('prospect', 'agent_id = (select nullif(current_setting(''app.agent'', true), '''')::uuid)');
--> statement-breakpoint
select across.protect('agreement_template', 'agent_id is null or agent_id = (select nullif(current_setting(''app.agent'', true), '''')::uuid)');
--> statement-breakpoint
select across.protect_tenant(t) from unnest(array[
  'site', 'agreement', 'document', 'receipt', 'system', 'credential', 'oauth_attempt', 'system_call', 'connection', 'request',
  'grant', 'consent', 'preview', 'reminder', 'roster_site', 'roster_term', 'roster_subject', 'roster_stream', 'roster_group',
  'lms_course', 'sync_run', 'set_aside_record', 'recovery']) as name, lateral (select quote_ident(name)::regclass as t) as r;
--> statement-breakpoint
select across.protect_optional_tenant(t) from unnest(array[
  'membership', 'single_use_link', 'audit_entry', 'audit_head', 'mail', 'outbox']) as name, lateral (select quote_ident(name)::regclass as t) as r;
--> statement-breakpoint
grant select, insert, update, delete on all tables in schema public to crosswalk_web;
--> statement-breakpoint
revoke update, delete on audit_entry from crosswalk_web;
--> statement-breakpoint
revoke delete on audit_head, data_key, installation, app_user, organisation, school, agreement, connection, request, "grant", consent, receipt from crosswalk_web;
--> statement-breakpoint
grant select, insert, update, delete on roster_site, roster_term, roster_subject, roster_stream, roster_group, lms_course, sync_run,
  set_aside_record to crosswalk_sync;
--> statement-breakpoint
grant select on school, site, system, "grant", request, data_key, agreement to crosswalk_sync;
--> statement-breakpoint
grant select, update on connection, credential to crosswalk_sync;
--> statement-breakpoint
grant select, insert on audit_entry, receipt, system_call to crosswalk_sync;
--> statement-breakpoint
grant select, insert, update on audit_head, installation to crosswalk_sync;
--> statement-breakpoint
grant insert on outbox to crosswalk_sync;
--> statement-breakpoint
-- The sign-in knows a user before it knows a school.
create function across.memberships_of_user(p_user uuid)
returns table (id uuid, organisation_id uuid, organisation_kind text, organisation_name text, requires_totp boolean, school_id uuid,
               role text, system_id uuid, site_id uuid, suspended boolean)
language sql stable security definer set search_path = '' as $$
  select m.id, m.organisation_id, o.kind, o.name, o.requires_totp, m.school_id, m.role, m.system_id, m.site_id, o.suspended_at is not null
    from public.membership m join public.organisation o on o.id = m.organisation_id
   where m.user_id = p_user and m.ended_at is null
$$;
--> statement-breakpoint
grant execute on function across.memberships_of_user to crosswalk_web;
--> statement-breakpoint
-- A single-use link is found by the hash of its token alone.
create function across.single_use_link_by_hash(p_hash bytea) returns setof public.single_use_link
language sql stable security definer set search_path = '' as $$
  select * from public.single_use_link where token_hash = p_hash
$$;
--> statement-breakpoint
grant execute on function across.single_use_link_by_hash to crosswalk_web;
--> statement-breakpoint
-- What an agent may do for a school: it knows it (prospect), or an agreement of its own is in force.
create function across.agent_relation(p_agent uuid, p_school uuid) returns table (prospect boolean, agreement boolean)
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.prospect where agent_id = p_agent and school_id = p_school and archived_at is null),
         exists (select 1 from public.agreement where agent_id = p_agent and school_id = p_school and state in ('in-force', 'notice-given'))
$$;
--> statement-breakpoint
grant execute on function across.agent_relation to crosswalk_web;
--> statement-breakpoint
create function across.school_by_register(p_register text, p_number text) returns uuid
language sql stable security definer set search_path = '' as $$
  select id from public.school where register = p_register and register_number = p_number order by created_at limit 1
$$;
--> statement-breakpoint
grant execute on function across.school_by_register to crosswalk_web;
--> statement-breakpoint
-- Nobody belongs to an agent and to a school that it serves (DESIGN.md §2).
create function across.refuse_conflict_of_interest() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if new.ended_at is not null then return new; end if;
  -- One at a time per person, so that two insertions cannot pass each other.
  perform pg_advisory_xact_lock(hashtextextended(new.user_id::text, 7));
  if exists (
    select 1 from public.membership a
      join public.organisation o on o.id = a.organisation_id and o.kind = 'agent'
      join public.membership s on s.user_id = a.user_id and s.school_id is not null and s.ended_at is null
     where a.user_id = new.user_id and a.ended_at is null
       and (exists (select 1 from public.prospect p where p.agent_id = a.organisation_id and p.school_id = s.school_id and p.archived_at is null)
         or exists (select 1 from public.agreement g where g.agent_id = a.organisation_id and g.school_id = s.school_id
                       and g.state in ('sent', 'signed', 'in-force', 'notice-given')))
  ) then
    raise exception using errcode = 'CW002', message = 'conflict-of-interest';
  end if;
  return new;
end $$;
--> statement-breakpoint
create constraint trigger membership_conflict after insert or update on membership
  deferrable initially immediate for each row execute function across.refuse_conflict_of_interest();
--> statement-breakpoint
-- Without an agreement in force and a trusted school no connection can be asked for or approved: not in the database either.
create function across.refuse_request_without_agreement() returns trigger language plpgsql security definer set search_path = '' as $$
declare consumer text; producer_kind text; wanted text[];
begin
  if new.state in ('requested', 'approved') and (tg_op = 'INSERT' or new.state is distinct from old.state) then
    if not exists (select 1 from public.agreement g where g.id = new.agreement_id and g.school_id = new.school_id
                    and g.state in ('in-force', 'notice-given')) then
      raise exception using errcode = 'CW001', message = 'agreement-not-in-force';
    end if;
  end if;
  if new.state = 'approved' and (tg_op = 'INSERT' or new.state is distinct from old.state) then
    if not exists (select 1 from public.school s where s.id = new.school_id and s.trust = 'trusted') then
      raise exception using errcode = 'CW003', message = 'school-not-trusted';
    end if;
  end if;
  select c.consumer_kind, y.kind into consumer, producer_kind from public.connection c
    join public.system y on y.id = c.producer_system_id where c.id = new.connection_id;
  if consumer = 'marketplace' then
    select array_agg(x->>'scope') into wanted from jsonb_array_elements(new.scopes) x;
    if not coalesce(wanted, '{}') <@ (case producer_kind when 'sis' then array['roster.subjects', 'roster.streams', 'roster.groups']
                                                         else array['lms.courses'] end) then
      raise exception using errcode = 'CW004', message = 'people-not-grantable';
    end if;
  end if;
  return new;
end $$;
--> statement-breakpoint
create trigger request_agreement before insert or update on request
  for each row execute function across.refuse_request_without_agreement();
--> statement-breakpoint
-- A grant is never wider than its request.
create function across.refuse_grant_beyond_request() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select 1 from public.request r where r.id = new.request_id and r.school_id = new.school_id and r.connection_id = new.connection_id
                  and r.state = 'approved'
                  and new.scopes <@ (select array_agg(x->>'scope') from jsonb_array_elements(r.scopes) x)) then
    raise exception using errcode = 'CW005', message = 'request-not-approved';
  end if;
  return new;
end $$;
--> statement-breakpoint
create trigger grant_within_request before insert or update of scopes, request_id on "grant"
  for each row execute function across.refuse_grant_beyond_request();
--> statement-breakpoint
-- The path to `live` in the database: a live grant and a proved credential (state machine in server/features/connections).
create function across.refuse_live_without_proof() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if new.state = 'live' and (tg_op = 'INSERT' or new.state is distinct from old.state) then
    if not exists (select 1 from public."grant" g where g.connection_id = new.id and g.ended_at is null) then
      raise exception using errcode = 'CW005', message = 'request-not-approved';
    end if;
    if not exists (select 1 from public.credential k where k.system_id = new.producer_system_id and k.school_id = new.school_id and k.state = 'proved') then
      raise exception using errcode = 'CW006', message = 'credential-not-proved';
    end if;
  end if;
  return new;
end $$;
--> statement-breakpoint
create trigger connection_live before insert or update of state on connection
  for each row execute function across.refuse_live_without_proof();
