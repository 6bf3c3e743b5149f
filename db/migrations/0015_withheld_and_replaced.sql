DROP INDEX "replacement_link_new";--> statement-breakpoint
ALTER TABLE "replacement_link" DROP CONSTRAINT "replacement_link_replacement_id_old_id_pk";--> statement-breakpoint
ALTER TABLE "replacement_link" ADD CONSTRAINT "replacement_link_replacement_id_old_id_new_id_pk" PRIMARY KEY("replacement_id","old_id","new_id");--> statement-breakpoint
ALTER TABLE "replacement_link" ADD COLUMN "rejected" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "system_replacement" ADD COLUMN "proposed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "withheld_person" ADD COLUMN "number" text;--> statement-breakpoint
ALTER TABLE "withheld_person" ADD COLUMN "kind" text;--> statement-breakpoint
ALTER TABLE "withheld_person" ADD COLUMN "act" uuid DEFAULT gen_random_uuid() NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "replacement_link_old" ON "replacement_link" USING btree ("replacement_id","old_id") WHERE not rejected;--> statement-breakpoint
CREATE UNIQUE INDEX "replacement_link_new" ON "replacement_link" USING btree ("replacement_id","new_id") WHERE not rejected;--> statement-breakpoint
-- From here by hand. The scheduler asks as often as the school chose; `1440` is once a night: from 1 a.m. of the school's day, whoever asked by
-- hand in the afternoon before.
create or replace function across.systems_due_for_sync(p_now timestamptz) returns table (school_id uuid, system_id uuid, connector text, settings jsonb)
language sql stable security definer set search_path = '' as $$
  select y.school_id, y.id, y.connector, y.settings
    from public.system y join public.school s on s.id = y.school_id
    left join public.sync_settings o on o.system_id = y.id and o.school_id = y.school_id
   where y.removed_at is null and s.stopped_at is null
     and exists (select 1 from public.connection c join public."grant" g on g.connection_id = c.id and g.ended_at is null
                  where c.producer_system_id = y.id and c.school_id = y.school_id and c.state in ('connecting', 'live', 'failing'))
     and exists (select 1 from public.credential k where k.system_id = y.id and k.school_id = y.school_id and k.proved_at is not null and k.destroyed_at is null)
     and not exists (select 1 from public.sync_run r where r.system_id = y.id and r.school_id = y.school_id
                      and (r.created_at > case when o.interval_minutes = 1440
                             then (date_trunc('day', (p_now at time zone s.time_zone) - interval '1 hour') + interval '1 hour') at time zone s.time_zone
                             else p_now - make_interval(mins => coalesce(o.interval_minutes, 120)) end
                           or r.state in ('queued', 'held') or (r.state = 'running' and r.lease_until > p_now)))
     and not exists (select 1 from jsonb_to_recordset(coalesce(o.blackouts, '[]')) as b("from" date, until date)
                      where (p_now at time zone s.time_zone)::date between b."from" and b.until)
   order by y.id
$$;
