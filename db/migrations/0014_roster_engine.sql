CREATE TABLE "held_change" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"sync_run_id" uuid NOT NULL,
	"collection" text NOT NULL,
	"kind" text NOT NULL,
	"source_id" text NOT NULL,
	"record_id" uuid,
	"name" text,
	"before" jsonb,
	"after" jsonb
);
--> statement-breakpoint
CREATE TABLE "replacement_link" (
	"school_id" uuid NOT NULL,
	"replacement_id" uuid NOT NULL,
	"collection" text NOT NULL,
	"old_id" uuid NOT NULL,
	"new_id" uuid NOT NULL,
	"found" text NOT NULL,
	"confirmed" boolean NOT NULL,
	CONSTRAINT "replacement_link_replacement_id_old_id_pk" PRIMARY KEY("replacement_id","old_id")
);
--> statement-breakpoint
CREATE TABLE "roster_change" (
	"seq" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "roster_change_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"sync_run_id" uuid NOT NULL,
	"collection" text NOT NULL,
	"kind" text NOT NULL,
	"record_id" uuid,
	"fields" text[] DEFAULT '{}' NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"records" integer,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "roster_change_kind" CHECK ("roster_change"."kind" in ('baseline', 'created', 'updated', 'deleted'))
);
--> statement-breakpoint
CREATE TABLE "roster_demographics" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"content_hash" uuid NOT NULL,
	"source_modified_at" timestamp (3) with time zone,
	"missed_fetches" smallint DEFAULT 0 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone,
	"gone_at" timestamp (3) with time zone,
	"person_id" uuid NOT NULL,
	"birth_date" date,
	"sex" text,
	"races" text[] DEFAULT '{}' NOT NULL,
	"country_of_birth" text,
	"state_of_birth" text,
	"city_of_birth" text,
	"public_school_residence" text,
	CONSTRAINT "roster_demographics_source" UNIQUE("system_id","source_id")
);
--> statement-breakpoint
CREATE TABLE "roster_enrolment" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"content_hash" uuid NOT NULL,
	"source_modified_at" timestamp (3) with time zone,
	"missed_fetches" smallint DEFAULT 0 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone,
	"gone_at" timestamp (3) with time zone,
	"group_id" uuid NOT NULL,
	"person_id" uuid NOT NULL,
	"role" text NOT NULL,
	"is_primary" boolean,
	"begins_on" date,
	"ends_on" date,
	CONSTRAINT "roster_enrolment_source" UNIQUE("system_id","source_id")
);
--> statement-breakpoint
CREATE TABLE "roster_fetch" (
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"collection" text NOT NULL,
	"seen_at" timestamp (3) with time zone,
	"modified_until" timestamp (3) with time zone,
	CONSTRAINT "roster_fetch_system_id_collection_pk" PRIMARY KEY("system_id","collection")
);
--> statement-breakpoint
CREATE TABLE "roster_person" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"content_hash" uuid NOT NULL,
	"source_modified_at" timestamp (3) with time zone,
	"missed_fetches" smallint DEFAULT 0 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone,
	"gone_at" timestamp (3) with time zone,
	"kind" text NOT NULL,
	"kinds" text[] DEFAULT '{}' NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"username" text,
	"given_name" text,
	"family_name" text,
	"middle_name" text,
	"preferred_given_name" text,
	"preferred_family_name" text,
	"pronouns" text,
	"identifier" text,
	"master_identifier" text,
	"email" text,
	"sms" text,
	"phone" text,
	"grades" text[] DEFAULT '{}' NOT NULL,
	"user_ids" text[] DEFAULT '{}' NOT NULL,
	"agent_source_ids" text[] DEFAULT '{}' NOT NULL,
	"primary_site_source_id" text,
	"site_source_ids" text[] DEFAULT '{}' NOT NULL,
	"roles" text[] DEFAULT '{}' NOT NULL,
	"stream_source_id" text,
	CONSTRAINT "roster_person_source" UNIQUE("system_id","source_id"),
	CONSTRAINT "roster_person_kind" CHECK ("roster_person"."kind" in ('student', 'teacher', 'guardian', 'other'))
);
--> statement-breakpoint
CREATE TABLE "roster_person_alias" (
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"person_id" uuid NOT NULL,
	CONSTRAINT "roster_person_alias_system_id_source_id_pk" PRIMARY KEY("system_id","source_id")
);
--> statement-breakpoint
CREATE TABLE "roster_upload" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"via" text NOT NULL,
	"file_name" text NOT NULL,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"sha256" text,
	"state" text NOT NULL,
	"sync_run_id" uuid,
	"uploaded_by" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "roster_upload_via" CHECK ("roster_upload"."via" in ('browser', 'sftp', 'command'))
);
--> statement-breakpoint
CREATE TABLE "roster_upload_chunk" (
	"school_id" uuid NOT NULL,
	"upload_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"sealed" "bytea" NOT NULL,
	CONSTRAINT "roster_upload_chunk_upload_id_number_pk" PRIMARY KEY("upload_id","number")
);
--> statement-breakpoint
CREATE TABLE "stream_assignment" (
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"group_source_id" text NOT NULL,
	"stream_source_id" text NOT NULL,
	"assigned_by" uuid NOT NULL,
	"assigned_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "stream_assignment_system_id_group_source_id_pk" PRIMARY KEY("system_id","group_source_id")
);
--> statement-breakpoint
CREATE TABLE "stream_choice" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"name" text,
	"programme" text,
	"level" text,
	"year" text,
	"merged_into" text,
	"chosen_by" uuid NOT NULL,
	"chosen_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sync_progress" (
	"sync_run_id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"phase" text NOT NULL,
	"collection" text,
	"done" bigint DEFAULT 0 NOT NULL,
	"total" bigint,
	"since" timestamp (3) with time zone NOT NULL,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sync_settings" (
	"system_id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"interval_minutes" integer DEFAULT 120 NOT NULL,
	"full_every_hours" integer DEFAULT 24 NOT NULL,
	"guard_rules" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"blackouts" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"hold_next" boolean DEFAULT false NOT NULL,
	"updated_by" uuid,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "system_replacement" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"old_system_id" uuid NOT NULL,
	"new_system_id" uuid NOT NULL,
	"state" text NOT NULL,
	"started_by" uuid NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"approved_by" uuid,
	"switched_at" timestamp (3) with time zone,
	"undone_at" timestamp (3) with time zone,
	CONSTRAINT "system_replacement_state" CHECK ("system_replacement"."state" in ('reviewing', 'switched', 'undone', 'given-up'))
);
--> statement-breakpoint
CREATE TABLE "withheld_person" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"name" text NOT NULL,
	"reason" text,
	"withheld_by" uuid NOT NULL,
	"withheld_at" timestamp (3) with time zone NOT NULL,
	"released_by" uuid,
	"released_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "lms_course" DROP CONSTRAINT "lms_course_school_id_school_id_fk";
