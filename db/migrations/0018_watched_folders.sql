CREATE TABLE "watched_file" (
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"name" text NOT NULL,
	"bytes" bigint NOT NULL,
	"modified_at" timestamp (3) with time zone NOT NULL,
	"state" text NOT NULL,
	"upload_id" uuid,
	"problem" jsonb,
	"seen_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "watched_file_school_id_system_id_name_pk" PRIMARY KEY("school_id","system_id","name"),
	CONSTRAINT "watched_file_state" CHECK ("watched_file"."state" in ('seen', 'handed-in', 'refused', 'passed-over'))
);
--> statement-breakpoint
-- From here by hand.
select across.protect_tenant('watched_file'::regclass);
--> statement-breakpoint
grant select, insert, update, delete on watched_file to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
-- Schools where a package rests: the daily round drops what is older than a day.
create function across.schools_with_packages() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select c.school_id from public.roster_upload_chunk c
   union select u.school_id from public.roster_upload u where u.state in ('receiving', 'waiting')
$$;
--> statement-breakpoint
grant execute on function across.schools_with_packages to crosswalk_web;
--> statement-breakpoint
-- Sources whose folder is looked into: ids and settings (which hold no secret) of those that may be read now.
create function across.folders_to_look_into(p_now timestamptz) returns table (school_id uuid, system_id uuid, connector text, settings jsonb)
language sql stable security definer set search_path = '' as $$
  select y.school_id, y.id, y.connector, y.settings
    from public.system y join public.school s on s.id = y.school_id
    left join public.sync_settings o on o.system_id = y.id and o.school_id = y.school_id
   where y.removed_at is null and s.stopped_at is null and y.settings ->> 'way' = 'sftp'
     and exists (select 1 from public.connection c join public."grant" g on g.connection_id = c.id and g.ended_at is null
                  where c.producer_system_id = y.id and c.school_id = y.school_id and c.state in ('connecting', 'live', 'failing'))
     and exists (select 1 from public.credential k where k.system_id = y.id and k.school_id = y.school_id and k.proved_at is not null and k.destroyed_at is null)
     and not exists (select 1 from public.sync_run r where r.system_id = y.id and r.school_id = y.school_id
                      and (r.state in ('queued', 'held') or (r.state = 'running' and r.lease_until > p_now)))
     and not exists (select 1 from jsonb_to_recordset(coalesce(o.blackouts, '[]')) as b("from" date, until date)
                      where (p_now at time zone s.time_zone)::date between b."from" and b.until)
   order by y.id
$$;
--> statement-breakpoint
grant execute on function across.folders_to_look_into to crosswalk_web;
