-- Invitations and other single-use links hold names and addresses of people who may never have come. Thirty days after
-- they ended they are gone, in every school at once; what became of them stays in the audit trail without either.
create function across.forget_links(p_before timestamptz) returns bigint
language sql volatile security definer set search_path = '' as $$
  with gone as (delete from public.single_use_link where least(expires_at, used_at, withdrawn_at) < p_before returning 1)
  select count(*) from gone
$$;
--> statement-breakpoint
grant execute on function across.forget_links to crosswalk_web;