--> statement-breakpoint
ALTER TABLE "roster_group" DROP CONSTRAINT "roster_group_school_id_school_id_fk";
--> statement-breakpoint
ALTER TABLE "roster_site" DROP CONSTRAINT "roster_site_school_id_school_id_fk";
--> statement-breakpoint
ALTER TABLE "roster_stream" DROP CONSTRAINT "roster_stream_school_id_school_id_fk";
--> statement-breakpoint
ALTER TABLE "roster_subject" DROP CONSTRAINT "roster_subject_school_id_school_id_fk";
--> statement-breakpoint
ALTER TABLE "roster_term" DROP CONSTRAINT "roster_term_school_id_school_id_fk";
--> statement-breakpoint
ALTER TABLE "lms_course" ALTER COLUMN "content_hash" SET DATA TYPE uuid USING '00000000-0000-0000-0000-000000000000'::uuid;--> statement-breakpoint
ALTER TABLE "lms_course" ALTER COLUMN "missed_fetches" SET DATA TYPE smallint;--> statement-breakpoint
ALTER TABLE "lms_course" ALTER COLUMN "last_seen_at" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_group" ALTER COLUMN "content_hash" SET DATA TYPE uuid USING '00000000-0000-0000-0000-000000000000'::uuid;--> statement-breakpoint
ALTER TABLE "roster_group" ALTER COLUMN "missed_fetches" SET DATA TYPE smallint;--> statement-breakpoint
ALTER TABLE "roster_group" ALTER COLUMN "last_seen_at" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_site" ALTER COLUMN "content_hash" SET DATA TYPE uuid USING '00000000-0000-0000-0000-000000000000'::uuid;--> statement-breakpoint
ALTER TABLE "roster_site" ALTER COLUMN "missed_fetches" SET DATA TYPE smallint;--> statement-breakpoint
ALTER TABLE "roster_site" ALTER COLUMN "last_seen_at" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_stream" ALTER COLUMN "content_hash" SET DATA TYPE uuid USING '00000000-0000-0000-0000-000000000000'::uuid;--> statement-breakpoint
ALTER TABLE "roster_stream" ALTER COLUMN "missed_fetches" SET DATA TYPE smallint;--> statement-breakpoint
ALTER TABLE "roster_stream" ALTER COLUMN "last_seen_at" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_subject" ALTER COLUMN "content_hash" SET DATA TYPE uuid USING '00000000-0000-0000-0000-000000000000'::uuid;--> statement-breakpoint
ALTER TABLE "roster_subject" ALTER COLUMN "missed_fetches" SET DATA TYPE smallint;--> statement-breakpoint
ALTER TABLE "roster_subject" ALTER COLUMN "last_seen_at" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_term" ALTER COLUMN "content_hash" SET DATA TYPE uuid USING '00000000-0000-0000-0000-000000000000'::uuid;--> statement-breakpoint
ALTER TABLE "roster_term" ALTER COLUMN "missed_fetches" SET DATA TYPE smallint;--> statement-breakpoint
ALTER TABLE "roster_term" ALTER COLUMN "last_seen_at" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "set_aside_record" ADD COLUMN "file" text;--> statement-breakpoint
ALTER TABLE "set_aside_record" ADD COLUMN "line" bigint;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "kind" text DEFAULT 'full' NOT NULL;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "upload_id" uuid;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "applied_as" text;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "undo_of" uuid;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "undone_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "drift" integer;--> statement-breakpoint
ALTER TABLE "held_change" ADD CONSTRAINT "held_change_sync_run_id_sync_run_id_fk" FOREIGN KEY ("sync_run_id") REFERENCES "public"."sync_run"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "replacement_link" ADD CONSTRAINT "replacement_link_replacement_id_system_replacement_id_fk" FOREIGN KEY ("replacement_id") REFERENCES "public"."system_replacement"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "roster_upload_chunk" ADD CONSTRAINT "roster_upload_chunk_upload_id_roster_upload_id_fk" FOREIGN KEY ("upload_id") REFERENCES "public"."roster_upload"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_progress" ADD CONSTRAINT "sync_progress_sync_run_id_sync_run_id_fk" FOREIGN KEY ("sync_run_id") REFERENCES "public"."sync_run"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "held_change_run" ON "held_change" USING btree ("school_id","sync_run_id","collection","kind");--> statement-breakpoint
CREATE UNIQUE INDEX "replacement_link_new" ON "replacement_link" USING btree ("replacement_id","new_id");--> statement-breakpoint
CREATE INDEX "roster_change_run" ON "roster_change" USING btree ("sync_run_id","collection","seq");--> statement-breakpoint
CREATE INDEX "roster_change_record" ON "roster_change" USING btree ("record_id");--> statement-breakpoint
CREATE INDEX "roster_change_school" ON "roster_change" USING btree ("school_id","seq");--> statement-breakpoint
CREATE INDEX "roster_demographics_person" ON "roster_demographics" USING btree ("person_id");--> statement-breakpoint
CREATE INDEX "roster_enrolment_group" ON "roster_enrolment" USING btree ("group_id");--> statement-breakpoint
CREATE INDEX "roster_enrolment_person" ON "roster_enrolment" USING btree ("person_id");--> statement-breakpoint
CREATE INDEX "roster_person_name" ON "roster_person" USING btree ("school_id","family_name","given_name","id");--> statement-breakpoint
CREATE INDEX "roster_person_alias_person" ON "roster_person_alias" USING btree ("person_id");--> statement-breakpoint
CREATE INDEX "roster_upload_system" ON "roster_upload" USING btree ("school_id","system_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "stream_choice_once" ON "stream_choice" USING btree ("system_id","source_id");--> statement-breakpoint
CREATE UNIQUE INDEX "system_replacement_one" ON "system_replacement" USING btree ("school_id","old_system_id") WHERE state in ('reviewing', 'switched');--> statement-breakpoint
CREATE UNIQUE INDEX "withheld_person_once" ON "withheld_person" USING btree ("system_id","source_id") WHERE released_at is null;--> statement-breakpoint
CREATE INDEX "withheld_person_school" ON "withheld_person" USING btree ("school_id");--> statement-breakpoint-- From here by hand. What was seen at the last fetch has no date of its own any more.
insert into roster_fetch (school_id, system_id, collection, seen_at)
select school_id, system_id, collection, max(last_seen_at) from (
  select school_id, system_id, 'sites' as collection, last_seen_at from roster_site
  union all select school_id, system_id, 'terms', last_seen_at from roster_term
  union all select school_id, system_id, 'subjects', last_seen_at from roster_subject
  union all select school_id, system_id, 'streams', last_seen_at from roster_stream
  union all select school_id, system_id, 'groups', last_seen_at from roster_group
  union all select school_id, system_id, 'courses', last_seen_at from lms_course) as seen
 group by school_id, system_id, collection;
--> statement-breakpoint
do $$
declare t text;
begin
  foreach t in array array['roster_site', 'roster_term', 'roster_subject', 'roster_stream', 'roster_group', 'lms_course'] loop
    execute format('update public.%I set last_seen_at = null where missed_fetches = 0 and gone_at is null', t);
  end loop;
end $$;
--> statement-breakpoint
select across.protect_tenant(t) from unnest(array[
  'roster_person', 'roster_person_alias', 'roster_enrolment', 'roster_demographics', 'roster_fetch', 'roster_change', 'held_change',
  'withheld_person', 'stream_choice', 'stream_assignment', 'sync_settings', 'sync_progress', 'roster_upload', 'roster_upload_chunk',
  'system_replacement', 'replacement_link']) as name, lateral (select quote_ident(name)::regclass as t) as r;
--> statement-breakpoint
grant select, insert, update, delete on roster_person, roster_person_alias, roster_enrolment, roster_demographics, roster_fetch, roster_change,
  held_change, withheld_person, stream_choice, stream_assignment, sync_settings, sync_progress, roster_upload, roster_upload_chunk,
  system_replacement, replacement_link to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
-- Statistics after a first sync of a large school: the planner takes a new table for empty.
grant maintain on roster_site, roster_term, roster_subject, roster_stream, roster_group, roster_person, roster_enrolment, roster_demographics, lms_course
  to crosswalk_sync;
--> statement-breakpoint
-- What was previewed and approved is what a first sync must bring.
grant select on preview to crosswalk_sync;
--> statement-breakpoint
-- Keys in order of time, so that millions of new rows go to the end of their index. PostgreSQL 18 brings them.
do $$
begin
  if to_regprocedure('pg_catalog.uuidv7()') is not null then
    execute 'create function across.new_id() returns uuid language sql volatile parallel safe as ''select pg_catalog.uuidv7()''';
  else
    execute 'create function across.new_id() returns uuid language sql volatile parallel safe as ''
      select pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(pg_catalog.overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) placing
        pg_catalog.substring(pg_catalog.int8send((extract(epoch from pg_catalog.clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), ''''hex'''')::uuid''';
  end if;
end $$;
--> statement-breakpoint
grant execute on function across.new_id to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
drop table staging.record, staging.page;
--> statement-breakpoint
-- One row per page (or part of a file) that is staged whole: a repeated step goes on behind it.
create unlogged table staging.page (
  run_id uuid not null,
  school_id uuid not null,
  collection text not null,
  page integer not null,
  rows bigint not null,
  set_aside bigint not null,
  total bigint,
  -- Where to go on after this page; null: it was the last.
  cursor text,
  ended text check (ended in ('said', 'assumed', 'doubtful')),
  deviations text[] not null,
  primary key (run_id, collection, page)
);
--> statement-breakpoint
create index on staging.page (school_id);
--> statement-breakpoint
grant select, insert, update, delete on staging.page to crosswalk_sync;
--> statement-breakpoint
-- A list in one cell: parted by U+001F where we wrote it, by commas where the source did. Without a subquery, so that PostgreSQL puts it into the
-- statement instead of calling it for every row.
create function staging.list(p text) returns text[] language sql immutable parallel safe as $$
  select case when p is null then '{}'::text[]
              when strpos(p, chr(31)) > 0 then string_to_array(rtrim(p, chr(31)), chr(31))
              when strpos(p, ',') = 0 then array[btrim(p)]
              else array_remove(string_to_array(regexp_replace(btrim(p), '\s*,\s*', ',', 'g'), ','), '') end
$$;
--> statement-breakpoint
create function staging.day(p text) returns date language sql stable parallel safe as $$
  select case when p ~ '^\d{4}-\d{2}-\d{2}(T|$)' and pg_input_is_valid(left(p, 10), 'date') then left(p, 10)::date end
$$;
--> statement-breakpoint
create function staging.truth(p text) returns boolean language sql immutable parallel safe as $$
  select case lower(p) when 'true' then true when '1' then true when 'yes' then true when 'false' then false when '0' then false when 'no' then false end
$$;
--> statement-breakpoint
-- A moment as a source wrote it. One that lies ahead of us by more than a day says nothing: it would poison a cursor.
create function staging.moment(p text) returns timestamptz language sql stable parallel safe as $$
  select case when p is not null and pg_input_is_valid(p, 'timestamptz') and isfinite(p::timestamptz) and p::timestamptz <= now() + interval '1 day'
              then p::timestamptz end
$$;
--> statement-breakpoint
grant execute on function staging.list, staging.day, staging.truth, staging.moment to crosswalk_sync;
--> statement-breakpoint
-- Opens the tables of one run: one for each staged collection with the columns named, all of text, and the hash of those that count. Of the
-- transaction's own school alone. p_tables: {"people": {"columns": ["enabled", …], "hashed": ["enabled", …]}, …}
create function across.open_staging(p_run uuid, p_tables jsonb) returns void language plpgsql security definer set search_path = '' as $$
declare
  suffix text := replace(p_run::text, '-', '');
  spec record;
  hash text;
begin
  if not exists (select 1 from public.sync_run where id = p_run and school_id = nullif(current_setting('app.school', true), '')::uuid) then
    raise exception 'no such run' using errcode = 'no_data_found';
  end if;
  for spec in select key, value from jsonb_each(p_tables) loop
    select string_agg(format('coalesce(%I, '''')', c), ' || chr(31) || ' order by n) into hash
      from jsonb_array_elements_text(spec.value -> 'hashed') with ordinality as h(c, n);
    execute format('create unlogged table staging.%I (line bigint, source_id text, status text, modified text, %s, '
      || 'hash uuid generated always as (md5(%s)::uuid) stored) with (autovacuum_enabled = false)', spec.key || '_' || suffix,
      (select string_agg(format('%I text', c), ', ' order by n) from jsonb_array_elements_text(spec.value -> 'columns') with ordinality as h(c, n)), hash);
    execute format('grant select, insert, update, delete, truncate, maintain on staging.%I to crosswalk_sync', spec.key || '_' || suffix);
  end loop;
  execute format('create unlogged table staging.%I (collection text not null, source_id text, file text, line bigint, field text, reason text not null) '
    || 'with (autovacuum_enabled = false)', 'aside_' || suffix);
  execute format('create unlogged table staging.%I (collection text not null, kind text not null, source_id text not null, id uuid, fields text[], before jsonb, '
    || 'after jsonb) with (autovacuum_enabled = false)', 'plan_' || suffix);
  execute format('grant select, insert, update, delete, truncate, maintain on staging.%I, staging.%I to crosswalk_sync',
    'aside_' || suffix, 'plan_' || suffix);
end $$;
--> statement-breakpoint
create function across.close_staging(p_run uuid) returns void language plpgsql security definer set search_path = '' as $$
declare
  name text;
begin
  if not exists (select 1 from public.sync_run where id = p_run and school_id = nullif(current_setting('app.school', true), '')::uuid) then
    return;
  end if;
  for name in select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'staging' and c.relkind = 'r' and c.relname like '%\_' || replace(p_run::text, '-', '') loop
    execute format('drop table staging.%I', name);
  end loop;
  delete from staging.page where run_id = p_run;
end $$;
--> statement-breakpoint
grant execute on function across.open_staging to crosswalk_sync;
--> statement-breakpoint
grant execute on function across.close_staging to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
create or replace function across.drop_staging(p_system uuid) returns void language plpgsql security definer set search_path = '' as $$
declare
  run uuid;
begin
  for run in select id from public.sync_run where system_id = p_system and school_id = nullif(current_setting('app.school', true), '')::uuid
                and state not in ('succeeded') loop
    perform across.close_staging(run);
  end loop;
end $$;
--> statement-breakpoint
-- The scheduler asks each system as often as its school chose, and not on the days that it left out.
drop function across.systems_due_for_sync;
--> statement-breakpoint
create function across.systems_due_for_sync(p_now timestamptz) returns table (school_id uuid, system_id uuid, connector text, settings jsonb)
language sql stable security definer set search_path = '' as $$
  select y.school_id, y.id, y.connector, y.settings
    from public.system y join public.school s on s.id = y.school_id
    left join public.sync_settings o on o.system_id = y.id and o.school_id = y.school_id
   where y.removed_at is null and s.stopped_at is null
     and exists (select 1 from public.connection c join public."grant" g on g.connection_id = c.id and g.ended_at is null
                  where c.producer_system_id = y.id and c.school_id = y.school_id and c.state in ('connecting', 'live', 'failing'))
     and exists (select 1 from public.credential k where k.system_id = y.id and k.school_id = y.school_id and k.proved_at is not null and k.destroyed_at is null)
     and not exists (select 1 from public.sync_run r where r.system_id = y.id and r.school_id = y.school_id
                      and (r.created_at > p_now - make_interval(mins => coalesce(o.interval_minutes, 120)) or r.state in ('queued', 'held')
                           or (r.state = 'running' and r.lease_until > p_now)))
     and not exists (select 1 from jsonb_to_recordset(coalesce(o.blackouts, '[]')) as b("from" date, until date)
                      where (p_now at time zone s.time_zone)::date between b."from" and b.until)
   order by y.id
$$;
--> statement-breakpoint
grant execute on function across.systems_due_for_sync to crosswalk_sync, crosswalk_web;
