-- A purge reaches staging too, whoever begins it: what was fetched for a system and not applied goes. Of the transaction's own school
-- alone, and it only deletes.
create function across.drop_staging(p_system uuid) returns void language sql security definer set search_path = '' as $$
  with runs as (
    select id from public.sync_run
     where system_id = p_system and school_id = nullif(current_setting('app.school', true), '')::uuid
  ), records as (
    delete from staging.record where run_id in (select id from runs)
  )
  delete from staging.page where run_id in (select id from runs)
$$;
--> statement-breakpoint
grant execute on function across.drop_staging to crosswalk_web, crosswalk_sync;
