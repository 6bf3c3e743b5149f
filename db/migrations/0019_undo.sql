DROP INDEX "sync_run_one_queued";--> statement-breakpoint
CREATE UNIQUE INDEX "sync_run_one_queued" ON "sync_run" USING btree ("school_id","system_id") WHERE state = 'queued' and upload_id is null and undo_of is null;--> statement-breakpoint
-- Schools in which something is still kept for an undo that is no longer possible: values of changes before a moment, content of people who
-- are gone since before it. Ids of schools only.
create function across.schools_with_old_changes(p_before timestamptz) returns table (school_id uuid)
language sql stable security definer set search_path = '' as $$
  select s.id from public.school s
   where exists (select 1 from public.roster_change c where c.school_id = s.id and c.at < p_before and (c.before is not null or c.after is not null))
      or exists (select 1 from public.roster_person p
                  where p.school_id = s.id and p.gone_at < p_before and coalesce(p.given_name, p.family_name, p.identifier, p.email, p.username) is not null)
      or exists (select 1 from public.roster_demographics d where d.school_id = s.id and d.gone_at < p_before and coalesce(d.birth_date::text, d.sex) is not null)
   order by s.id
$$;
--> statement-breakpoint
grant execute on function across.schools_with_old_changes to crosswalk_sync;
